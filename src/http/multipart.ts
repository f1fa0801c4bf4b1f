import type { FastifyRequest } from 'fastify';
import type { NameValuePair } from '#encoding/form.ts';

/** True for a body of several parts, as browsers and bots send files with. */
const isMultipart = (type: string | undefined): boolean =>
  /^multipart\/form-data[ \t]*;/i.test(type ?? '');

/** True when a body came that is read as a form of neither kind. */
export const hasUnreadBody = ({ method, body, headers }: FastifyRequest): boolean => {
  const type = headers['content-type'] ?? '';
  return (
    method === 'POST' &&
    Buffer.isBuffer(body) &&
    body.length > 0 &&
    !isMultipart(type) &&
    !/^application\/x-www-form-urlencoded/i.test(type)
  );
};

/**
 * The texts of a form of several parts (RFC 7578), in their order; files are left out, and no other
 * body has any. Undefined: it cannot be read. The body is no larger than any that is read here.
 */
export async function parseMultipartTexts(
  request: FastifyRequest,
): Promise<readonly NameValuePair[] | undefined> {
  const type = request.headers['content-type'];
  if (!isMultipart(type) || !Buffer.isBuffer(request.body)) return [];
  try {
    const form = await new Response(new Uint8Array(request.body), {
      headers: { 'content-type': type ?? '' },
    }).formData();
    return [...form].flatMap(([name, value]) =>
      typeof value === 'string' ? [[name, value] as const] : [],
    );
  } catch {
    return undefined;
  }
}
