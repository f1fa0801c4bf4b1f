import type { FastifyReply, FastifyRequest } from 'fastify';
import { makeFormParameters, type NameValuePair } from '#encoding/form.ts';
import { markOversizedState, parseQuery } from '#http/request.ts';
import type { Protocols, Services } from '#http/world.ts';
import { toPendingAuthorization } from '#oauth2/endpoints/authorization.ts';
import { describeOAuth2Refusal } from '#oauth2/refusal-texts.ts';
import type { AuthorizationProblem, AuthorizationRefusal } from '#oauth2/refusals.ts';
import { redirectToSignIn as askToSignIn } from '#pages/account/sign-in-first.ts';
import { continueAuthorization } from '#pages/consent/authorization.ts';
import { authorizationErrorNote } from '#pages/consent/authorization-notes.ts';
import {
  identifyPageVisitor,
  type PageVisitor,
  redirectToClient,
  sendNote,
} from '#pages/respond.ts';
import { MEDIAWIKI } from '../../oauth1-profile.ts';
import { trimPairs } from './parameters.ts';

/** What the authorization endpoint works with. */
export interface AuthorizeDependencies {
  readonly services: Services;
  /** OAuth 2 under the dialect's profile. */
  readonly protocols: Pick<Protocols, 'oauth2'>;
}

/**
 * What is told to a client: an unknown scope, and that nobody could be asked. The person sees the
 * rest (protocols 2.5).
 */
function clientErrorParameters(
  problem: AuthorizationProblem,
): readonly NameValuePair[] | undefined {
  if (problem.kind !== 'invalid_scope' && problem.kind !== 'login_required') return undefined;
  return [
    ['error', problem.kind],
    ['error_description', describeOAuth2Refusal(problem)],
    ...(problem.kind === 'invalid_scope'
      ? [['hint', `Check the \`${problem.scope}\` scope`] as const]
      : []),
  ];
}

/** Problems that the reference answers with 401. */
const clientProblems: readonly AuthorizationProblem['kind'][] = [
  'unknown_client',
  'redirect_uri_mismatch',
  'redirect_uri_misleading',
  'access_denied',
  'unauthorized_client',
];

async function sendRefusal(
  { services, protocols }: AuthorizeDependencies,
  reply: FastifyReply,
  visitor: PageVisitor,
  { problem, redirect, signInFirst }: AuthorizationRefusal,
): Promise<FastifyReply> {
  const params = clientErrorParameters(problem);
  if (redirect !== null && params !== undefined && !signInFirst)
    return redirectToClient(reply, protocols.oauth2.redirectUriWith(redirect, params));
  const { note, values } = authorizationErrorNote(problem);
  const status = clientProblems.includes(problem.kind) ? 401 : 400;
  return sendNote(services, reply, visitor, status, note, values);
}

/** Asks the person for a consent (RFC 6749 §4.1.1). */
export async function handleAuthorize(
  dependencies: AuthorizeDependencies,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { services, protocols } = dependencies;
  const visitor = await identifyPageVisitor(services, request, reply);
  const query = parseQuery(request);
  // A stranger signs in before anything is looked up, as there: only a request without its two
  // fields is refused first, and one that forbids pages is answered at once.
  const trimmed = query.ok ? makeFormParameters(trimPairs(query.value)) : undefined;
  const isComplete =
    trimmed?.get('client_id') !== undefined && trimmed.get('response_type') !== undefined;
  if (visitor.user === null && isComplete && trimmed.get('prompt') !== 'none')
    return askToSignIn(services, request, reply, { status: 307 });
  if (!query.ok)
    return sendNote(services, reply, visitor, 400, 'bad-request', { kind: 'malformed' });
  const authorization = await protocols.oauth2.validateAuthorizationRequest(
    trimPairs(markOversizedState(request, query.value)),
    visitor.user,
  );
  if (!authorization.ok) return sendRefusal(dependencies, reply, visitor, authorization.refusal);
  const { client, user, promptNone } = authorization.value;
  return continueAuthorization(
    services,
    request,
    reply,
    { ...visitor, user },
    toPendingAuthorization(authorization.value, MEDIAWIKI),
    client,
    { promptNone },
  );
}
