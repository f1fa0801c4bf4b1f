import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { formValues, type Pair } from '#encoding/form.ts';
import type { Result } from '#kernel/result.ts';
import { type FormRequest, REPEATABLE } from '#oauth2/endpoints/token.ts';
import { oauth2Words } from '#oauth2/refusal-texts.ts';
import type { OAuth2Refusal, RequestProblem } from '#oauth2/refusals.ts';
import { signInFirst as askToSignIn } from '#pages/account/sign-in-first.ts';
import { leadOn } from '#pages/consent/decision.ts';
import {
  authorizationOf,
  type FormRefusal,
  formOf,
  queryOf,
  sentRequest,
  sentText,
  withinBounds,
} from '../request.ts';
import { refusalForPerson, sendJson, sendOAuth2Refusal } from '../responses.ts';
import { sendAway, sendNote, visitorOf } from '../session.ts';
import type { World } from '../world.ts';
import { noteUnreadableToken } from './refusal-log.ts';

/**
 * A form request of an app, or the refusal of what cannot be read. Nothing but credentials is taken
 * from headers, and nothing from the query.
 */
export function formRequest(request: FastifyRequest): Result<FormRequest, OAuth2Refusal> {
  const malformed = (parameter: string, problem: RequestProblem) =>
    ({ ok: false, refusal: { kind: 'invalid_request', parameter, problem } }) as const;
  const { value: authorization, repeated } = authorizationOf(request);
  if (repeated) return malformed('Authorization', 'repeated');
  const form = formOf(request);
  if (!form.ok)
    return malformed(
      'body',
      form.refusal.kind === 'malformed-form' ? 'malformed' : form.refusal.kind,
    );
  return {
    ok: true,
    value: {
      authorization,
      form: formValues(form.value, REPEATABLE),
      address: request.arrival.sure,
    },
  };
}

/**
 * Notices a parameter that is missing from the body and stands in the query (RFC 6749 §3.2): there
 * it is in the logs of everybody on the way.
 */
export function noticed(request: FastifyRequest, refusal: OAuth2Refusal): OAuth2Refusal {
  const query = queryOf(request);
  const named = (name: string) => query.ok && query.value.some(([given]) => given === name);
  if (
    refusal.kind === 'invalid_request' &&
    refusal.problem === 'missing' &&
    named(refusal.parameter)
  )
    return { ...refusal, problem: 'in-query' };
  return refusal.kind === 'invalid_client' && refusal.problem === 'missing' && named('client_id')
    ? { ...refusal, problem: 'in-query' }
    : refusal;
}

/**
 * Takes an authorization request to the person, or back to the app, or to a page (RFC 6749 §4.1.1).
 */
export async function askForOAuth2(
  world: World,
  request: FastifyRequest,
  reply: FastifyReply,
  pairs: readonly Pair[],
): Promise<FastifyReply> {
  const { oauth2 } = world.faces.core;
  const visitor = await visitorOf(world, request, reply);
  const sound = await oauth2.readAuthorization(withinBounds(request, pairs), visitor.user);
  if (!sound.ok) {
    const { problem, redirect, signInFirst } = sound.refusal;
    // A form post of the request (RFC 6749 §3.1) comes back as a GET after sign-in.
    if (signInFirst)
      return askToSignIn(world, request, reply, {
        path: request.method === 'GET' ? undefined : `/oauth2/authorize?${sentText(request)}`,
      });
    if (redirect === null) {
      const { status, note, values } = refusalForPerson(problem);
      return sendNote(world, reply, visitor, status, note, values);
    }
    const params: Pair[] = [
      ['error', problem.kind],
      ['error_description', oauth2Words(problem)],
    ];
    return sendAway(reply, oauth2.sendBack(redirect, params));
  }
  const { client, user, scopes, asked, display, silent } = sound.value;
  const wanted = {
    clientId: client.id,
    userId: user.id,
    scopes,
    asked,
    dialect: 'core',
    display,
  } as const;
  return leadOn(world, request, reply, { ...visitor, user }, wanted, client, { silent });
}

/** The canonical OAuth 2 endpoints. */
export function oauth2Routes(app: FastifyInstance, world: World): void {
  const { oauth2 } = world.faces.core;

  const unreadable = async (
    request: FastifyRequest,
    reply: FastifyReply,
    why: FormRefusal['kind'],
  ) => {
    const visitor = await visitorOf(world, request, reply);
    if (why === 'too-large') return sendNote(world, reply, visitor, 413, 'too-large');
    const parameter = {
      'malformed-form': 'encoding',
      'not-a-form': 'Content-Type: application/x-www-form-urlencoded',
      encoded: 'Content-Encoding',
    }[why];
    const { status, note, values } = refusalForPerson({
      kind: 'invalid_request',
      parameter,
      problem: 'malformed',
    });
    return sendNote(world, reply, visitor, status, note, values);
  };
  app.get('/oauth2/authorize', async (request, reply) => {
    const query = queryOf(request);
    return query.ok
      ? askForOAuth2(world, request, reply, query.value)
      : unreadable(request, reply, query.refusal.kind);
  });
  app.post('/oauth2/authorize', async (request, reply) => {
    const form = formOf(request);
    return form.ok
      ? askForOAuth2(world, request, reply, form.value)
      : unreadable(request, reply, form.refusal.kind);
  });

  app.post('/oauth2/token', async (request, reply) => {
    const given = formRequest(request);
    const answer = given.ok ? await oauth2.token(given.value) : given;
    if (!given.ok && given.refusal.kind === 'invalid_request')
      await noteUnreadableToken(world, sentRequest(request), given.refusal);
    return answer.ok
      ? sendJson(reply, 200, answer.value)
      : sendOAuth2Refusal(reply, noticed(request, answer.refusal));
  });
  app.post('/oauth2/introspect', async (request, reply) => {
    const given = formRequest(request);
    const answer = given.ok ? await oauth2.introspect(given.value) : given;
    return answer.ok
      ? sendJson(reply, 200, answer.value)
      : sendOAuth2Refusal(reply, noticed(request, answer.refusal));
  });
  app.post('/oauth2/revoke', async (request, reply) => {
    const given = formRequest(request);
    const answer = given.ok ? await oauth2.revoke(given.value) : given;
    if (!answer.ok) return sendOAuth2Refusal(reply, noticed(request, answer.refusal));
    // An empty body is right too (RFC 7009 §2.2), and libraries that parse whatever is labelled
    // JSON fail at it.
    return sendJson(reply, 200, {});
  });

  const open = (text: () => string) => async (_request: FastifyRequest, reply: FastifyReply) =>
    reply
      .header('content-type', 'application/json')
      .header('cache-control', 'public, max-age=300')
      .header('access-control-allow-origin', '*')
      .send(text());
  const fixed = (body: object) => {
    const text = JSON.stringify(body);
    return open(() => text);
  };
  // Keys come and go.
  app.get(
    '/oauth2/jwks',
    open(() => JSON.stringify(world.signing.jwks())),
  );
  const path = new URL(world.issuer).pathname.replace(/\/$/, '');
  app.get('/.well-known/oauth-authorization-server', fixed(oauth2.metadata()));
  // An issuer with a path has its metadata under the well-known prefix of the host (RFC 8414 §3.1).
  if (path !== '')
    app.get(`/.well-known/oauth-authorization-server${path}`, fixed(oauth2.metadata()));
}
