import type { Account } from '#accounts/account.ts';
import {
  formatChallenges,
  isOAuth1Authorization,
  parseBearerToken,
} from '#encoding/authorization.ts';
import { parseForm } from '#encoding/form.ts';
import { type RawRequest, singleHeader } from '#encoding/raw-request.ts';
import type { SiteId } from '#kernel/ids.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import type { OAuth1 } from '#oauth1/oauth1.ts';
import { hasSignatureParameter } from '#oauth1/parse.ts';
import { oauth1StatusOf } from '#oauth1/refusal-statuses.ts';
import { describeOAuth1Refusal, problemReport } from '#oauth1/refusal-texts.ts';
import type { OAuth1Refusal } from '#oauth1/refusals.ts';
import type { OAuth2 } from '#oauth2/oauth2.ts';
import { bearerStatusOf } from '#oauth2/refusal-statuses.ts';
import { describeBearerRefusal } from '#oauth2/refusal-texts.ts';
import type { BearerRefusal } from '#oauth2/refusals.ts';
import { narrowerSite } from '#registry/access.ts';
import type { Client } from '#registry/model/client.ts';
import type { ScopeCatalogue } from '#registry/model/scopes.ts';

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

/**
 * Why a request may not act. `status`, `wwwAuthenticate` and `body` are ready to be sent (RFC 6750
 * §3, RFC 9110 §11.6.1).
 */
export interface GuardRefusal {
  readonly status: 400 | 401 | 403 | 413;
  readonly wwwAuthenticate: string;
  /**
   * For a JSON body: the kind, what to do in a sentence of ASCII, and what a program needs, such as
   * `oauth_acceptable_timestamps`.
   */
  readonly body: {
    readonly error: string;
    readonly error_description: string;
    readonly [fact: string]: string;
  };
  readonly why:
    | { readonly kind: 'no-credentials' }
    | { readonly kind: 'two-credentials' }
    | { readonly kind: 'malformed' }
    | { readonly kind: 'oauth1'; readonly refusal: OAuth1Refusal }
    | { readonly kind: 'bearer'; readonly refusal: BearerRefusal };
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

/**
 * What a request without credentials that are read here is told; a token beside `Authorization` is
 * noticed (RFC 9700 §4.3.2).
 */
export function credentialAdvice(
  rawRequest: RawRequest,
  authorization: string | undefined,
): string {
  if (authorization !== undefined)
    return 'Authorization has a scheme that is not read here: send "Bearer" and a token, or "OAuth" and a signature.';
  const query = parseForm(rawRequest.target.split('?').slice(1).join('?'));
  return query.ok && query.value.some(([name]) => name === 'access_token')
    ? 'access_token was sent in the query, where it is in logs: send it as Authorization: Bearer.'
    : 'Send a token (Authorization: Bearer) or a signed request (Authorization: OAuth).';
}

const twoCredentialsMessages = {
  repeated: 'Authorization was sent more than once: send it once.',
  mixed: 'Authorization was sent beside a signature in the query or the form: send one of them.',
} as const;
const malformedTokenMessage =
  'The token is malformed: Authorization is "Bearer", a space, and the token as it was issued.';

/** Makes the function that turns a signed or bearer request into a Permit. */
export function makeGuard({ oauth1, oauth2, scopes, rightsOf, realm }: GuardDependencies): Guard {
  const challenge = (
    scheme: 'OAuth' | 'Bearer',
    params: Readonly<Record<string, string>> = {},
  ) => ({
    scheme,
    params: { realm, ...params },
  });
  const refuseWith = (
    status: GuardRefusal['status'],
    why: GuardRefusal['why'],
    body: GuardRefusal['body'],
    ...challenges: readonly ReturnType<typeof challenge>[]
  ) => refuse({ status, why, body, wwwAuthenticate: formatChallenges(challenges) });
  /** A refusal of RFC 6750 §3.1: the same in the challenge and in the body. */
  const refuseBearer = (
    status: GuardRefusal['status'],
    why: GuardRefusal['why'],
    error: string,
    error_description: string,
  ) =>
    refuseWith(
      status,
      why,
      { error, error_description },
      challenge('Bearer', { error, error_description }),
    );
  const refuseNoCredentials = (rawRequest: RawRequest, authorization: string | undefined) =>
    refuseWith(
      401,
      { kind: 'no-credentials' },
      { error: 'no_credentials', error_description: credentialAdvice(rawRequest, authorization) },
      challenge('Bearer'),
      challenge('OAuth'),
    );
  return {
    async permit(sent, site) {
      const values = sent.headers.authorization;
      if (Array.isArray(values) && values.length > 1)
        return refuseBearer(
          400,
          { kind: 'two-credentials' },
          'invalid_request',
          twoCredentialsMessages.repeated,
        );
      const authorization = singleHeader(sent, 'authorization');
      const isSignatureInHeader =
        authorization !== undefined && isOAuth1Authorization(authorization);
      // With a signature in the header, query and form are read by whoever checks it; beside any
      // other scheme, one there is a second credential.
      const isSignatureOutsideHeader = !isSignatureInHeader && hasSignatureParameter(sent);
      if (authorization === undefined && !isSignatureOutsideHeader)
        return refuseNoCredentials(sent, authorization);
      if (authorization !== undefined && isSignatureOutsideHeader)
        return refuseBearer(
          400,
          { kind: 'two-credentials' },
          'invalid_request',
          twoCredentialsMessages.mixed,
        );
      if (authorization === undefined || isSignatureInHeader) {
        const verified = await oauth1.authenticateRequest(sent, site);
        if (!verified.ok) {
          const problem = Object.fromEntries(problemReport(verified.refusal));
          const { oauth_problem_advice: _advice, ...facts } = problem;
          return refuseWith(
            oauth1StatusOf(verified.refusal),
            { kind: 'oauth1', refusal: verified.refusal },
            {
              error: verified.refusal.kind,
              error_description: describeOAuth1Refusal(verified.refusal),
              ...facts,
            },
            challenge('OAuth', problem),
          );
        }
        const { user, client, consent } = verified.value;
        const activeScopes = consent.scopes.filter((scope) => client.scopes.includes(scope));
        const rights = grantedRights(rightsOf(user), activeScopes, scopes);
        return accept({
          user,
          client,
          site,
          coveredSite: narrowerSite(consent.site, client.site),
          scopes: activeScopes,
          rights,
          scheme: 'oauth1',
        });
      }
      const token = parseBearerToken(authorization);
      if (token === undefined) return refuseNoCredentials(sent, authorization);
      if (!token.ok)
        return refuseBearer(400, { kind: 'malformed' }, 'invalid_request', malformedTokenMessage);
      const activeToken = await oauth2.authenticateToken(token.value, {
        site,
        address: sent.address,
      });
      if (!activeToken.ok) {
        const { refusal } = activeToken;
        return refuseBearer(
          bearerStatusOf(refusal),
          { kind: 'bearer', refusal },
          refusal.kind === 'not_allowed' ? 'insufficient_scope' : refusal.kind,
          describeBearerRefusal(refusal),
        );
      }
      const { user, client, site: coveredSite, scopes: names } = activeToken.value;
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
