import type { PastedRequest } from '../pasted-text.ts';
import type { RequestToDiagnose } from './diagnosis.ts';

/**
 * Where the server's own endpoints begin in a path that has something in front of them, as a proxy
 * may hang a server in.
 */
const endpointPattern =
  /\/oauth1\/(?:initiate|authorize|authenticate|token)\b|\/api\/v1\/|\/w\/(?:index|api|rest)\.php|\/wiki\/Special:OAuth/;

/**
 * A pasted request as it arrives at the server: what is in front of one of its endpoints is a
 * proxy's.
 */
export function stripProxyPrefix(
  pasted: PastedRequest,
): Pick<RequestToDiagnose, 'rawRequest' | 'typedOrigins' | 'prefixes'> {
  const [path = ''] = pasted.target.split('?', 1);
  const start = path.search(endpointPattern);
  const prefix = start > 0 ? path.slice(0, start) : '';
  return {
    rawRequest: { ...pasted, target: pasted.target.slice(prefix.length) },
    typedOrigins: pasted.typedOrigins,
    prefixes: prefix === '' ? [] : [prefix],
  };
}
