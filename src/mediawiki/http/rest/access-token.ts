import type { FastifyReply, FastifyRequest } from 'fastify';
import { makeFormParameters } from '#encoding/form.ts';
import type { Guard } from '#guard/permit.ts';
import { flagQueryParameters } from '#http/oauth/oauth2.ts';
import { logUnreadableTokenRequest } from '#http/oauth/refusal-log.ts';
import { authorizationHeader, parseFormBody, rawRequestOf } from '#http/request.ts';
import { sendJson } from '#http/responses.ts';
import type { Protocols, Services } from '#http/world.ts';
import { REPEATABLE_PARAMETERS } from '#oauth2/endpoints/token.ts';
import { MAX_FORM_BYTES } from '#oauth2/refusal-texts.ts';
import { guardToApiError } from '../../credential-errors.ts';
import { restLayerError, toTokenError } from '../../oauth2-errors.ts';
import { trimPairs } from './parameters.ts';

/** What the token endpoint works with. */
export interface AccessTokenDependencies {
  readonly services: Services;
  /** OAuth 2 under the dialect's profile. */
  readonly protocols: Pick<Protocols, 'oauth2'>;
  /** Judges credentials under the dialect's profile. */
  readonly guard: Guard;
}

type FormBody = ReturnType<typeof parseFormBody>;
type FormProblem = Extract<FormBody, { readonly ok: false }>['refusal']['kind'];

/** The answer to a body that is not read at all; undefined: the endpoint judges the request. */
function unreadBodyError(problem: FormProblem): ReturnType<typeof restLayerError> | undefined {
  switch (problem) {
    case 'not-a-form':
      return restLayerError(
        415,
        'rest-unsupported-content-type',
        'Send the parameters as a form: Content-Type: application/x-www-form-urlencoded.',
      );
    case 'malformed-form':
      return undefined;
    case 'too-large':
      return restLayerError(
        413,
        'rest-body-too-large',
        `The body is too large: at most ${MAX_FORM_BYTES} bytes are read.`,
      );
    default:
      return restLayerError(
        415,
        'rest-unsupported-content-encoding',
        'Send the body without Content-Encoding.',
      );
  }
}

function issueTokens(
  { protocols }: AccessTokenDependencies,
  request: FastifyRequest,
  form: FormBody,
) {
  const { value: authorization, repeated } = authorizationHeader(request);
  const refuseUnreadable = (parameter: string, problem: 'repeated' | 'malformed') =>
    ({ ok: false, refusal: { kind: 'invalid_request', parameter, problem } }) as const;
  if (repeated) return refuseUnreadable('Authorization', 'repeated');
  if (!form.ok) return refuseUnreadable('body', 'malformed');
  return protocols.oauth2.issueTokens({
    authorization,
    form: makeFormParameters(trimPairs(form.value), REPEATABLE_PARAMETERS),
    address: request.connectionInfo.trustedAddress,
  });
}

/** Issues tokens (RFC 6749 §3.2). */
export async function handleAccessToken(
  dependencies: AccessTokenDependencies,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { services, guard } = dependencies;
  if (!Buffer.isBuffer(request.body) || request.body.length === 0) {
    const text = 'Send the parameters in the body, as a form.';
    return sendJson(reply, 411, restLayerError(411, 'rest-request-body-expected', text));
  }
  const form = parseFormBody(request);
  if (!form.ok) {
    const problem = form.refusal.kind;
    await logUnreadableTokenRequest(services, rawRequestOf(request), {
      parameter: 'body',
      problem,
    });
    const error = unreadBodyError(problem);
    if (error !== undefined) return sendJson(reply, error.httpCode, error);
  }
  const { value: authorization, repeated } = authorizationHeader(request);
  // Clients whose session always sends a token or a signature are let in by what the body says,
  // once those hold (protocols 2.8).
  if (!repeated && /^(?:OAuth |Bearer)/.test(authorization ?? '')) {
    const permit = await guard.permit(rawRequestOf(request), services.site);
    if (!permit.ok) {
      const { key, text } = guardToApiError(permit.refusal);
      return sendJson(reply, 403, restLayerError(403, key, text));
    }
  }
  const answer = await issueTokens(dependencies, request, form);
  reply.header('pragma', 'no-cache');
  if (answer.ok)
    return sendJson(reply, 200, answer.value).header(
      'content-type',
      'application/json; charset=UTF-8',
    );
  const { status, body } = toTokenError(flagQueryParameters(request, answer.refusal));
  if (status === 401 && authorization !== undefined)
    reply.header('www-authenticate', 'Basic realm="OAuth"');
  return sendJson(reply, status, body);
}
