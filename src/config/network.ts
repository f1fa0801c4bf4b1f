import * as z from 'zod';
import { isIpRange, isLocalAddress } from '#encoding/address.ts';
import type { TrustedProxies } from '#encoding/forwarded.ts';

// Rules for settings about the network.

const MAX_PROXIES = 10;

/**
 * Names that stand for the own machine or network, whatever they resolve to (RFC 6761, RFC 6762,
 * RFC 8375).
 */
const localName = /(?:^|\.)(?:localhost|local|internal|lan|home\.arpa|test)$/;

/** True when people reach this server from the internet, as far as its public URL tells. */
export function isPublicIssuer(issuer: string): boolean {
  const host = URL.parse(issuer)?.hostname.replace(/^\[|\]$/g, '') ?? '';
  if (/^[\d.]+$/.test(host) || host.includes(':')) return !isLocalAddress(host);
  return host.includes('.') && !localName.test(host);
}

/** A whole range of everything would believe everybody. */
const isProxyRange = (text: string): boolean =>
  isIpRange(text) && !/^0+$/.test(text.slice(text.lastIndexOf('/') + 1));

/** A number of proxies, or their addresses and ranges with commas or blanks between. */
export const trustedProxiesSchema = z
  .string()
  .max(4096)
  .transform((text, context): TrustedProxies => {
    if (/^\d{1,2}$/.test(text) && Number(text) <= MAX_PROXIES) return Number(text);
    const ranges = text.split(/[\s,]+/).filter((range) => range !== '');
    if (ranges.length > 0 && ranges.length <= 100 && ranges.every(isProxyRange)) return ranges;
    context.addIssue({ code: 'custom' });
    return z.NEVER;
  });

/**
 * The public URL as it is sent and compared (RFC 8414 §2, §3.3): http or https, exactly as a URL
 * parser writes it, without query, fragment, credentials, blanks or empty path segments. One slash
 * at the end is taken away.
 */
export const issuerUrlSchema = z
  .string()
  .max(512)
  .refine((text) => {
    const url = URL.parse(text);
    if (url === null || !/^https?:$/.test(url.protocol) || /[?#@\s\\]/.test(text)) return false;
    if (/\/\/|\/\.{1,2}(?:\/|$)/.test(url.pathname)) return false;
    return url.href === text || url.href === `${text}/`;
  })
  .transform((text) => text.replace(/\/$/, ''));
