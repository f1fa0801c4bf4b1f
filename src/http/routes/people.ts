import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Account } from '#accounts/account.ts';
import { type AccountRefusal, csrfToken } from '#accounts/sign-in.ts';
import { consentsPage, homePage, setupPage, signInPage } from '#pages/people.ts';
import { refusalWords } from '#registry/refusal-words.ts';
import { formValues } from '#wire/form.ts';
import { pageForm, queryOf } from '../sent.ts';
import {
  actorOf,
  forgetSession,
  formIsOurs,
  frameOf,
  ownPath,
  refuseForm,
  seeOther,
  sendMessage,
  sendPage,
  signInFor,
  startSession,
  type Visitor,
  visitorOf,
} from '../visitor.ts';
import type { World } from '../world.ts';

const accountWords = (refusal: AccountRefusal): string => {
  switch (refusal.kind) {
    case 'name-taken':
      return 'This name is taken.';
    case 'link-used':
      return 'This link was used before, or a newer one was made. Start the server again to get another, if there is no administrator yet.';
    case 'invalid-field':
      return `Please look at the ${refusal.field.replace('-', ' ')} again: ${refusal.problem}.`;
  }
};

/** Pages about the person: home, sign-in, set-up, the apps they allowed. */
export function peopleRoutes(app: FastifyInstance, world: World): void {
  const until = (expiresAt: number) => expiresAt - world.clock.now();

  app.get('/', async (request, reply) => {
    const visitor = await visitorOf(world, request, reply);
    return sendPage(reply, 200, homePage(frameOf(world, visitor)));
  });

  const showSignIn = (reply: FastifyReply, visitor: Visitor, status: number, returnto: string, name = '', problem: string | null = null) =>
    sendPage(reply, status, signInPage(frameOf(world, visitor), { returnto, name, problem, csrf: csrfToken(visitor.secret) }));

  app.get('/sign-in', async (request, reply) => {
    const visitor = await visitorOf(world, request, reply);
    const query = queryOf(request);
    const returnto = ownPath(query.ok ? formValues(query.value).get('returnto') : undefined);
    return visitor.signedIn ? seeOther(reply, returnto) : showSignIn(reply, visitor, 200, returnto);
  });

  app.post('/sign-in', async (request, reply) => {
    const visitor = await visitorOf(world, request, reply);
    if (!formIsOurs(world, request, visitor)) return refuseForm(world, reply, visitor);
    const form = pageForm(request);
    const [name, returnto] = [form.get('name') ?? '', ownPath(form.get('returnto'))];
    const answer = await world.accounts.signIn(name, form.get('password') ?? '', request.ip);
    if (!answer.ok) {
      if (answer.refusal.kind !== 'throttled') {
        const problem = answer.refusal.kind === 'blocked' ? 'This account is blocked.' : 'The name or the password is not right.';
        return showSignIn(reply, visitor, 403, returnto, name, problem);
      }
      reply.header('retry-after', String(answer.refusal.retryAfter));
      return showSignIn(reply, visitor, 429, returnto, name, 'Too many tries. Please wait a while and try again.');
    }
    // The session gets a secret of its own at sign-in, whatever the browser held before.
    if (visitor.signedIn) await world.accounts.signOut(visitor.secret);
    startSession(world, reply, answer.value.sessionSecret, until(answer.value.expiresAt));
    return seeOther(reply, returnto);
  });

  app.post('/sign-out', async (request, reply) => {
    const visitor = await visitorOf(world, request, reply);
    if (!formIsOurs(world, request, visitor)) return refuseForm(world, reply, visitor);
    if (visitor.signedIn) await world.accounts.signOut(visitor.secret);
    forgetSession(world, reply);
    return seeOther(reply, '/');
  });

  app.get('/setup', async (request, reply) => {
    const visitor = await visitorOf(world, request, reply);
    const query = queryOf(request);
    const token = (query.ok ? formValues(query.value).get('token') : undefined) ?? '';
    const view = { token: token.slice(0, 200), name: '', email: '', problem: null, csrf: csrfToken(visitor.secret) };
    return sendPage(reply, 200, setupPage(frameOf(world, visitor), view));
  });

  app.post('/setup', async (request, reply) => {
    const visitor = await visitorOf(world, request, reply);
    if (!formIsOurs(world, request, visitor)) return refuseForm(world, reply, visitor);
    const form = pageForm(request);
    const [token, name, email] = [form.get('token') ?? '', form.get('name') ?? '', form.get('email') ?? ''];
    const answer = await world.accounts.setUp(token, { name, email, password: form.get('password') ?? '' });
    if (!answer.ok) {
      const view = { token: token.slice(0, 200), name, email, problem: accountWords(answer.refusal), csrf: csrfToken(visitor.secret) };
      return sendPage(reply, 400, setupPage(frameOf(world, visitor), view));
    }
    startSession(world, reply, answer.value.sessionSecret, until(answer.value.expiresAt));
    return seeOther(reply, '/');
  });

  const consentsOf = async (user: Account) =>
    Promise.all(
      (await world.records.listConsents(user.id)).map(async (consent) => ({
        consent,
        client: await world.records.findClient(consent.clientId),
      })),
    );

  app.get('/consents', async (request, reply) => {
    const visitor = await visitorOf(world, request, reply);
    if (visitor.user === null) return seeOther(reply, signInFor(request));
    const apps = (await consentsOf(visitor.user)).map(({ consent, client }) => ({
      id: consent.id,
      appName: client?.name ?? 'An app that no longer exists',
      site: world.sites.nameOf(consent.site) ?? null,
      since: new Date(consent.acceptedAt * 1000).toISOString().slice(0, 10),
      scopes: consent.scopes
        .filter((scope) => !world.scopes.hidden.includes(scope))
        .map((scope) => world.scopes.get(scope)?.description ?? scope),
    }));
    return sendPage(reply, 200, consentsPage(frameOf(world, visitor), apps));
  });

  app.post('/consents/:id/end', async (request, reply) => {
    const visitor = await visitorOf(world, request, reply);
    if (visitor.user === null) return seeOther(reply, '/sign-in?returnto=/consents');
    if (!formIsOurs(world, request, visitor)) return refuseForm(world, reply, visitor);
    const { id } = request.params as { readonly id: string };
    const consentId = /^\d{1,15}$/.test(id) ? Number(id) : 0;
    const answer = await world.registry.submit(actorOf(world, request, visitor.user), 'renounce', { consentId });
    if (answer.ok) return seeOther(reply, '/consents');
    if (answer.refusal.kind === 'readonly')
      return sendMessage(world, reply, visitor, 503, 'Nothing can be changed at the moment', refusalWords(answer.refusal));
    return sendMessage(world, reply, visitor, 404, 'This is not among your apps', 'It was ended before, or it is not yours.');
  });
}
