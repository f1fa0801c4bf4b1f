import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { formValues } from '#encoding/form.ts';
import type { OAuth1Refusal } from '#oauth1/refusals.ts';
import { signInFirst } from '#pages/account/sign-in-first.ts';
import { leadOn } from '#pages/consent/decision.ts';
import { noteTexts } from '#pages/words.ts';
import { queryOf, sentRequest } from '../request.ts';
import { refusalForPerson, sendForm, sendOAuth1Refusal } from '../responses.ts';
import { sendMessage, sendNote, visitorOf } from '../session.ts';
import type { World } from '../world.ts';

/**
 * A person is asked by an OAuth 1 app (RFC 5849 §2.2). `authenticate` lets a returning one through;
 * `authorize` always asks.
 */
export async function askForOAuth1(
  world: World,
  request: FastifyRequest,
  reply: FastifyReply,
  asked: {
    readonly token: string;
    readonly clientId: string | undefined;
    readonly skip: boolean;
    readonly dialect: 'core' | 'mediawiki';
    readonly popup: boolean;
    /** Path to come back to after sign-in; absent: the request's own. */
    readonly returnTo?: string | undefined;
    /** What a dialect says of a refusal on the page, with its codes. */
    readonly pageOf?: (refusal: OAuth1Refusal) => { readonly text: string };
  },
): Promise<FastifyReply> {
  const visitor = await visitorOf(world, request, reply);
  if (visitor.user === null) return signInFirst(world, request, reply, { path: asked.returnTo });
  const face = (asked.dialect === 'mediawiki' && world.faces.mediawiki) || world.faces.core;
  const client = await face.oauth1.ask(asked.token, asked.clientId, visitor.user);
  if (!client.ok) {
    const { status, note, values } = refusalForPerson(client.refusal);
    const told = asked.pageOf?.(client.refusal).text;
    if (told === undefined) return sendNote(world, reply, visitor, status, note, values);
    return sendMessage(
      world,
      reply,
      visitor,
      status,
      noteTexts(visitor.words, note, values).title,
      told,
    );
  }
  const wanted = {
    clientId: client.value.id,
    userId: visitor.user.id,
    scopes: client.value.scopes,
    asked: { protocol: 'oauth1', token: asked.token } as const,
    dialect: asked.dialect,
    display: asked.popup ? ('popup' as const) : ('page' as const),
  };
  return leadOn(world, request, reply, { ...visitor, user: visitor.user }, wanted, client.value, {
    maySkip: asked.skip,
  });
}

/** The canonical OAuth 1.0a endpoints (RFC 5849 §2). */
export function oauth1Routes(app: FastifyInstance, world: World): void {
  const { oauth1 } = world.faces.core;

  app.post('/oauth1/initiate', async (request, reply) => {
    const answer = await oauth1.initiate(sentRequest(request));
    if (!answer.ok) return sendOAuth1Refusal(reply, answer.refusal);
    return sendForm(reply, 200, [
      ['oauth_token', answer.value.token],
      ['oauth_token_secret', answer.value.secret],
      ['oauth_callback_confirmed', 'true'],
    ]);
  });

  app.post('/oauth1/token', async (request, reply) => {
    const answer = await oauth1.exchange(sentRequest(request));
    if (!answer.ok) return sendOAuth1Refusal(reply, answer.refusal);
    return sendForm(reply, 200, [
      ['oauth_token', answer.value.token],
      ['oauth_token_secret', answer.value.secret],
    ]);
  });

  for (const [path, skip] of [
    ['/oauth1/authorize', false],
    ['/oauth1/authenticate', true],
  ] as const) {
    app.get(path, async (request, reply) => {
      const query = queryOf(request);
      const form = query.ok ? formValues(query.value) : undefined;
      const token = form?.get('oauth_token');
      if (form === undefined || form.repeated !== undefined || token === undefined) {
        const visitor = await visitorOf(world, request, reply);
        const { status, note, values } = refusalForPerson({
          kind: 'parameter_absent',
          parameter: form?.repeated ?? 'oauth_token',
        });
        return sendNote(world, reply, visitor, status, note, values);
      }
      const popup = form.get('display') === 'popup';
      return askForOAuth1(world, request, reply, {
        token,
        clientId: form.get('oauth_consumer_key'),
        skip,
        dialect: 'core',
        popup,
      });
    });
  }
}
