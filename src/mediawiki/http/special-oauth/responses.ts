import type { FastifyReply } from 'fastify';
import { formEncode } from '#encoding/form.ts';
import type { Services } from '#http/world.ts';
import { messagePage } from '#pages/note.template.ts';
import { identifyPageVisitor, pageFrame, sendPage } from '#pages/respond.ts';
import type { DialectError } from '../../messages.ts';
import type { SpecialRequest } from './special-request.ts';

/** Answers of the handshake are never kept, success and error alike (protocols 1.3). */
export const noCacheHeaders = {
  expires: 'Thu, 01 Jan 1970 00:00:00 GMT',
  'cache-control': 'no-cache, no-store, max-age=0, must-revalidate',
  pragma: 'no-cache',
} as const;

const escapeHtml = (text: string) => text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);

/** Where an answer goes, and its format. */
type Recipient = Pick<SpecialRequest, 'request' | 'reply' | 'format'>;

/** One answer in each format. The page is given plain text: it escapes for itself. */
interface FormattedResponse {
  readonly title: string;
  readonly raw: string;
  readonly json: string;
  readonly page: string;
  readonly status?: number;
}

async function sendText(
  services: Services,
  { request, reply, format }: Recipient,
  { title, raw, json, page, status = 200 }: FormattedResponse,
): Promise<FastifyReply> {
  reply.headers(noCacheHeaders);
  if (format === 'raw')
    return reply.code(status).header('content-type', 'text/plain;charset=UTF-8').send(raw);
  if (format === 'json')
    return reply.code(status).header('content-type', 'application/json').send(Buffer.from(json));
  const visitor = await identifyPageVisitor(services, request, reply);
  return sendPage(
    reply,
    status,
    messagePage(pageFrame(services, visitor), title, format === 'html' ? page : ''),
  );
}

/** Every error of the handshake is status 200: its clients read the body (protocols 1.4). */
export const sendError = (
  services: Services,
  recipient: Recipient,
  { key, text }: DialectError,
  status = 200,
): Promise<FastifyReply> =>
  sendText(services, recipient, {
    title: 'Application Connection Error',
    raw: `Error: ${escapeHtml(text)}`,
    json: JSON.stringify({ error: key, message: text }),
    page: `Error: ${text}`,
    status,
  });

/** Sends a token with its secret. */
export function sendPair(
  services: Services,
  recipient: Recipient,
  { token, secret }: { readonly token: string; readonly secret: string },
): Promise<FastifyReply> {
  const raw = formEncode([
    ['oauth_token', token],
    ['oauth_token_secret', secret],
    ['oauth_callback_confirmed', 'true'],
  ]);
  // `key` and `secret` repeat the values for older clients; "true" is a string (protocols 1.3).
  const json = JSON.stringify({
    oauth_token: token,
    oauth_token_secret: secret,
    oauth_callback_confirmed: 'true',
    key: token,
    secret,
  });
  return sendText(services, recipient, { title: 'Credentials', raw, json, page: raw });
}
