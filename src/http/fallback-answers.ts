import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import {
  type FormParameters,
  formEncode,
  makeFormParameters,
  type NameValuePair,
} from '#encoding/form.ts';
import { isUnavailable } from '#kernel/unavailable.ts';
import type { IdGenerator } from '#keys/id-generator.ts';
import type { Log } from '#platform/log.ts';
import { problemDocument } from './api/problems.ts';
import type { DialectErrors, ErrorBody, ErrorPages } from './error-pages.ts';
import { unservedMessage } from './fallback-texts.ts';
import { parseQuery } from './request.ts';
import { type UnservedRequest, unservedStatus } from './unserved-requests.ts';

// Answers what no handler answers, in the shape of whoever asks: a protocol endpoint's, an API's,
// or a page.

/**
 * Sent with every answer. No `form-action`: browsers apply it to the redirect after a decision,
 * which leads to the app.
 */
export const securityHeaders = {
  'content-security-policy':
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'",
  // Addresses stay here, and browsers still name our own origin with our forms: under `no-referrer`
  // they name it `null`.
  'referrer-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
} as const;

/** What errors are answered with. */
export interface ErrorResponders {
  readonly errorPages: ErrorPages;
  /** Null: no dialect is served. */
  readonly dialectErrors: DialectErrors | null;
}

/** What the server itself needs for errors that reach it. */
export interface ErrorDependencies extends ErrorResponders {
  readonly idGenerator: IdGenerator;
  readonly log: Log;
  /** People reach us by https. */
  readonly secure: boolean;
}

const jsonBody = (body: object): ErrorBody => ({
  type: 'application/json',
  body: JSON.stringify(body),
});

/** The body of an answer that is no page. */
function errorBody(
  problem: UnservedRequest,
  path: string,
  dialect: DialectErrors | null,
  query: FormParameters = makeFormParameters([]),
): ErrorBody {
  const status = unservedStatus[problem.kind];
  const text = unservedMessage(problem, path, dialect);
  const error = status >= 500 ? 'server_error' : 'invalid_request';
  const reference = 'reference' in problem ? problem.reference : undefined;
  const referenceField = reference === undefined ? {} : { reference };
  if (path.startsWith('/oauth1/')) {
    const pairs: readonly NameValuePair[] = [
      ['oauth_problem', error],
      ['oauth_problem_advice', text],
      ...Object.entries(referenceField),
    ];
    return { type: 'application/x-www-form-urlencoded', body: formEncode(pairs) };
  }
  if (path.startsWith('/api/'))
    return {
      type: 'application/problem+json',
      body: problemDocument(status, apiProblemCode(status), text, referenceField),
    };
  if (dialect && dialect.audienceOf(path) !== null)
    return dialect.formatError({ kind: problem.kind, status, text, path, query, reference });
  return jsonBody({ error, error_description: text, ...referenceField });
}

function apiProblemCode(status: number) {
  if (status === 405) return 'method_not_allowed';
  if (status === 404) return 'not_found';
  return status >= 500 ? 'server_error' : 'invalid_request';
}

/** Whether somebody looks at the answer: at an address of ours for people, in a browser. */
function expectsPage(
  path: string,
  accept: string | undefined,
  dialect: DialectErrors | null,
): boolean {
  if (/^\/(?:oauth2\/(?!authorize)|oauth1\/(?!auth)|api\/|\.well-known\/)/.test(path)) return false;
  return dialect?.audienceOf(path) !== 'programs' && /text\/html/.test(accept ?? '');
}

const pathOf = (url: string | undefined): string => (url ?? '/').split('?', 1)[0] ?? '/';

/** Answers a request that is not served, in the shape of whoever asks. */
export async function sendUnserved(
  { errorPages, dialectErrors }: ErrorResponders,
  request: FastifyRequest,
  reply: FastifyReply,
  problem: UnservedRequest,
): Promise<FastifyReply> {
  const path = pathOf(request.raw.url);
  const status = unservedStatus[problem.kind];
  if (problem.kind === 'method') reply.header('allow', problem.allowed.join(', '));
  return expectsPage(path, request.headers.accept, dialectErrors)
    ? errorPages.send(request, reply, status, problem)
    : sendUnservedToProgram(dialectErrors, request, reply, problem);
}

/** Answers a program whose request is not served. */
export function sendUnservedToProgram(
  dialectErrors: DialectErrors | null,
  request: FastifyRequest,
  reply: FastifyReply,
  problem: UnservedRequest,
): FastifyReply {
  const query = parseQuery(request);
  const { type, body, headers } = errorBody(
    problem,
    pathOf(request.raw.url),
    dialectErrors,
    makeFormParameters(query.ok ? query.value : []),
  );
  return reply
    .code(unservedStatus[problem.kind])
    .headers({ ...headers })
    .header('content-type', type)
    .header('cache-control', 'no-store')
    .send(body);
}

const frameworkErrorKinds: Readonly<Record<string, UnservedRequest['kind']>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'too-large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'media-type',
  FST_ERR_BAD_URL: 'address',
  FST_ERR_MAX_PARAM_LENGTH: 'address-too-long',
};

/**
 * A request the framework could not read is a 4xx; anything else is our fault: logged once under a
 * reference, answered in fixed words.
 */
export function handleError(
  dependencies: ErrorDependencies,
  fault: FastifyError,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  reply.headers(securityHeaders);
  const status = fault.statusCode ?? 500;
  if (status >= 400 && status < 500)
    return sendUnserved(dependencies, request, reply, {
      kind: frameworkErrorKinds[fault.code] ?? 'unreadable',
    } as UnservedRequest);
  const reference = dependencies.idGenerator.randomHex(6);
  // The path alone: a query may carry what must not be logged.
  dependencies.log.error('request failed', {
    reference,
    method: request.method,
    path: request.raw.url?.split('?', 1)[0]?.slice(0, 200),
    message: fault.message,
    stack: fault.stack,
  });
  const isTemporary = isUnavailable(fault);
  if (isTemporary) reply.header('retry-after', String(fault.retryAfter));
  return sendUnserved(dependencies, request, reply, {
    kind: isTemporary ? 'unavailable' : 'fault',
    reference,
  });
}

/** What of a connection could not be read: the address, as far as it came, and why. */
function describeBrokenRequest(
  fault: Error & { readonly code?: string; readonly rawPacket?: Buffer },
): {
  path: string;
  problem: UnservedRequest;
} {
  const requestLine =
    fault.rawPacket?.subarray(0, 4096).toString('latin1').split('\r\n', 1)[0] ?? '';
  const path = /^[A-Z]+ (\/[^ ?#]{0,2000})/.exec(requestLine)?.[1] ?? '/';
  if (fault.code === 'ERR_HTTP_REQUEST_TIMEOUT') return { path, problem: { kind: 'late' } };
  if (fault.code !== 'HPE_HEADER_OVERFLOW') return { path, problem: { kind: 'unreadable' } };
  // The first line alone fills what is looked at: it is the address that is too long.
  return {
    path,
    problem: { kind: requestLine.length > 4000 ? 'address-too-long' : 'fields-too-large' },
  };
}

/** Header fields of the last answer on a connection. */
const closingHeaders = (
  dependencies: ErrorDependencies,
  type: string,
  body: string,
): Readonly<Record<string, string>> => ({
  ...securityHeaders,
  ...(dependencies.secure ? { 'strict-transport-security': 'max-age=31536000' } : {}),
  'content-type': type,
  'cache-control': 'no-store',
  'content-length': String(Buffer.byteLength(body)),
  connection: 'close',
});

/** Answers a request that expects what nobody knows; Node alone would say nothing of it. */
export function rejectExpectation(
  dependencies: ErrorDependencies,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const path = pathOf(request.url);
  const { type, body } = errorBody({ kind: 'expectation' }, path, dependencies.dialectErrors);
  response
    .writeHead(unservedStatus.expectation, closingHeaders(dependencies, type, body))
    .end(body);
}

/**
 * Answers what Node cannot read as a request, and ends the connection: nobody knows where the next
 * one would begin.
 */
export function rejectConnection(
  dependencies: ErrorDependencies,
  fault: Error,
  socket: Socket,
): void {
  if ((fault as NodeJS.ErrnoException).code === 'ECONNRESET' || socket.destroyed) return;
  if (socket.writable) {
    const { path, problem } = describeBrokenRequest(fault);
    const { type, body } = errorBody(problem, path, dependencies.dialectErrors);
    const status = unservedStatus[problem.kind];
    const fields = closingHeaders(dependencies, type, body);
    const head = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${head.join('')}\r\n${body}`);
  }
  socket.destroy(fault);
}
