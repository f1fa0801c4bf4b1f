import { createServer, type IncomingMessage, type Server } from 'node:http';
import { permitFromNode } from '#guard/node.ts';
import type { Guard } from '#guard/permit.ts';
import type { SiteId } from '#kernel/ids.ts';

const MOST_BODY = 65_536;

/** The body of a request; undefined when it is larger than this API takes. */
async function bytesOf(request: IncomingMessage): Promise<Buffer | undefined> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of request) {
    length += (piece as Buffer).length;
    if (length > MOST_BODY) return undefined;
    pieces.push(piece as Buffer);
  }
  return Buffer.concat(pieces);
}

/**
 * A small protected API: `GET /notes` tells who is asking, `POST /notes` needs the right `edit`.
 * Everything about OAuth is in one call of the guard, whichever protocol the request used.
 */
export function notesApi(guard: Guard, site: string): Server {
  return createServer(async (request, response) => {
    const answer = (status: number, body: object, headers: Record<string, string> = {}) =>
      response
        .writeHead(status, { 'content-type': 'application/json', ...headers })
        .end(JSON.stringify(body));
    // Read before the guard is asked: the signature of a form covers its bytes.
    const body = await bytesOf(request);
    if (body === undefined) return answer(413, { error: 'too_large' });
    const permit = await permitFromNode(guard, request, body, site as SiteId);
    if (!permit.ok)
      return answer(permit.refusal.status, permit.refusal.body, {
        'www-authenticate': permit.refusal.wwwAuthenticate,
      });
    const { user, client, rights, scheme } = permit.value;
    if (request.method === 'POST' && !rights.has('edit')) {
      return answer(
        403,
        { error: 'insufficient_scope' },
        { 'www-authenticate': 'Bearer error="insufficient_scope", scope="editpage"' },
      );
    }
    return answer(200, {
      user: user?.name ?? null,
      app: client.name,
      scheme,
      may_edit: rights.has('edit'),
    });
  });
}
