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
import { formatApiError } from '#mediawiki/api-errors.ts';
import { restLayerError } from '#mediawiki/oauth2-errors.ts';
import { notePage } from '#pages/note.template.ts';
import type { NoteKey } from '#pages/words.ts';
import { problemDocument } from './api/problems.ts';
import {
  advertisedMethods,
  type UnservedRequest,
  unservedMessage,
  unservedStatus,
} from './fallback-texts.ts';
import { parseQuery } from './request.ts';
import { pageFrame, resolveLanguage, sendPage, sessionOf } from './session.ts';
import type { Services } from './world.ts';

// Answers what no handler answers, in the shape of whoever asks: a protocol endpoint's, an API's,
// or a page.

/**
 * Sent with every answer. No `form-action`: browsers apply it to the redirect after a decision,
 * which leads to the app.
 */
export const securityHeaders = {
  'content-security-policy':
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
} as const;

interface PlainResponse {
  readonly type: string;
  readonly body: string;
  readonly fields?: Readonly<Record<string, string>>;
}

const jsonResponse = (body: object): PlainResponse => ({
  type: 'application/json',
  body: JSON.stringify(body),
});

/**
 * The body of an answer that is no page. `query`: what of it could be read; in it the action API is
 * told the form of errors.
 */
function plainResponse(
  problem: UnservedRequest,
  path: string,
  dialect: boolean,
  query: FormParameters = makeFormParameters([]),
): PlainResponse {
  const status = unservedStatus[problem.kind];
  const text = unservedMessage(problem, path, dialect);
  const error = status >= 500 ? 'server_error' : 'invalid_request';
  const reference =
    'reference' in problem && problem.reference !== undefined
      ? { reference: problem.reference }
      : {};
  if (path.startsWith('/oauth1/')) {
    const pairs: readonly NameValuePair[] = [
      ['oauth_problem', error],
      ['oauth_problem_advice', text],
      ...Object.entries(reference),
    ];
    return { type: 'application/x-www-form-urlencoded', body: formEncode(pairs) };
  }
  if (path.startsWith('/api/')) {
    const code = status === 405 ? 'method_not_allowed' : status === 404 ? 'not_found' : error;
    return {
      type: 'application/problem+json',
      body: problemDocument(status, code, text, reference),
    };
  }
  if (dialect && path.startsWith('/w/rest.php'))
    return jsonResponse({ ...restLayerError(status, `rest-${problem.kind}`, text), ...reference });
  if (dialect && path === '/w/api.php') {
    const code = status >= 500 ? 'internal_api_error' : `gatehouse-${problem.kind}`;
    return {
      ...jsonResponse({ ...formatApiError({ code, info: text }, query).body, ...reference }),
      fields: { 'mediawiki-api-error': code },
    };
  }
  if (dialect && /^\/(?:w\/index\.php|wiki\/)/.test(path))
    return { type: 'text/plain;charset=UTF-8', body: `Error: ${text}` };
  return jsonResponse({ error, error_description: text, ...reference });
}

/** Whether somebody looks at the answer: at an address of ours for people, in a browser. */
function expectsPage(path: string, accept: string | undefined): boolean {
  if (
    /^\/(?:oauth2\/(?!authorize)|oauth1\/(?!auth)|api\/|w\/rest\.php|w\/api\.php|\.well-known\/)/.test(
      path,
    )
  )
    return false;
  return /text\/html/.test(accept ?? '');
}

const unservedNotes: Partial<Record<UnservedRequest['kind'], NoteKey>> = {
  'not-found': 'not-found',
  method: 'method',
  'too-large': 'too-large',
  unavailable: 'fault',
  fault: 'fault',
};

/** Answers a request that is not served. A page keeps the menu of whoever is signed in. */
export async function sendUnserved(
  services: Services,
  request: FastifyRequest,
  reply: FastifyReply,
  problem: UnservedRequest,
): Promise<FastifyReply> {
  const path = (request.raw.url ?? '/').split('?', 1)[0] ?? '/';
  const status = unservedStatus[problem.kind];
  if (problem.kind === 'method') reply.header('allow', problem.allowed.join(', '));
  if (!expectsPage(path, request.headers.accept)) {
    const query = parseQuery(request);
    const {
      type,
      body,
      fields = {},
    } = plainResponse(
      problem,
      path,
      services.dialect !== undefined,
      makeFormParameters(query.ok ? query.value : []),
    );
    return reply
      .code(status)
      .headers(fields)
      .header('content-type', type)
      .header('cache-control', 'no-store')
      .send(body);
  }
  const words = resolveLanguage(request, null);
  const anonymousFrame = {
    words,
    siteName: services.siteName,
    user: null,
    csrfToken: '',
    currentPath: null,
    flashMessage: null,
  };
  // Only where nothing is wrong with the store.
  const session =
    status === 404 || status === 405
      ? await sessionOf(services, request).catch(() => undefined)
      : undefined;
  const frame =
    session === undefined
      ? anonymousFrame
      : pageFrame(services, {
          ...session,
          signedIn: true,
          words,
          currentPath: null,
          flashMessage: null,
        });
  const values =
    problem.kind === 'method'
      ? { methods: words.formatList(advertisedMethods(problem.allowed)) }
      : {};
  const reference = 'reference' in problem ? (problem.reference ?? null) : null;
  return sendPage(
    reply,
    status,
    notePage(frame, unservedNotes[problem.kind] ?? 'unreadable', values, reference),
  );
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
  services: Services,
  fault: FastifyError,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  reply.headers(securityHeaders);
  const status = fault.statusCode ?? 500;
  if (status >= 400 && status < 500)
    return sendUnserved(services, request, reply, {
      kind: frameworkErrorKinds[fault.code] ?? 'unreadable',
    } as UnservedRequest);
  const reference = services.idGenerator.randomHex(6);
  // The path alone: a query may carry what must not be logged.
  services.log.error('request failed', {
    reference,
    method: request.method,
    path: request.raw.url?.split('?', 1)[0]?.slice(0, 200),
    message: fault.message,
    stack: fault.stack,
  });
  const isTemporary = isUnavailable(fault);
  if (isTemporary) reply.header('retry-after', String(fault.retryAfter));
  return sendUnserved(services, request, reply, {
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
  services: Services,
  type: string,
  body: string,
): Readonly<Record<string, string>> => ({
  ...securityHeaders,
  ...(services.secure ? { 'strict-transport-security': 'max-age=31536000' } : {}),
  'content-type': type,
  'cache-control': 'no-store',
  'content-length': String(Buffer.byteLength(body)),
  connection: 'close',
});

/** Answers a request that expects what nobody knows; Node alone would say nothing of it. */
export function rejectExpectation(
  services: Services,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
  const { type, body } = plainResponse(
    { kind: 'expectation' },
    path,
    services.dialect !== undefined,
  );
  response.writeHead(unservedStatus.expectation, closingHeaders(services, type, body)).end(body);
}

/**
 * Answers what Node cannot read as a request, and ends the connection: nobody knows where the next
 * one would begin.
 */
export function rejectConnection(services: Services, fault: Error, socket: Socket): void {
  if ((fault as NodeJS.ErrnoException).code === 'ECONNRESET' || socket.destroyed) return;
  if (socket.writable) {
    const { path, problem } = describeBrokenRequest(fault);
    const { type, body } = plainResponse(problem, path, services.dialect !== undefined);
    const status = unservedStatus[problem.kind];
    const fields = closingHeaders(services, type, body);
    const head = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${head.join('')}\r\n${body}`);
  }
  socket.destroy(fault);
}
