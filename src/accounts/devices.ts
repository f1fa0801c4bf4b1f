import { createHmac } from 'node:crypto';
import type { UserId } from '#kernel/ids.ts';
import { equalSecrets } from '#keys/digest.ts';
import type { Clock } from '#platform/clock.ts';
import type { Entropy } from '#platform/random.ts';

/**
 * Tells browsers that somebody signed in with before from strangers, so that strangers who try
 * passwords keep nobody out of them (ADR 16). Nothing is stored: a cookie holds, for each of a few
 * people, a proof under a key of ours.
 */
export interface KnownDevices {
  /** The cookie after this person signed in, with what it held of others. */
  rememberUser(cookie: string | undefined, user: UserId): string;
  /** Names the device when this person signed in with it within a year; undefined: a stranger's. */
  findDevice(cookie: string | undefined, user: UserId): string | undefined;
  /** The same for whoever it was. */
  isKnownDevice(cookie: string | undefined): boolean;
}

const MAX_PEOPLE = 4;
export const DEVICE_COOKIE_TTL_SECONDS = 365 * 86_400;
const proofPattern = /^(\d{1,15})\.(\d{1,12})\.([\w-]{16})\.([\w-]{43})$/;

export function makeKnownDevices(
  key: () => Uint8Array,
  { clock, entropy }: { readonly clock: Clock; readonly entropy: Entropy },
): KnownDevices {
  const signClaim = (claim: string) =>
    createHmac('sha256', key()).update(claim).digest('base64url');

  /** The sound proofs of a cookie: person, device and text. */
  function parseCookie(
    cookie: string | undefined,
  ): readonly { readonly user: number; readonly device: string; readonly text: string }[] {
    if (cookie === undefined || cookie.length > 600) return [];
    return cookie
      .split('~')
      .slice(0, MAX_PEOPLE)
      .flatMap((text) => {
        const [, user = '', at = '', device = '', proof = ''] = proofPattern.exec(text) ?? [];
        const age = clock.now() - Number(at);
        return proof !== '' &&
          equalSecrets(signClaim(`${user}.${at}.${device}`), proof) &&
          age < DEVICE_COOKIE_TTL_SECONDS
          ? [{ user: Number(user), device, text }]
          : [];
      });
  }
  return {
    rememberUser(cookie, user) {
      const others = parseCookie(cookie).filter((each) => each.user !== user);
      const claim = `${user}.${clock.now()}.${Buffer.from(entropy.bytes(12)).toString('base64url')}`;
      return [`${claim}.${signClaim(claim)}`, ...others.map(({ text }) => text)]
        .slice(0, MAX_PEOPLE)
        .join('~');
    },
    findDevice: (cookie, user) => parseCookie(cookie).find((each) => each.user === user)?.device,
    isKnownDevice: (cookie) => parseCookie(cookie).length > 0,
  };
}
