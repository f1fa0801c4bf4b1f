import type { Account } from '#accounts/account.ts';
import { isOAuth1Authorization, parseBearerToken } from '#encoding/authorization.ts';
import { type RawRequest, singleHeader } from '#encoding/raw-request.ts';
import type { SiteId } from '#kernel/ids.ts';
import { accept, type Result } from '#kernel/result.ts';
import type { OAuth1 } from '#oauth1/oauth1.ts';
import { hasSignatureParameter } from '#oauth1/parse.ts';
import type { OAuth2 } from '#oauth2/oauth2.ts';
import { narrowerSite } from '#registry/access.ts';
import type { Client } from '#registry/model/client.ts';
import type { ScopeCatalogue } from '#registry/model/scopes.ts';
import { type GuardRefusal, type GuardRefusals, makeGuardRefusals } from './refusals.ts';

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

export interface Guard {
  /**
   * Checks a request as it was sent, for a site. Bearer tokens are taken from the header alone (RFC
   * 9700 §4.3.2), OAuth 1 parameters from the header, or without one from the query or the form
   * (RFC 5849 §3.5).
   */
  permit(rawRequest: RawRequest, site: SiteId): Promise<Result<Permit, GuardRefusal>>;
}

export interface GuardDependencies {
  readonly oauth1: Pick<OAuth1, 'authenticateRequest'>;
  readonly oauth2: Pick<OAuth2, 'authenticateToken'>;
  readonly scopes: ScopeCatalogue;
  readonly rightsOf: (account: Account | null) => ReadonlySet<string>;
  readonly realm: string;
}

/** What a person may do through scopes: never more than either alone. */
export function grantedRights(
  personRights: ReadonlySet<string>,
  scopes: readonly string[],
  catalogue: ScopeCatalogue,
): ReadonlySet<string> {
  const scopeRights = catalogue.rightsOf(scopes);
  return new Set([...personRights].filter((right) => scopeRights.has(right)));
}

/** What a signed request may do at a site. */
async function permitSigned(
  { oauth1, scopes, rightsOf }: GuardDependencies,
  refusals: GuardRefusals,
  sent: RawRequest,
  site: SiteId,
): Promise<Result<Permit, GuardRefusal>> {
  const verified = await oauth1.authenticateRequest(sent, site);
  if (!verified.ok) return refusals.signedRequest(verified.refusal);
  const { user, client, consent } = verified.value;
  const activeScopes = consent.scopes.filter((scope) => client.scopes.includes(scope));
  return accept({
    user,
    client,
    site,
    coveredSite: narrowerSite(consent.site, client.site),
    scopes: activeScopes,
    rights: grantedRights(rightsOf(user), activeScopes, scopes),
    scheme: 'oauth1',
  });
}

/** What the holder of a bearer token may do at a site. */
async function permitBearer(
  { oauth2, scopes, rightsOf }: GuardDependencies,
  refusals: GuardRefusals,
  token: string,
  where: { readonly site: SiteId; readonly address: string },
): Promise<Result<Permit, GuardRefusal>> {
  const activeToken = await oauth2.authenticateToken(token, where);
  if (!activeToken.ok) return refusals.bearerToken(activeToken.refusal);
  const { user, client, site: coveredSite, scopes: names } = activeToken.value;
  return accept({
    user,
    client,
    site: where.site,
    coveredSite,
    scopes: names,
    rights: grantedRights(rightsOf(user), names, scopes),
    scheme: 'bearer',
  });
}

/** Makes the function that turns a signed or bearer request into a Permit. */
export function makeGuard(dependencies: GuardDependencies): Guard {
  const refusals = makeGuardRefusals(dependencies.realm);
  return {
    async permit(sent, site) {
      const values = sent.headers.authorization;
      if (Array.isArray(values) && values.length > 1) return refusals.twoCredentials('repeated');
      const authorization = singleHeader(sent, 'authorization');
      const isSignatureInHeader =
        authorization !== undefined && isOAuth1Authorization(authorization);
      // With a signature in the header, query and form are read by whoever checks it; beside any
      // other scheme, one there is a second credential.
      const isSignatureOutsideHeader = !isSignatureInHeader && hasSignatureParameter(sent);
      if (authorization === undefined && !isSignatureOutsideHeader)
        return refusals.noCredentials(sent, authorization);
      if (authorization !== undefined && isSignatureOutsideHeader)
        return refusals.twoCredentials('mixed');
      if (authorization === undefined || isSignatureInHeader)
        return permitSigned(dependencies, refusals, sent, site);
      const token = parseBearerToken(authorization);
      if (token === undefined) return refusals.noCredentials(sent, authorization);
      if (!token.ok) return refusals.malformedToken();
      return permitBearer(dependencies, refusals, token.value, { site, address: sent.address });
    },
  };
}
