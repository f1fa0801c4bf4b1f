import type { SiteId } from '#kernel/ids.ts';
import type { OAuth2Profile } from '#oauth2/profile.ts';
import { MEDIAWIKI } from './oauth1-profile.ts';

/** The part of `sub` before the number: which numbers are meant. */
export const subjectPrefix = (site: SiteId): string => `mw:local:${site.replaceAll(':', '-')}`;

/** How the dialect's addresses read OAuth 2, and what their tokens say (protocols 2). */
export const makeMediawikiOAuth2Profile = ({
  issuer,
  site,
}: {
  readonly issuer: string;
  readonly site: SiteId;
}): OAuth2Profile => ({
  basicCredentialsDecoding: 'raw',
  credentialsInHeaderAndBody: 'body-wins',
  secretFromPublicClients: 'ignore',
  otherAuthorizationScheme: 'ignore',
  malformedBasicCredentials: 'ignore',
  name: MEDIAWIKI,
  codesAcceptedFrom: [MEDIAWIKI],
  refreshTokensAcceptedFrom: [MEDIAWIKI],
  plainPkceForImportedClients: true,
  scopesBeyondRegistration: 'leave-out',
  // "No" is this error there, without state (protocols 2.5).
  denialError: 'unauthorized_client',
  stateInDenial: false,
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
});
