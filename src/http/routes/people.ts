import type { FastifyInstance } from 'fastify';
import type { AccountRefusal } from '#accounts/sign-in.ts';
import { homePage, setupPage, signInPage } from '#pages/people.ts';
import type { Words } from '#pages/words.ts';
import { type PageCall, showPage, takeForm } from '../page.ts';
import { forgetSession, ownPath, startSession } from '../visitor.ts';
import type { World } from '../world.ts';

const accountWords = (words: Words, refusal: AccountRefusal): string =>
  refusal.kind === 'invalid-field' ? words.say(`account-problem.${refusal.field}`) : words.say(`account-problem.${refusal.kind}`);

/** Pages about the person: home, sign-in, set-up. */
export function peopleRoutes(app: FastifyInstance, world: World): void {
  const until = (expiresAt: number) => expiresAt - world.clock.now();

  showPage(app, world, '/', async ({ frame }) =>
    homePage(frame, {
      waiting: frame.user?.mayReview ? await world.records.countClients({ stage: 'proposed', suppressed: false }) : null,
    }),
  );

  showPage(app, world, '/sign-in', async ({ visitor, frame, query }) => {
    const returnto = ownPath(query.get('returnto'));
    return visitor.signedIn ? { to: returnto } : signInPage(frame, { returnto, name: '', problem: null });
  });

  takeForm(app, world, '/sign-in', async ({ request, reply, visitor, frame, form }) => {
    const [name, returnto] = [form.get('name') ?? '', ownPath(form.get('returnto'))];
    const answer = await world.accounts.signIn(name, form.get('password') ?? '', request.ip);
    if (!answer.ok) {
      const { kind } = answer.refusal;
      if (kind === 'throttled') reply.header('retry-after', String(answer.refusal.retryAfter));
      const problem = frame.words.say(`sign-in.${kind}`);
      return { status: kind === 'throttled' ? 429 : 403, page: signInPage(frame, { returnto, name, problem }) };
    }
    // The session gets a secret of its own at sign-in, whatever the browser held before.
    if (visitor.signedIn) await world.accounts.signOut(visitor.secret);
    startSession(world, reply, answer.value.sessionSecret, until(answer.value.expiresAt));
    return { to: returnto };
  });

  takeForm(app, world, '/sign-out', async ({ reply, visitor }) => {
    if (visitor.signedIn) await world.accounts.signOut(visitor.secret);
    forgetSession(world, reply);
    return { to: '/?done=signed-out' };
  });

  showPage(app, world, '/setup', async ({ frame, query }) =>
    setupPage(frame, { token: (query.get('token') ?? '').slice(0, 200), name: '', email: '', problem: null }),
  );

  takeForm(app, world, '/setup', async ({ reply, frame, form }: PageCall) => {
    const [token, name, email] = [form.get('token') ?? '', form.get('name') ?? '', form.get('email') ?? ''];
    const answer = await world.accounts.setUp(token, { name, email, password: form.get('password') ?? '' });
    if (!answer.ok)
      return {
        status: 400,
        page: setupPage(frame, { token: token.slice(0, 200), name, email, problem: accountWords(frame.words, answer.refusal) }),
      };
    startSession(world, reply, answer.value.sessionSecret, until(answer.value.expiresAt));
    return { to: '/' };
  });
}
