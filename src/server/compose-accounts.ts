import { makeAccounts } from '#accounts/accounts.ts';
import { RIGHTS } from '#registry/actor.ts';
import type { Delivery } from '#registry/notifications/delivery.ts';
import { deriveKey } from './derived-keys.ts';
import type { Foundation } from './foundation.ts';

/** People, their sessions, and what they are written. */
export const composeAccounts = (
  { config, platform, clockMonitor, ...parts }: Foundation,
  delivery: Delivery,
) =>
  makeAccounts({
    records: parts.store,
    sessions: parts.store,
    limits: parts.store,
    rights: parts.rights,
    reviewRights: [RIGHTS.review, RIGHTS.suppress],
    idGenerator: parts.idGenerator,
    clock: parts.clock,
    entropy: parts.entropy,
    log: parts.log,
    emailEnabled: platform.mailTransport !== null,
    // Somebody waits for the email; what does not go out now is left to the job.
    deliverEmails: async () => {
      if (clockMonitor.status().state === 'synchronized') await delivery.runAgain();
    },
    secretBox: parts.secretBox,
    settings: config,
    deviceKey: () => deriveKey(platform.masterKeys.oldestKey().key, 'known devices'),
  });
