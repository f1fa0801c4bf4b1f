import { isMisleadingUri } from '#encoding/browser-uri.ts';
import type { Client } from '../model/client.ts';
import { isReadableOnTheWay, redirectToReview } from '../model/redirect-rules.ts';
import { isAnyPortRedirect } from './auto-approval.ts';

/** What is worth a second look about a redirect URI (registry 8.4). */
export type RedirectWarning =
  | 'misleading'
  | 'read-differently'
  | 'own-scheme'
  | 'scheme-without-dot'
  | 'any-port'
  | 'prefix'
  /** Others on the network could read the answer; never said of loopback. */
  | 'plain-http';

/**
 * What a reviewer is told about the redirect URI of an app. `localSuffixes`: host suffixes that
 * stand for this very machine.
 */
export function redirectWarnings(
  app: Pick<Client, 'redirectUri' | 'redirectIsPrefix' | 'ownerOnly'>,
  localSuffixes: readonly string[],
): readonly RedirectWarning[] {
  if (app.ownerOnly || app.redirectUri === '') return [];
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(app.redirectUri)?.[1]?.toLowerCase() ?? '';
  const warnings: RedirectWarning[] = [];
  if (isMisleadingUri(app.redirectUri)) warnings.push('misleading');
  else if (!['own-scheme-without-dot', undefined].includes(redirectToReview(app)?.kind))
    warnings.push('read-differently');
  if (scheme !== 'http' && scheme !== 'https') {
    warnings.push('own-scheme');
    if (!scheme.includes('.')) warnings.push('scheme-without-dot');
  }
  if (isReadableOnTheWay(app.redirectUri, localSuffixes)) warnings.push('plain-http');
  if (isAnyPortRedirect(app)) warnings.push('any-port');
  else if (app.redirectIsPrefix) warnings.push('prefix');
  return warnings;
}
