import type { Account } from '#accounts/account.ts';
import { EVERY_SITE, type SiteId, type TokenId } from '#kernel/ids.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import { digestOf } from '#keys/digest.ts';
import type { OAuth2Asked } from '#registry/authorization-request.ts';
import type { Client } from '#registry/client.ts';
import type { Consent } from '#registry/consent.ts';
import { commonSite, coversSite, hindrance } from '#registry/policy.ts';
import type { ProvenRedirect } from '#registry/proven-redirect.ts';
import type { Pair } from '#wire/form.ts';
import { formatScope } from '#wire/scope.ts';
import type { TokenAnswer } from './access-token.ts';
import { answerWith, issueCode, readAuthorization, refuseClient, type SoundRequest } from './authorize.ts';
import { authenticateClient } from './client-authentication.ts';
import type { OAuth2Parts } from './parts.ts';
import type { AccessToken } from './records.ts';
import type { AuthorizeRefusal, AuthorizeReply, BearerRefusal, OAuth2Refusal } from './refusals.ts';
import { fallen, liveScopes } from './standing.ts';
import { type FormRequest, repeatedParameter, tokenEndpoint } from './token-endpoint.ts';

/** A bearer token that stands. */
export interface LiveToken {
  readonly client: Client;
  /** Null: the client acts for itself. */
  readonly user: Account | null;
  /** Where both its consent and its client may act: one site, or every one. */
  readonly site: SiteId;
  readonly scopes: readonly string[];
  readonly token: AccessToken;
}

/** An introspection answer (RFC 7662 §2.2). */
export type Introspection =
  | { readonly active: false }
  | {
      readonly active: true;
      readonly client_id: string;
      readonly scope: string;
      readonly token_type: 'Bearer' | 'refresh_token';
      readonly exp: number;
      readonly iat: number;
      readonly sub: string;
      readonly iss: string;
      readonly aud?: string;
      readonly jti?: string;
      readonly username?: string;
    };

/** One face of OAuth 2. */
export interface OAuth2 {
  /** Judges an authorization request for the person in front of us; null: nobody has signed in. */
  readAuthorization(pairs: readonly Pair[], user: Account | null): Promise<Result<SoundRequest, AuthorizeRefusal>>;
  /** After the person's consent: the URI with the code. The client is judged once more: it has to be read just before. */
  grant(asked: OAuth2Asked, client: Client, consent: Consent, scopes: readonly string[]): Promise<Result<ProvenRedirect, AuthorizeRefusal>>;
  /** The URI that tells the client that the person said no, or was not asked. The client is judged once more. */
  deny(asked: OAuth2Asked, client: Client, user: Account, why: 'denied' | 'consent_required'): Result<ProvenRedirect, AuthorizeRefusal>;
  /** The URI that tells the client an error (RFC 6749 §4.1.2.1). */
  sendBack(reply: AuthorizeReply, params: readonly Pair[]): ProvenRedirect;
  token(request: FormRequest): Promise<Result<TokenAnswer, OAuth2Refusal>>;
  /** RFC 7009: an unknown token is no error. */
  revoke(request: FormRequest): Promise<Result<undefined, OAuth2Refusal>>;
  introspect(request: FormRequest): Promise<Result<Introspection, OAuth2Refusal>>;
  /** Checks a token an API got, for a site and an address. */
  authenticateToken(jwt: string, where: { readonly site?: SiteId; readonly address?: string }): Promise<Result<LiveToken, BearerRefusal>>;
  /** RFC 8414 §2. */
  metadata(): Readonly<Record<string, unknown>>;
}

const MOST_TOKEN = 8192;
const dead: Introspection = { active: false };

/** Builds one face of OAuth 2 over its parts. */
export function makeOAuth2(parts: OAuth2Parts): OAuth2 {
  const { records, clock, signing, settings } = parts;

  /** The row behind a token of ours; undefined when the text was not signed by us or names no row. */
  async function facts(jwt: string) {
    const read = jwt.length <= MOST_TOKEN ? signing.verify(jwt) : undefined;
    return typeof read?.claims.jti === 'string' ? records.findAccessToken(read.claims.jti as TokenId) : undefined;
  }

  /** A token let a request through, here or at a resource server that asked. */
  function noteUse({ id, clientId, consentId, familyId, grantType }: AccessToken): void {
    parts.usage.note({ clientId, consentId, token: familyId ?? (grantType === 'owner-only' ? id : null) }, true);
  }

  async function authenticated({ authorization, form }: FormRequest): Promise<Result<{ client: Client; token: string }, OAuth2Refusal>> {
    const repeated = repeatedParameter(form);
    if (repeated) return refuse(repeated);
    const client = await authenticateClient(parts, authorization, form);
    if (!client.ok) return client;
    const token = form.get('token');
    return token === undefined
      ? refuse({ kind: 'invalid_request', parameter: 'token', problem: 'missing' })
      : accept({ client: client.value.client, token });
  }

  return {
    readAuthorization: (pairs, user) => readAuthorization(parts, pairs, user),
    grant: (asked, client, consent, scopes) => issueCode(parts, asked, client, consent, scopes),
    deny: (asked, client, user, why) => refuseClient(parts, asked, client, user, why),
    sendBack: (reply, params) => answerWith(parts, reply, params),
    token: (request) => tokenEndpoint(parts, request),

    async revoke(request) {
      const given = await authenticated(request);
      if (!given.ok) return given;
      const { client, token } = given.value;
      const access = await facts(token);
      if (access && access.token.clientId === client.id) await records.revokeAccessToken(access.token.id);
      const refresh = access ? undefined : await records.findRefreshToken(digestOf(token.slice(0, 512)));
      // Revoking a refresh token ends everything bought with it (RFC 7009 §2.1).
      if (refresh && refresh.token.clientId === client.id) await records.revokeFamily(refresh.token.familyId, clock.now());
      return accept(undefined);
    },

    async introspect(request) {
      const given = await authenticated(request);
      if (!given.ok) return given;
      const { client, token } = given.value;
      // Only who can keep a secret may ask (RFC 7662 §2.1): otherwise anybody could try tokens here.
      if (!client.confidential) return refuse({ kind: 'unauthorized_client' });
      const now = clock.now();
      const access = await facts(token);
      if (access) {
        if (fallen(access.token, access, now) !== undefined) return accept(dead);
        noteUse(access.token);
        const { id, clientId, userId, issuedAt, expiresAt, scopes } = access.token;
        return accept({
          active: true,
          client_id: clientId,
          scope: formatScope(liveScopes(scopes, access)),
          token_type: 'Bearer',
          exp: expiresAt,
          iat: issuedAt,
          sub: userId === null ? clientId : String(userId),
          iss: settings.issuer,
          aud: settings.issuer,
          jti: id,
          ...(access.user ? { username: access.user.name } : {}),
        });
      }
      const refresh = await records.findRefreshToken(digestOf(token.slice(0, 512)));
      if (refresh === undefined || refresh.token.clientId !== client.id) return accept(dead);
      const { usedAt, issuedAt, expiresAt, scopes, userId, clientId } = refresh.token;
      if (usedAt !== null || fallen({ ...refresh.token, revoked: false }, refresh, now) !== undefined) return accept(dead);
      const scope = formatScope(liveScopes(scopes, refresh));
      return accept({
        active: true,
        client_id: clientId,
        scope,
        token_type: 'refresh_token',
        exp: expiresAt,
        iat: issuedAt,
        sub: String(userId),
        iss: settings.issuer,
      });
    },

    async authenticateToken(jwt, where) {
      const no = (problem: Extract<BearerRefusal, { kind: 'invalid_token' }>['problem']) =>
        refuse({ kind: 'invalid_token', problem } as const);
      const found = await facts(jwt);
      if (found === undefined) return no('unknown');
      const why = fallen(found.token, found, clock.now());
      if (why === 'expired' || why === 'revoked' || why === 'no-consent') return no(why);
      if (typeof why === 'object' && why.kind === 'user-blocked') return no('user-blocked');
      if (why !== undefined || found.client === undefined) return no('not-usable');
      const placed = hindrance(found.client, found.user ?? null, where);
      if (placed?.kind === 'wrong-site' || placed?.kind === 'address-not-allowed')
        return refuse({ kind: 'not_allowed', problem: placed.kind });
      // A consent given for one site stays there, also after its client was opened to others.
      if (where.site !== undefined && found.consent !== undefined && !coversSite(found.consent.site, where.site))
        return refuse({ kind: 'not_allowed', problem: 'wrong-site' });
      noteUse(found.token);
      const site = commonSite(found.consent?.site ?? EVERY_SITE, found.client.site);
      return accept({
        client: found.client,
        user: found.user ?? null,
        site,
        scopes: liveScopes(found.token.scopes, found),
        token: found.token,
      });
    },

    metadata() {
      const { issuer } = settings;
      const methods = ['client_secret_basic', 'client_secret_post', 'none'];
      return {
        issuer,
        authorization_endpoint: `${issuer}/oauth2/authorize`,
        token_endpoint: `${issuer}/oauth2/token`,
        revocation_endpoint: `${issuer}/oauth2/revoke`,
        introspection_endpoint: `${issuer}/oauth2/introspect`,
        jwks_uri: `${issuer}/oauth2/jwks`,
        scopes_supported: parts.scopes.all().map(({ name }) => name),
        response_types_supported: ['code'],
        response_modes_supported: ['query'],
        grant_types_supported: settings.grantTypes,
        token_endpoint_auth_methods_supported: methods,
        revocation_endpoint_auth_methods_supported: methods,
        introspection_endpoint_auth_methods_supported: methods.slice(0, 2),
        code_challenge_methods_supported: ['S256'],
        authorization_response_iss_parameter_supported: true,
        service_documentation: `${issuer}/`,
      };
    },
  };
}
