import type { Account } from '#accounts/account.ts';
import type { SiteId } from '#kernel/ids.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import type { OAuth1 } from '#oauth1/oauth1.ts';
import { carriesSignature } from '#oauth1/parse.ts';
import { bodyAdvice, type OAuth1Refusal } from '#oauth1/refusals.ts';
import type { OAuth2 } from '#oauth2/oauth2.ts';
import type { BearerRefusal } from '#oauth2/refusals.ts';
import type { Client } from '#registry/client.ts';
import { commonSite } from '#registry/policy.ts';
import type { ScopeCatalogue } from '#registry/scopes.ts';
import { bearerToken, formatChallenges, splitScheme } from '#wire/authorization.ts';
import { header, type SentRequest } from '#wire/sent-request.ts';

/** Who acts, and what they may do here. */
export interface Permit {
  /** Null: the client acts for itself. */
  readonly user: Account | null;
  readonly client: Client;
  readonly site: SiteId;
  /** Where the credential may act at all: one site, or every one. It covers `site`. */
  readonly coveredSite: SiteId;
  readonly scopes: readonly string[];
  /** Rights of the person that the scopes also give. */
  readonly rights: ReadonlySet<string>;
  readonly scheme: 'oauth1' | 'bearer';
}

/** Why a request may not act. `status` and `wwwAuthenticate` are ready to be sent (RFC 6750 §3, RFC 9110 §11.6.1). */
export interface GuardRefusal {
  readonly status: 400 | 401 | 403;
  readonly wwwAuthenticate: string;
  readonly why:
    | { readonly kind: 'no-credentials' }
    | { readonly kind: 'two-credentials' }
    | { readonly kind: 'malformed' }
    | { readonly kind: 'oauth1'; readonly refusal: OAuth1Refusal }
    | { readonly kind: 'bearer'; readonly refusal: BearerRefusal };
}

export interface Guard {
  /**
   * Checks a request as it was sent, for a site. Bearer tokens are taken from the header alone (RFC 9700 §4.3.2), OAuth 1 parameters from the
   * header, or without one from the query or the form (RFC 5849 §3.5).
   */
  permit(sent: SentRequest, site: SiteId): Promise<Result<Permit, GuardRefusal>>;
}

export interface GuardParts {
  readonly oauth1: Pick<OAuth1, 'authenticateRequest'>;
  readonly oauth2: Pick<OAuth2, 'authenticateToken'>;
  readonly scopes: ScopeCatalogue;
  readonly rightsOf: (account: Account | null) => ReadonlySet<string>;
  readonly realm: string;
}

/** What a person may do through scopes: never more than either alone. */
export function grantedRights(own: ReadonlySet<string>, scopes: readonly string[], catalogue: ScopeCatalogue): ReadonlySet<string> {
  const lent = catalogue.rightsOf(scopes);
  return new Set([...own].filter((right) => lent.has(right)));
}

/** Makes the function that turns a signed or bearer request into a Permit. */
export function makeGuard({ oauth1, oauth2, scopes, rightsOf, realm }: GuardParts): Guard {
  const challenge = (scheme: 'OAuth' | 'Bearer', params: Readonly<Record<string, string>> = {}) => ({
    scheme,
    params: { realm, ...params },
  });
  const no = (status: GuardRefusal['status'], why: GuardRefusal['why'], ...challenges: readonly ReturnType<typeof challenge>[]) =>
    refuse({ status, why, wwwAuthenticate: formatChallenges(challenges) });
  return {
    async permit(sent, site) {
      const values = sent.headers.authorization;
      if (Array.isArray(values) && values.length > 1)
        return no(400, { kind: 'two-credentials' }, challenge('Bearer', { error: 'invalid_request' }));
      const authorization = header(sent, 'authorization');
      const scheme = authorization === undefined ? undefined : splitScheme(authorization).scheme;
      const elsewhere = carriesSignature(sent);
      if (authorization === undefined && !elsewhere) return no(401, { kind: 'no-credentials' }, challenge('Bearer'), challenge('OAuth'));
      if (scheme === 'bearer' && elsewhere) return no(400, { kind: 'two-credentials' }, challenge('Bearer', { error: 'invalid_request' }));
      if (authorization === undefined || scheme === 'oauth') {
        const signed = await oauth1.authenticateRequest(sent, site);
        if (!signed.ok) {
          const { kind } = signed.refusal;
          const advice = kind === 'body_unavailable' || kind === 'body_hash_invalid' ? { oauth_problem_advice: bodyAdvice[kind] } : {};
          const status = ['address_refused', 'consumer_key_refused', 'user_refused'].includes(kind)
            ? 403
            : /^(?:parameter|version|signature_method)_/.test(kind)
              ? 400
              : 401;
          return no(status, { kind: 'oauth1', refusal: signed.refusal }, challenge('OAuth', { oauth_problem: kind, ...advice }));
        }
        const { user, client, consent } = signed.value;
        const live = consent.scopes.filter((scope) => client.scopes.includes(scope));
        const rights = grantedRights(rightsOf(user), live, scopes);
        return accept({ user, client, site, coveredSite: commonSite(consent.site, client.site), scopes: live, rights, scheme: 'oauth1' });
      }
      const token = bearerToken(authorization);
      if (token === undefined) return no(401, { kind: 'no-credentials' }, challenge('Bearer'), challenge('OAuth'));
      if (!token.ok)
        return no(
          400,
          { kind: 'malformed' },
          challenge('Bearer', { error: 'invalid_request', error_description: 'The token is malformed.' }),
        );
      const live = await oauth2.authenticateToken(token.value, { site, address: sent.address });
      if (!live.ok) {
        const { refusal } = live;
        if (refusal.kind === 'not_allowed')
          return no(403, { kind: 'bearer', refusal }, challenge('Bearer', { error: 'insufficient_scope' }));
        const words =
          { expired: 'The token expired.', revoked: 'The token was revoked.' }[refusal.problem as 'expired' | 'revoked'] ??
          'The token is not valid.';
        return no(401, { kind: 'bearer', refusal }, challenge('Bearer', { error: 'invalid_token', error_description: words }));
      }
      const { user, client, site: coveredSite, scopes: names } = live.value;
      return accept({
        user,
        client,
        site,
        coveredSite,
        scopes: names,
        rights: grantedRights(rightsOf(user), names, scopes),
        scheme: 'bearer',
      });
    },
  };
}
