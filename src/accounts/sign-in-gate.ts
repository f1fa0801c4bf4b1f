import type { UserId } from '#kernel/ids.ts';
import { addSeconds, type Seconds, seconds } from '#kernel/time.ts';
import { digestOf } from '#keys/digest.ts';
import type { Clock } from '#platform/clock.ts';
import type { KnownDevices } from './devices.ts';
import type { RateCounters } from './records.ts';
import type { RequestOrigin } from './sessions.ts';
import { HOUR, makePacer, networkOf, THROTTLE_WINDOW } from './throttle.ts';

/** Tries of a password for one name from one network, until only one in a while is looked at. */
const PER_NAME_AND_NETWORK = { most: 5, window: THROTTLE_WINDOW, pause: seconds(30) };
/** From everywhere: whoever has many addresses. */
const PER_NAME = { most: 100, window: HOUR, pause: seconds(10) };
const FAILURES_PER_NETWORK = { most: 50, window: THROTTLE_WINDOW, pause: seconds(5) };
const FAILURES_PER_DEVICE = 10;

/**
 * How many passwords may be tried (ADR 16). Strangers are slowed down, for each name and network
 * and for each network; nobody is kept out by what others did at an address that is not known for
 * sure, nor in a browser they signed in with before.
 */
export interface SignInGate {
  /**
   * Counts a try before the password is looked at. Undefined: go on; otherwise how long to wait.
   */
  requiredDelay(
    name: string,
    from: RequestOrigin,
    user: UserId | undefined,
  ): Promise<Seconds | undefined>;
  recordFailure(from: RequestOrigin): Promise<void>;
  recordSuccess(name: string, from: RequestOrigin, user: UserId): Promise<void>;
}

export function makeSignInGate({
  limits,
  clock,
  knownDevices,
}: {
  readonly limits: RateCounters;
  readonly clock: Clock;
  readonly knownDevices: KnownDevices;
}): SignInGate {
  const pacer = makePacer({ limits, clock });
  const nameKey = (name: string) => `sign-in name ${digestOf(name.toLowerCase())}`;
  const nameAndNetworkKey = (name: string, from: RequestOrigin) =>
    `${nameKey(name)} from ${networkOf(from) ?? 'somewhere'}`;
  const networkKey = (network: string) => `sign-in address ${network}`;
  const deviceKey = (device: string) => `sign-in device ${device}`;

  return {
    async requiredDelay(name, from, user) {
      const now = clock.now();
      const device =
        user === undefined ? undefined : knownDevices.findDevice(from.deviceCookie, user);
      // A stolen cookie tries a few passwords, and is a stranger then.
      if (
        device !== undefined &&
        (await limits.increment(deviceKey(device), now, addSeconds(now, THROTTLE_WINDOW))) <=
          FAILURES_PER_DEVICE
      )
        return undefined;
      const network = networkOf(from);
      return (
        (network === null
          ? undefined
          : await pacer.currentDelay(networkKey(network), FAILURES_PER_NETWORK)) ??
        (await pacer.countAndDelay(nameAndNetworkKey(name, from), PER_NAME_AND_NETWORK)) ??
        (await pacer.countAndDelay(nameKey(name), PER_NAME))
      );
    },
    async recordFailure(from) {
      const network = networkOf(from);
      // Failures alone: many people may sign in from one address.
      if (network !== null) await pacer.countAndDelay(networkKey(network), FAILURES_PER_NETWORK);
    },
    async recordSuccess(name, from, user) {
      const device = knownDevices.findDevice(from.deviceCookie, user);
      await Promise.all([
        pacer.clear(nameAndNetworkKey(name, from)),
        pacer.clear(nameKey(name)),
        ...(device === undefined ? [] : [limits.clear(deviceKey(device))]),
      ]);
    },
  };
}
