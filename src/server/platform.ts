import { mkdirSync } from 'node:fs';
import type { Config } from '#config/config.ts';
import { StartupError } from '#config/startup-error.ts';
import { createKeyDirectory, openKeyring, openSigningKeys, readKeyring } from '#keys/key-files.ts';
import { type Keyring, makeFixedKeyring } from '#keys/keyring.ts';
import type { SigningKeySource } from '#keys/signing-key-sets.ts';
import {
  type Clock,
  type MonotonicClock,
  systemClock,
  systemMonotonicClock,
} from '#platform/clock.ts';
import { type HttpClient, makeHttpClient } from '#platform/http-client.ts';
import { jsonLog, type Log } from '#platform/log.ts';
import { type Entropy, systemEntropy } from '#platform/random.ts';
import type { MailTransport } from '#platform/smtp.ts';
import { verifyRestoredBackup } from './backup-manifest.ts';
import { isDanglingLink } from './data-directory.ts';
import { loadConfiguredStore, type OpenConfiguredStore } from './open-store.ts';

/** Replaceable ways out of the program, for tests. */
export interface Platform {
  readonly clock: Clock;
  /** What the clock is watched by; left out: it is taken for right. */
  readonly monotonicClock?: MonotonicClock | undefined;
  readonly entropy: Entropy;
  readonly log: Log;
  /** Opens the store, whose backend is loaded by then. */
  readonly openStore: OpenConfiguredStore;
  readonly masterKeys: Keyring;
  readonly signingKeys: SigningKeySource;
  /** Where emails go; null: none are sent. */
  readonly mailTransport: MailTransport | null;
  /** Where webhooks go. */
  readonly httpClient: HttpClient;
}

/**
 * The ways out of a real process: system clock and chance, the database and the keys in the data
 * directory, made at the first start. `writeLog`: where the lines of the log go; left out: standard
 * error.
 */
export async function createPlatform(
  config: Config,
  writeLog?: (line: string) => void,
): Promise<Platform> {
  if (isDanglingLink(config.data))
    throw new StartupError(
      `the data directory ${config.data} is a link to nothing: make the directory, or name another with --data.`,
    );
  mkdirSync(config.data, { recursive: true, mode: 0o700 });
  const directory = createKeyDirectory(config.data, systemClock, systemEntropy);
  const configuredKeys = config.masterKeys?.map(({ id, key }) => ({
    id,
    key: Buffer.from(key, 'base64'),
  }));
  try {
    verifyRestoredBackup(config.data, configuredKeys ?? readKeyring(directory.path)?.keys);
  } catch (fault) {
    throw new StartupError(`${(fault as Error).message}.`);
  }
  return {
    clock: systemClock,
    monotonicClock: systemMonotonicClock,
    entropy: systemEntropy,
    log: jsonLog(config.logLevel, systemClock, writeLog),
    openStore: await loadConfiguredStore(config),
    masterKeys: config.masterKeys ? makeFixedKeyring(configuredKeys ?? []) : openKeyring(directory),
    signingKeys: openSigningKeys(directory),
    mailTransport: await openMailTransport(config),
    httpClient: makeHttpClient(),
  };
}

/** The mail server of a configuration, whose client is loaded when there is one. */
async function openMailTransport({
  smtpUrl,
  mailFrom,
}: Pick<Config, 'smtpUrl' | 'mailFrom'>): Promise<MailTransport | null> {
  if (smtpUrl === null) return null;
  const { makeSmtpTransport } = await import('#platform/smtp.ts');
  return makeSmtpTransport({ url: smtpUrl, from: mailFrom });
}
