import type { FastifyReply } from 'fastify';

/**
 * Redirects to an address that was proven to be right: paths of this server go through
 * `redirectLocally`, and apps through the pages, which know what to do about long ones.
 */
export const redirect = (reply: FastifyReply, status: 303 | 307, location: string): FastifyReply =>
  reply.code(status).header('cache-control', 'no-store').header('location', location).send('');

/**
 * To one of our own paths. Another host here is a fault of this program: only `redirectToClient` of
 * the pages leads to one.
 */
export function redirectLocally(
  reply: FastifyReply,
  path: string,
  status: 303 | 307 = 303,
): FastifyReply {
  if (!/^\/(?![/\\])[\x21-\x7e]*$/.test(path))
    throw new Error('a redirect within this server names a path of it');
  return redirect(reply, status, path);
}

/** A path of ours, or `/`: never another origin, whatever was asked for. */
export function safeLocalPath(requestedPath: string | undefined): string {
  return requestedPath !== undefined &&
    requestedPath.length <= 16_384 &&
    /^\/(?![/\\])[\x21-\x7e]*$/.test(requestedPath) &&
    !requestedPath.includes('\\')
    ? requestedPath
    : '/';
}
