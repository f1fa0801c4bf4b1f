import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { type FormValues, formEncode, formValues, type Pair } from '#encoding/form.ts';
import { isUnavailable } from '#kernel/unavailable.ts';
import { apiError } from '#mediawiki/api-errors.ts';
import { restError } from '#mediawiki/oauth2-errors.ts';
import { notePage } from '#pages/account/sign-in.template.ts';
import type { Note } from '#pages/words.ts';
import { problemDocument } from './api/problems.ts';
import { namedMethods, type Unserved, unservedStatus, unservedWords } from './fallback-texts.ts';
import { queryOf } from './request.ts';
import { frameOf, languageFor, sendPage, sessionOf } from './session.ts';
import type { World } from './world.ts';

// Answers what no handler answers, in the shape of whoever asks: a protocol endpoint's, an API's,
// or a page.

/**
 * Sent with every answer. No `form-action`: browsers apply it to the redirect after a decision,
 * which leads to the app.
 */
export const always = {
  'content-security-policy':
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
} as const;

interface Plain {
  readonly type: string;
  readonly body: string;
  readonly fields?: Readonly<Record<string, string>>;
}

const json = (body: object): Plain => ({ type: 'application/json', body: JSON.stringify(body) });

/**
 * The body of an answer that is no page. `query`: what of it could be read; in it the action API is
 * told the form of errors.
 */
function plainAnswer(
  problem: Unserved,
  path: string,
  dialect: boolean,
  query: FormValues = formValues([]),
): Plain {
  const status = unservedStatus[problem.kind];
  const text = unservedWords(problem, path, dialect);
  const error = status >= 500 ? 'server_error' : 'invalid_request';
  const reference =
    'reference' in problem && problem.reference !== undefined
      ? { reference: problem.reference }
      : {};
  if (path.startsWith('/oauth1/')) {
    const pairs: readonly Pair[] = [
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
    return json({ ...restError(status, `rest-${problem.kind}`, text), ...reference });
  if (dialect && path === '/w/api.php') {
    const code = status >= 500 ? 'internal_api_error' : `gatehouse-${problem.kind}`;
    return {
      ...json({ ...apiError({ code, info: text }, query).body, ...reference }),
      fields: { 'mediawiki-api-error': code },
    };
  }
  if (dialect && /^\/(?:w\/index\.php|wiki\/)/.test(path))
    return { type: 'text/plain;charset=UTF-8', body: `Error: ${text}` };
  return json({ error, error_description: text, ...reference });
}

/** Whether somebody looks at the answer: at an address of ours for people, in a browser. */
function isForPeople(path: string, accept: string | undefined): boolean {
  if (
    /^\/(?:oauth2\/(?!authorize)|oauth1\/(?!auth)|api\/|w\/rest\.php|w\/api\.php|\.well-known\/)/.test(
      path,
    )
  )
    return false;
  return /text\/html/.test(accept ?? '');
}

const notes: Partial<Record<Unserved['kind'], Note>> = {
  'not-found': 'not-found',
  method: 'method',
  'too-large': 'too-large',
  unavailable: 'fault',
  fault: 'fault',
};

/** Answers a request that is not served. A page keeps the menu of whoever is signed in. */
export async function answerUnserved(
  world: World,
  request: FastifyRequest,
  reply: FastifyReply,
  problem: Unserved,
): Promise<FastifyReply> {
  const path = (request.raw.url ?? '/').split('?', 1)[0] ?? '/';
  const status = unservedStatus[problem.kind];
  if (problem.kind === 'method') reply.header('allow', problem.allowed.join(', '));
  if (!isForPeople(path, request.headers.accept)) {
    const query = queryOf(request);
    const {
      type,
      body,
      fields = {},
    } = plainAnswer(
      problem,
      path,
      world.dialect !== undefined,
      formValues(query.ok ? query.value : []),
    );
    return reply
      .code(status)
      .headers(fields)
      .header('content-type', type)
      .header('cache-control', 'no-store')
      .send(body);
  }
  const words = languageFor(request, null);
  const plain = { words, siteName: world.siteName, user: null, csrf: '', here: null, done: null };
  // Only where nothing is wrong with the store.
  const session =
    status === 404 || status === 405
      ? await sessionOf(world, request).catch(() => undefined)
      : undefined;
  const frame =
    session === undefined
      ? plain
      : frameOf(world, { ...session, signedIn: true, words, here: null, done: null });
  const values =
    problem.kind === 'method' ? { methods: words.list(namedMethods(problem.allowed)) } : {};
  const reference = 'reference' in problem ? (problem.reference ?? null) : null;
  return sendPage(
    reply,
    status,
    notePage(frame, notes[problem.kind] ?? 'unreadable', values, reference),
  );
}

const ofFramework: Readonly<Record<string, Unserved['kind']>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'too-large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'media-type',
  FST_ERR_BAD_URL: 'address',
  FST_ERR_MAX_PARAM_LENGTH: 'address-too-long',
};

/**
 * A request the framework could not read is a 4xx; anything else is our fault: logged once under a
 * reference, answered in fixed words.
 */
export function answerFault(
  world: World,
  fault: FastifyError,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  reply.headers(always);
  const status = fault.statusCode ?? 500;
  if (status >= 400 && status < 500)
    return answerUnserved(world, request, reply, {
      kind: ofFramework[fault.code] ?? 'unreadable',
    } as Unserved);
  const reference = world.mint.randomHex(6);
  // The path alone: a query may carry what must not be logged.
  world.log.error('request failed', {
    reference,
    method: request.method,
    path: request.raw.url?.split('?', 1)[0]?.slice(0, 200),
    message: fault.message,
    stack: fault.stack,
  });
  const passing = isUnavailable(fault);
  if (passing) reply.header('retry-after', String(fault.retryAfter));
  return answerUnserved(world, request, reply, {
    kind: passing ? 'unavailable' : 'fault',
    reference,
  });
}

/** What of a connection could not be read: the address, as far as it came, and why. */
function brokenRequest(fault: Error & { readonly code?: string; readonly rawPacket?: Buffer }): {
  path: string;
  problem: Unserved;
} {
  const line = fault.rawPacket?.subarray(0, 4096).toString('latin1').split('\r\n', 1)[0] ?? '';
  const path = /^[A-Z]+ (\/[^ ?#]{0,2000})/.exec(line)?.[1] ?? '/';
  if (fault.code === 'ERR_HTTP_REQUEST_TIMEOUT') return { path, problem: { kind: 'late' } };
  if (fault.code !== 'HPE_HEADER_OVERFLOW') return { path, problem: { kind: 'unreadable' } };
  // The first line alone fills what is looked at: it is the address that is too long.
  return { path, problem: { kind: line.length > 4000 ? 'address-too-long' : 'fields-too-large' } };
}

/** Header fields of the last answer on a connection. */
const lastFields = (
  world: World,
  type: string,
  body: string,
): Readonly<Record<string, string>> => ({
  ...always,
  ...(world.secure ? { 'strict-transport-security': 'max-age=31536000' } : {}),
  'content-type': type,
  'cache-control': 'no-store',
  'content-length': String(Buffer.byteLength(body)),
  connection: 'close',
});

/** Answers a request that expects what nobody knows; Node alone would say nothing of it. */
export function refuseExpectation(
  world: World,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
  const { type, body } = plainAnswer({ kind: 'expectation' }, path, world.dialect !== undefined);
  response.writeHead(unservedStatus.expectation, lastFields(world, type, body)).end(body);
}

/**
 * Answers what Node cannot read as a request, and ends the connection: nobody knows where the next
 * one would begin.
 */
export function refuseConnection(world: World, fault: Error, socket: Socket): void {
  if ((fault as NodeJS.ErrnoException).code === 'ECONNRESET' || socket.destroyed) return;
  if (socket.writable) {
    const { path, problem } = brokenRequest(fault);
    const { type, body } = plainAnswer(problem, path, world.dialect !== undefined);
    const status = unservedStatus[problem.kind];
    const fields = lastFields(world, type, body);
    const head = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${head.join('')}\r\n${body}`);
  }
  socket.destroy(fault);
}
