import { createHmac } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { equalSecrets } from '#keys/digest.ts';
import { parsePageForm } from './request.ts';

// The one check that a request which a browser sends with its cookies came from a page of this
// server: for pages, the JSON API and a dialect alike (ADR 34).

/** Why a request of a browser is not taken for one of ours. */
export type CsrfProblem =
  /** The browser says that another origin sent it, or will not say which one (`Origin: null`). */
  | 'foreign-origin'
  /** The token is missing, or that of another session. */
  | 'wrong-token';

/**
 * The token of a session, or of a browser before sign-in: derived from its secret, so that nothing
 * is stored.
 */
export const csrfToken = (sessionSecret: string): string =>
  createHmac('sha256', sessionSecret).update('form').digest('base64url');

/**
 * True when the browser, as far as it tells, sent a request from a page of this server.
 * `Sec-Fetch-Site: none` is an address that a person typed. Programs send neither field.
 */
export function isFromOwnOrigin(publicOrigin: string, { headers }: FastifyRequest): boolean {
  const { origin, 'sec-fetch-site': site } = headers;
  if (origin !== undefined && origin !== publicOrigin) return false;
  return site === undefined || site === 'same-origin' || site === 'none';
}

/**
 * Checks origin and token of a request that changes something; null: it is one of ours. The token
 * is compared in constant time.
 */
export function csrfProblem(
  publicOrigin: string,
  request: FastifyRequest,
  sessionSecret: string,
  sentToken: string | undefined,
): CsrfProblem | null {
  if (!isFromOwnOrigin(publicOrigin, request)) return 'foreign-origin';
  return equalSecrets(csrfToken(sessionSecret), sentToken ?? '') ? null : 'wrong-token';
}

/** The token of a form. Our pages send each field once; a form that repeats one has none. */
export function csrfTokenInForm(request: FastifyRequest): string | undefined {
  const form = parsePageForm(request);
  return form.repeated === undefined ? form.get('csrf') : undefined;
}

/** The token that a script sends in `X-CSRF-Token`. */
export function csrfTokenInHeader({ headers }: FastifyRequest): string | undefined {
  const sent = headers['x-csrf-token'];
  return typeof sent === 'string' ? sent : undefined;
}
