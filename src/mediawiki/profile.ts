import type { SiteId } from '#kernel/ids.ts';
import { seconds } from '#kernel/time.ts';
import { servedMethods } from '#oauth1/signature.ts';
import type { OAuth1Settings } from '#oauth1/verify.ts';
import type { OAuth2Reading } from '#oauth2/profile.ts';

/** How the dialect reads the protocols: the values it hands to the rooms in place of the core's. */
export interface MediawikiReading {
  readonly oauth1: OAuth1Settings;
  readonly oauth2: OAuth2Reading;
}

/** The part of `sub` before the number: which numbers are meant. */
export const subjectScope = (site: SiteId): string => `mw:local:${site.replaceAll(':', '-')}`;

/** Builds the dialect's reading of both protocols. */
export function makeMediawikiReading({
  issuer,
  origin,
  site,
  plaintext,
}: {
  readonly issuer: string;
  readonly origin: string;
  readonly site: SiteId;
  /** PLAINTEXT is accepted, over https alone. */
  readonly plaintext: boolean;
}): MediawikiReading {
  return {
    oauth1: {
      origin,
      reading: 'mediawiki',
      methods: servedMethods('mediawiki', plaintext),
      nonceCoversTimestamp: false,
      windowFor: seconds(300),
      temporaryFor: seconds(600),
      oobRedirects: true,
    },
    oauth2: {
      basicDecoding: 'raw',
      twoCredentials: 'body-wins',
      otherAuthorization: 'ignore',
      profile: 'mediawiki',
      refreshTokensOf: ['mediawiki'],
      plainPkceOfMarked: true,
      scopesBeyondRegistration: 'leave-out',
      // "No" is this error there, without state (protocols 2.5).
      denial: { error: 'unauthorized_client', withState: false },
      revokePreviousOnRefresh: true,
      defaultScope: '#default',
      algorithm: () => 'RS256',
      typ: 'JWT',
      scopeInAnswer: false,
      // Numbers with a fraction, a plain string as audience, and `scopes` last (protocols 2.13).
      claims: ({ id, client, userId, scopes, grantType, issuedAt, expiresAt, millis }) => {
        const fraction = (millis % 1000) / 1000;
        const subject = userId ?? client.ownerId;
        const owned =
          grantType === 'owner-only' || (grantType === 'client_credentials' && client.ownerOnly);
        return {
          aud: client.id,
          jti: id,
          iat: issuedAt + fraction,
          nbf: issuedAt + fraction,
          exp: expiresAt + fraction,
          sub: owned ? String(subject) : `${subjectScope(site)}:${subject}`,
          iss: issuer,
          ...(owned ? {} : { grant_type: grantType }),
          scopes,
        };
      },
    },
  };
}
