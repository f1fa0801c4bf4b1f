import { gzipSync } from 'node:zlib';
import type { FastifyInstance } from 'fastify';

/**
 * Serves a stylesheet or a script, compressed once for browsers that take it. Pages are not
 * compressed: they hold form proofs beside what strangers typed, and their length would tell
 * (BREACH).
 */
export function serveAsset(
  app: FastifyInstance,
  path: string,
  type: 'text/css' | 'text/javascript',
  text: string,
): void {
  const compressed = gzipSync(text, { level: 9 });
  app.get(path, async (request, reply) => {
    reply
      .header('content-type', `${type}; charset=utf-8`)
      .header('cache-control', 'public, max-age=3600')
      .header('vary', 'accept-encoding');
    const acceptsGzip = String(request.headers['accept-encoding'] ?? '')
      .split(',')
      .some((coding) => coding.trim().toLowerCase() === 'gzip');
    return acceptsGzip
      ? reply.header('content-encoding', 'gzip').send(compressed)
      : reply.send(text);
  });
}
