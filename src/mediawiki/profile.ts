import type { SiteId } from '#kernel/ids.ts';
import { seconds } from '#kernel/time.ts';
import { supportedMethods } from '#oauth1/signature.ts';
import type { OAuth1Settings } from '#oauth1/verify.ts';
import type { OAuth2Profile } from '#oauth2/profile.ts';

/** How the dialect reads the protocols: the values it hands to the rooms in place of the core's. */
export interface MediawikiProfiles {
  readonly oauth1: OAuth1Settings;
  readonly oauth2: OAuth2Profile;
}

/** The part of `sub` before the number: which numbers are meant. */
export const subjectPrefix = (site: SiteId): string => `mw:local:${site.replaceAll(':', '-')}`;

/** Builds the dialect's reading of both protocols. */
export function makeMediawikiProfiles({
  issuer,
  origin,
  site,
  plaintextAllowed,
}: {
  readonly issuer: string;
  readonly origin: string;
  readonly site: SiteId;
  /** PLAINTEXT is accepted, over https alone. */
  readonly plaintextAllowed: boolean;
}): MediawikiProfiles {
  return {
    oauth1: {
      origin,
      profile: 'mediawiki',
      methods: supportedMethods('mediawiki', plaintextAllowed),
      nonceUniquePerTimestamp: false,
      timestampWindowSeconds: seconds(300),
      temporaryCredentialsTtlSeconds: seconds(600),
      oobRedirectsToRegisteredUrl: true,
    },
    oauth2: {
      basicCredentialsDecoding: 'raw',
      credentialsInHeaderAndBody: 'body-wins',
      unusableAuthorizationHeader: 'ignore',
      name: 'mediawiki',
      refreshTokensAcceptedFrom: ['mediawiki'],
      plainPkceForImportedClients: true,
      scopesBeyondRegistration: 'leave-out',
      // "No" is this error there, without state (protocols 2.5).
      denialResponse: { error: 'unauthorized_client', includesState: false },
      revokeAccessTokenOnRefresh: true,
      allScopesName: '#default',
      signingAlgorithm: () => 'RS256',
      jwtType: 'JWT',
      scopeInTokenResponse: false,
      // Numbers with a fraction, a plain string as audience, and `scopes` last (protocols 2.13).
      claims: ({ id, client, userId, scopes, grantType, issuedAt, expiresAt, issuedAtMillis }) => {
        const fraction = (issuedAtMillis % 1000) / 1000;
        const subject = userId ?? client.ownerId;
        const actsForOwner =
          grantType === 'owner-only' || (grantType === 'client_credentials' && client.ownerOnly);
        return {
          aud: client.id,
          jti: id,
          iat: issuedAt + fraction,
          nbf: issuedAt + fraction,
          exp: expiresAt + fraction,
          sub: actsForOwner ? String(subject) : `${subjectPrefix(site)}:${subject}`,
          iss: issuer,
          ...(actsForOwner ? {} : { grant_type: grantType }),
          scopes,
        };
      },
    },
  };
}
