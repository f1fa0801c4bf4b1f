import type { Account } from '#accounts/account.ts';
import type { Pair } from '#encoding/form.ts';
import { EVERY_SITE, type SiteId } from '#kernel/ids.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import { isPast } from '#kernel/time.ts';
import { digestOf } from '#keys/digest.ts';
import { commonSite, coversSite, hindrance } from '#registry/access.ts';
import type { OAuth2Asked } from '#registry/model/authorization-request.ts';
import type { Client } from '#registry/model/client.ts';
import type { Consent } from '#registry/model/consent.ts';
import type { ProvenRedirect } from '#registry/model/proven-redirect.ts';
import type { TokenAnswer } from './access-token.ts';
import {
  answerWith,
  type CodeSeed,
  type PreparedCode,
  prepareCode,
  readAuthorization,
  refuseClient,
  type SoundRequest,
} from './endpoints/authorization.ts';
import { type Introspection, introspect } from './endpoints/introspection.ts';
import { revoke } from './endpoints/revocation.ts';
import { type FormRequest, tokenEndpoint } from './endpoints/token.ts';
import type { OAuth2Parts } from './parts.ts';
import { accessTokenFacts, noteUse } from './presented-token.ts';
import type { AccessToken } from './records.ts';
import type { AuthorizeRefusal, AuthorizeReply, BearerRefusal, OAuth2Refusal } from './refusals.ts';
import { fallen, liveScopes } from './token-status.ts';

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

/** One face of OAuth 2. */
export interface OAuth2 {
  /** Judges an authorization request for the person in front of us; null: nobody has signed in. */
  readAuthorization(
    pairs: readonly Pair[],
    user: Account | null,
  ): Promise<Result<SoundRequest, AuthorizeRefusal>>;
  /**
   * Judges a person's yes; nothing is written. The client is judged once more: it has to be read
   * just before.
   */
  prepare(
    asked: OAuth2Asked,
    client: Client,
    user: Pick<Account, 'id'>,
    scopes: readonly string[],
    earlier?: CodeSeed,
  ): Result<PreparedCode, AuthorizeRefusal>;
  /** Stores the code under the consent, and answers the URI with it. */
  complete(prepared: PreparedCode, consent: Consent): Promise<ProvenRedirect>;
  /** What became of a code: it waits to be redeemed, is over, or was not stored (yet). */
  codeOf(seed: CodeSeed): Promise<'waits' | 'over' | 'unknown'>;
  /** Ends a code, and everything that was bought with it. */
  end(seed: CodeSeed): Promise<void>;
  /** Judges, and stores a code under a consent that stands. */
  grant(
    asked: OAuth2Asked,
    client: Client,
    consent: Consent,
    scopes: readonly string[],
  ): Promise<Result<ProvenRedirect, AuthorizeRefusal>>;
  /**
   * The URI that tells the client that the person said no, or was not asked. The client is judged
   * once more.
   */
  deny(
    asked: OAuth2Asked,
    client: Client,
    user: Account,
    why: 'denied' | 'consent_required',
  ): Result<ProvenRedirect, AuthorizeRefusal>;
  /** The URI that tells the client an error (RFC 6749 §4.1.2.1). */
  sendBack(reply: AuthorizeReply, params: readonly Pair[]): ProvenRedirect;
  token(request: FormRequest): Promise<Result<TokenAnswer, OAuth2Refusal>>;
  /** RFC 7009: an unknown token is no error, another client's is. */
  revoke(request: FormRequest): Promise<Result<undefined, OAuth2Refusal>>;
  introspect(request: FormRequest): Promise<Result<Introspection, OAuth2Refusal>>;
  /** Checks a token an API got, for a site and an address. */
  authenticateToken(
    jwt: string,
    where: { readonly site?: SiteId; readonly address?: string },
  ): Promise<Result<LiveToken, BearerRefusal>>;
  /** RFC 8414 §2. */
  metadata(): Readonly<Record<string, unknown>>;
}

/** Builds one face of OAuth 2 over its parts. */
export function makeOAuth2(parts: OAuth2Parts): OAuth2 {
  const { clock, settings } = parts;
  return {
    readAuthorization: (pairs, user) => readAuthorization(parts, pairs, user),
    prepare: (asked, client, user, scopes, earlier) =>
      prepareCode(parts, asked, client, user, scopes, earlier),
    complete: async (prepared, consent) => {
      const code = prepared.codeFor(consent);
      try {
        await parts.records.saveCode(code);
      } catch (fault) {
        // The same form sent twice at the same time: the other request stored it.
        if ((await parts.records.findCode(code.digest)) === undefined) throw fault;
      }
      return prepared.uri;
    },
    async codeOf({ secret }) {
      const found = await parts.records.findCode(digestOf(secret));
      if (found === undefined) return 'unknown';
      const { code, familyRevoked, consent } = found;
      return code.used ||
        familyRevoked ||
        consent === undefined ||
        isPast(code.expiresAt, clock.now())
        ? 'over'
        : 'waits';
    },
    end: ({ familyId }) => parts.records.revokeFamily(familyId, clock.now()),
    async grant(asked, client, consent, scopes) {
      const prepared = this.prepare(asked, client, { id: consent.userId }, scopes);
      return prepared.ok ? accept(await this.complete(prepared.value, consent)) : prepared;
    },
    deny: (asked, client, user, why) => refuseClient(parts, asked, client, user, why),
    sendBack: (reply, params) => answerWith(parts, reply, params),
    token: (request) => tokenEndpoint(parts, request),

    revoke: (request) => revoke(parts, request),
    introspect: (request) => introspect(parts, request),

    async authenticateToken(jwt, where) {
      const no = (problem: Extract<BearerRefusal, { kind: 'invalid_token' }>['problem']) =>
        refuse({ kind: 'invalid_token', problem } as const);
      const found = await accessTokenFacts(parts, jwt);
      if (found === undefined) return no('unknown');
      const why = fallen(found.token, found, clock.now());
      if (why === 'expired' || why === 'revoked' || why === 'no-consent') return no(why);
      if (why === 'no-scopes') return no('revoked');
      if (typeof why === 'object' && why.kind === 'user-blocked') return no('user-blocked');
      if (why !== undefined || found.client === undefined) return no('not-usable');
      const placed = hindrance(found.client, found.user ?? null, where);
      if (placed?.kind === 'wrong-site' || placed?.kind === 'address-not-allowed')
        return refuse({ kind: 'not_allowed', problem: placed.kind });
      // A consent given for one site stays there, also after its client was opened to others.
      if (
        where.site !== undefined &&
        found.consent !== undefined &&
        !coversSite(found.consent.site, where.site)
      )
        return refuse({ kind: 'not_allowed', problem: 'wrong-site' });
      noteUse(parts, found.token);
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
