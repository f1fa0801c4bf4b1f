import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Account } from '#accounts/account.ts';
import { bearerToken } from '#encoding/authorization.ts';
import { formValues, type Pair } from '#encoding/form.ts';
import type { Guard } from '#guard/permit.ts';
import { notFoundWords } from '#http/fallback-texts.ts';
import { noticed } from '#http/oauth/oauth2.ts';
import { noteUnreadableToken } from '#http/oauth/refusal-log.ts';
import { authorizationOf, formOf, queryOf, sentRequest, withinBounds } from '#http/request.ts';
import { refusalForPerson, sendJson } from '#http/responses.ts';
import { sendAway, sendNote, visitorOf } from '#http/session.ts';
import type { Face, World } from '#http/world.ts';
import { REPEATABLE } from '#oauth2/endpoints/token.ts';
import { MOST_FORM, oauth2Words } from '#oauth2/refusal-texts.ts';
import type { AuthorizeProblem } from '#oauth2/refusals.ts';
import { signInFirst as askToSignIn } from '#pages/account/sign-in-first.ts';
import { leadOn } from '#pages/consent/decision.ts';
import { failureDataOf } from '../client-management.ts';
import { badBearer, bearerErrorOf, guardErrorOf } from '../messages.ts';
import { accessDenied, restError, tokenErrorOf } from '../oauth2-errors.ts';
import { profileOf, type Subject } from '../statement.ts';

/** A code and a refresh token have one spelling. */
const exact = new Set(['code', 'refresh_token']);

/** Values without blanks around them; empty ones count as absent (protocols 2.1). */
const tidy = (pairs: readonly Pair[]): readonly Pair[] =>
  pairs
    .map(([name, value]): Pair => [name, exact.has(name) ? value : value.trim()])
    .filter(([, value]) => value.trim() !== '');

/**
 * What is told to a client: an unknown scope, and that nobody could be asked. The person sees the
 * rest (protocols 2.5).
 */
function toldClients(problem: AuthorizeProblem): readonly Pair[] | undefined {
  if (problem.kind !== 'invalid_scope' && problem.kind !== 'login_required') return undefined;
  return [
    ['error', problem.kind],
    ['error_description', oauth2Words(problem)],
    ...(problem.kind === 'invalid_scope'
      ? [['hint', `Check the \`${problem.scope}\` scope`] as const]
      : []),
  ];
}

/** Problems that the reference answers with 401. */
const clientProblems: readonly AuthorizeProblem['kind'][] = [
  'unknown_client',
  'redirect_uri_mismatch',
  'redirect_uri_misleading',
  'access_denied',
  'unauthorized_client',
];

/** The REST paths of OAuth 2 below /w/rest.php (protocols 2). */
export function mediawikiRestRoutes(
  app: FastifyInstance,
  world: World,
  face: Face,
  guard: Guard,
  subjectOf: (account: Account, grants: readonly string[]) => Subject,
): void {
  const root = '/w/rest.php/oauth2';

  const otherMethods = (url: string, allowed: 'GET' | 'POST') =>
    app.route({
      method: [allowed === 'GET' ? 'POST' : 'GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'],
      url,
      handler: async (_request, reply) =>
        sendJson(
          reply.header('allow', allowed),
          405,
          restError(405, 'rest-wrong-method', `Use ${allowed}.`),
        ),
    });

  app.get(`${root}/authorize`, async (request, reply) => {
    const visitor = await visitorOf(world, request, reply);
    const query = queryOf(request);
    // A stranger signs in before anything is looked up, as there: only a request without its two
    // fields is refused first, and one that forbids pages is answered at once.
    const named = query.ok ? formValues(tidy(query.value)) : undefined;
    const whole = named?.get('client_id') !== undefined && named.get('response_type') !== undefined;
    if (visitor.user === null && whole && named.get('prompt') !== 'none')
      return askToSignIn(world, request, reply, { status: 307 });
    const sound = query.ok
      ? await face.oauth2.readAuthorization(tidy(withinBounds(request, query.value)), visitor.user)
      : undefined;
    if (sound === undefined)
      return sendNote(world, reply, visitor, 400, 'bad-request', { kind: 'malformed' });
    if (!sound.ok) {
      const { problem, redirect, signInFirst } = sound.refusal;
      const params = toldClients(problem);
      if (redirect !== null && params !== undefined && !signInFirst)
        return sendAway(reply, face.oauth2.sendBack(redirect, params));
      const { note, values } = refusalForPerson(problem);
      return sendNote(
        world,
        reply,
        visitor,
        clientProblems.includes(problem.kind) ? 401 : 400,
        note,
        values,
      );
    }
    const { client, user, scopes, asked, display, silent } = sound.value;
    const wanted = {
      clientId: client.id,
      userId: user.id,
      scopes,
      asked,
      dialect: 'mediawiki',
      display,
    } as const;
    return leadOn(world, request, reply, { ...visitor, user }, wanted, client, { silent });
  });
  otherMethods(`${root}/authorize`, 'GET');

  app.post(`${root}/access_token`, async (request, reply) => {
    if (!Buffer.isBuffer(request.body) || request.body.length === 0)
      return sendJson(
        reply,
        411,
        restError(411, 'rest-request-body-expected', 'Send the parameters in the body, as a form.'),
      );
    const form = formOf(request);
    if (!form.ok)
      await noteUnreadableToken(world, sentRequest(request), {
        parameter: 'body',
        problem: form.refusal.kind,
      });
    if (!form.ok && form.refusal.kind === 'not-a-form') {
      const notAForm =
        'Send the parameters as a form: Content-Type: application/x-www-form-urlencoded.';
      return sendJson(reply, 415, restError(415, 'rest-unsupported-content-type', notAForm));
    }
    if (!form.ok && form.refusal.kind !== 'malformed-form') {
      const [status, text] =
        form.refusal.kind === 'too-large'
          ? ([413, `The body is too large: at most ${MOST_FORM} bytes are read.`] as const)
          : ([415, 'Send the body without Content-Encoding.'] as const);
      return sendJson(
        reply,
        status,
        restError(
          status,
          status === 413 ? 'rest-body-too-large' : 'rest-unsupported-content-encoding',
          text,
        ),
      );
    }
    const { value: authorization, repeated } = authorizationOf(request);
    // Clients whose session always sends a token or a signature are let in by what the body says,
    // once those hold (protocols 2.8).
    if (!repeated && /^(?:OAuth |Bearer)/.test(authorization ?? '')) {
      const permit = await guard.permit(sentRequest(request), world.site);
      if (!permit.ok) {
        const { key, text } = guardErrorOf(permit.refusal);
        return sendJson(reply, 403, restError(403, key, text));
      }
    }
    const unreadable = repeated
      ? ({ parameter: 'Authorization', problem: 'repeated' } as const)
      : ({ parameter: 'body', problem: 'malformed' } as const);
    const answer =
      form.ok && !repeated
        ? await face.oauth2.token({
            authorization,
            form: formValues(tidy(form.value), REPEATABLE),
            address: request.arrival.sure,
          })
        : ({ ok: false, refusal: { kind: 'invalid_request', ...unreadable } } as const);
    reply.header('pragma', 'no-cache');
    if (answer.ok)
      return sendJson(reply, 200, answer.value).header(
        'content-type',
        'application/json; charset=UTF-8',
      );
    const { status, body } = tokenErrorOf(noticed(request, answer.refusal));
    if (status === 401 && authorization !== undefined)
      reply.header('www-authenticate', 'Basic realm="OAuth"');
    return sendJson(reply, status, body);
  });
  otherMethods(`${root}/access_token`, 'POST');

  async function bearer(request: FastifyRequest, reply: FastifyReply) {
    const { value, repeated } = authorizationOf(request);
    const token = value === undefined ? undefined : bearerToken(value);
    if (token === undefined || repeated) {
      const { status, body } = accessDenied('Missing "Authorization" header');
      sendJson(reply.header('www-authenticate', 'Bearer realm="OAuth"'), status, body);
      return undefined;
    }
    const live = token.ok
      ? await face.oauth2.authenticateToken(token.value, {
          site: world.site,
          address: request.arrival.sure,
        })
      : token;
    if (live.ok) return live.value;
    const exact = value?.startsWith('Bearer');
    const { key, text } =
      live.refusal.kind === 'malformed-authorization' ? badBearer : bearerErrorOf(live.refusal);
    // Only where a new token would mend it: clients fetch one when they read this.
    const mended = key === badBearer.key ? ', error="invalid_token"' : '';
    reply.header('www-authenticate', `Bearer realm="OAuth"${mended}`);
    if (exact) sendJson(reply, 403, restError(403, key, text));
    else sendJson(reply, 401, accessDenied('Access token is not valid').body);
    return undefined;
  }

  app.get(`${root}/resource/:type`, async (request, reply) => {
    const { type } = request.params as { readonly type: string };
    if (type !== 'profile' && type !== 'scopes') {
      const shape = {
        error: 'parameter-validation-failed',
        name: 'type',
        value: type.slice(0, 64),
        failureCode: 'badvalue',
        failureData: failureDataOf('badvalue'),
      };
      return sendJson(reply, 400, {
        ...shape,
        ...restError(400, 'rest-parameter-validation-error', 'Use profile or scopes.'),
      });
    }
    const live = await bearer(request, reply);
    if (live === undefined) return reply;
    if (type === 'scopes') return sendJson(reply, 200, { scopes: live.client.scopes });
    // A token of the client itself shows its owner (protocols 2.17).
    const account = live.user ?? (await world.records.findAccount(live.client.ownerId));
    if (account === undefined)
      return sendJson(
        reply,
        403,
        restError(
          403,
          'mwoauth-invalid-authorization-invalid-user',
          'The account does not exist any more.',
        ),
      );
    return sendJson(reply, 200, profileOf(subjectOf(account, live.scopes)));
  });
  otherMethods(`${root}/resource/:type`, 'GET');

  app.route({
    method: ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'],
    url: '/w/rest.php/*',
    handler: async (request, reply) =>
      sendJson(
        reply,
        404,
        restError(
          404,
          'rest-no-match',
          notFoundWords((request.raw.url ?? '').split('?', 1)[0] ?? '', true),
        ),
      ),
  });
}
