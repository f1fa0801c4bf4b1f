import type { UserId } from '#kernel/ids.ts';
import { later, type Seconds, seconds } from '#kernel/time.ts';
import { digestOf } from '#keys/digest.ts';
import type { Clock } from '#platform/clock.ts';
import type { Devices } from './devices.ts';
import type { Limits } from './records.ts';
import type { From } from './sessions.ts';
import { HOUR, makePacing, networkOf, WINDOW } from './throttle.ts';

/** Tries of a password for one name from one network, until only one in a while is looked at. */
const PER_NAME_AND_NETWORK = { most: 5, window: WINDOW, pause: seconds(30) };
/** From everywhere: whoever has many addresses. */
const PER_NAME = { most: 100, window: HOUR, pause: seconds(10) };
const FAILURES_PER_NETWORK = { most: 50, window: WINDOW, pause: seconds(5) };
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
  wait(name: string, from: From, user: UserId | undefined): Promise<Seconds | undefined>;
  failed(from: From): Promise<void>;
  succeeded(name: string, from: From, user: UserId): Promise<void>;
}

export function makeSignInGate({
  limits,
  clock,
  devices,
}: {
  readonly limits: Limits;
  readonly clock: Clock;
  readonly devices: Devices;
}): SignInGate {
  const pacing = makePacing({ limits, clock });
  const nameKey = (name: string) => `sign-in name ${digestOf(name.toLowerCase())}`;
  const nameHere = (name: string, from: From) =>
    `${nameKey(name)} from ${networkOf(from) ?? 'somewhere'}`;
  const networkKey = (network: string) => `sign-in address ${network}`;
  const deviceKey = (device: string) => `sign-in device ${device}`;

  return {
    async wait(name, from, user) {
      const now = clock.now();
      const device = user === undefined ? undefined : devices.known(from.devices, user);
      // A stolen cookie tries a few passwords, and is a stranger then.
      if (
        device !== undefined &&
        (await limits.hit(deviceKey(device), now, later(now, WINDOW))) <= FAILURES_PER_DEVICE
      )
        return undefined;
      const network = networkOf(from);
      return (
        (network === null
          ? undefined
          : await pacing.turn(networkKey(network), FAILURES_PER_NETWORK)) ??
        (await pacing.take(nameHere(name, from), PER_NAME_AND_NETWORK)) ??
        (await pacing.take(nameKey(name), PER_NAME))
      );
    },
    async failed(from) {
      const network = networkOf(from);
      // Failures alone: many people may sign in from one address.
      if (network !== null) await pacing.take(networkKey(network), FAILURES_PER_NETWORK);
    },
    async succeeded(name, from, user) {
      const device = devices.known(from.devices, user);
      await Promise.all([
        pacing.clear(nameHere(name, from)),
        pacing.clear(nameKey(name)),
        ...(device === undefined ? [] : [limits.clear(deviceKey(device))]),
      ]);
    },
  };
}
