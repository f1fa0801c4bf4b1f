import { createServer, type Server } from 'node:http';
import type { Guard } from '#guard/permit.ts';
import type { SiteId } from '#kernel/ids.ts';

/**
 * A small protected API: `GET /notes` tells who is asking, `POST /notes` needs the right `edit`. Everything about OAuth is in one call of
 * the guard, whichever protocol the request used.
 */
export function notesApi(guard: Guard, site: string): Server {
  return createServer(async (request, response) => {
    const answer = (status: number, body: object, headers: Record<string, string> = {}) =>
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
    const permit = await guard.permit(
      {
        method: request.method ?? 'GET',
        target: request.url ?? '/',
        headers: request.headersDistinct,
        body: undefined,
        address: request.socket.remoteAddress ?? '',
        secure: false,
      },
      site as SiteId,
    );
    if (!permit.ok)
      return answer(permit.refusal.status, { error: permit.refusal.why.kind }, { 'www-authenticate': permit.refusal.wwwAuthenticate });
    const { user, client, rights, scheme } = permit.value;
    if (request.method === 'POST' && !rights.has('edit')) {
      return answer(403, { error: 'insufficient_scope' }, { 'www-authenticate': 'Bearer error="insufficient_scope", scope="editpage"' });
    }
    return answer(200, { user: user?.name ?? null, app: client.name, scheme, may_edit: rights.has('edit') });
  });
}
