import { join } from 'node:path';
import type * as z from 'zod';
import { normalizeEmail } from '#encoding/email.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import { type Seconds, seconds } from '#kernel/time.ts';
import {
  MAX_CONFIG_FILE_BYTES,
  MAX_SECRET_FILE_BYTES,
  UnsuitableFileError,
} from '#platform/plain-file.ts';
import type { CommandLineFlags, Config, ConfigProblem, Environment } from './config.ts';
import { emptyStructure, parseConfigFile, type StructuredConfig } from './file.ts';
import { isPublicIssuer } from './network.ts';
import { renamedVariables } from './renamed-settings.ts';
import { fileSettingName, type SettingName, settingNames } from './setting-names.ts';
import { settingRules } from './setting-rules.ts';
import { readWebhooks } from './webhooks.ts';

/** Reads a file as text; throws when it cannot be read, or has more than `maxBytes`. */
type ReadText = (path: string, maxBytes: number) => string;

/** Where settings come from, and where problems with them are gathered. */
interface SettingSources {
  readonly flags: CommandLineFlags;
  readonly environment: Environment;
  readonly file: {
    readonly path: string;
    readonly settings: Readonly<Record<string, string>>;
    readonly structure: StructuredConfig;
  };
  readonly readSecret: ReadText;
  readonly problems: ConfigProblem[];
}

type SettingValue<Name extends SettingName> = z.output<(typeof settingRules)[Name]>;

/** The value of one setting. One with a problem is undefined, and then no Config is handed out. */
type Pick = <Name extends SettingName>(name: Name) => SettingValue<Name>;

/** What somebody wrote, and where: a flag, a variable, a file that one names, or the file. */
function findText(
  { flags, environment, file, readSecret, problems }: SettingSources,
  name: SettingName,
): { readonly text: string; readonly source: string } | undefined {
  const { flag, env, fallback } = settingNames[name];
  if (flag !== null && flags[flag] !== undefined) return { text: flags[flag], source: `--${flag}` };
  if (environment[env] !== undefined) return { text: environment[env], source: env };
  const secretFile = environment[`${env}_FILE`];
  if (secretFile !== undefined) {
    const source = `${env}_FILE`;
    try {
      return { text: readSecret(secretFile, MAX_SECRET_FILE_BYTES).trim(), source };
    } catch (fault) {
      const remedy =
        unsuitableFileRemedy(fault) ?? `a file that can be read (${secretFile} cannot)`;
      problems.push({ setting: flag ?? env, source, remedy });
      return undefined;
    }
  }
  const filed = flag === null ? undefined : file.settings[fileSettingName(flag)];
  return filed === undefined
    ? { text: fallback, source: 'default' }
    : { text: filed, source: file.path };
}

/**
 * Whether a password stands where others read it: what is on a command line is shown to every user
 * of the machine, and a configuration file is shared and versioned.
 */
function exposesPassword(name: SettingName, text: string, source: string): boolean {
  const { env } = settingNames[name];
  return (
    (name === 'database' || name === 'ephemeral') &&
    source !== env &&
    source !== `${env}_FILE` &&
    /:\/\/[^/?#]*:[^@]*@|[?&]password=/i.test(text)
  );
}

const makePick =
  (sources: SettingSources): Pick =>
  <Name extends SettingName>(name: Name) => {
    const found = findText(sources, name);
    if (found === undefined) return undefined as never;
    const parsed = settingRules[name].safeParse(found.text);
    if (parsed.success && !exposesPassword(name, found.text, found.source))
      return parsed.data as SettingValue<Name>;
    const { flag, env, remedy } = settingNames[name];
    sources.problems.push({ setting: flag ?? env, source: found.source, remedy });
    return undefined as never;
  };

/**
 * Makes one frozen Config of flags (first), environment, configuration file and defaults. Every
 * problem is reported together. `readSecret` reads the configuration file, and the file that a
 * `…_FILE` variable or a `secret_file` names.
 */
export function readConfig(
  flags: CommandLineFlags,
  environment: Environment,
  readSecret: ReadText,
): Result<Config, readonly ConfigProblem[]> {
  const problems: ConfigProblem[] = [];
  const path = flags.config ?? environment.GATEHOUSE_CONFIG ?? '';
  const file = path === '' ? noFile : loadConfigFile(path, readSecret, problems);
  const sources = { flags, environment, file: { ...file, path }, readSecret, problems };
  problems.push(...findRenamedVariables(environment));
  const config = resolveSettings(sources);
  problems.push(...findContradictions(config, sources));
  return problems.length > 0 ? refuse(problems) : accept(Object.freeze(config));
}

/** Variables under the names they had before; they would be ignored otherwise. */
const findRenamedVariables = (environment: Environment): readonly ConfigProblem[] =>
  [...renamedVariables].flatMap(([before, now]) =>
    environment[before] === undefined
      ? []
      : [{ setting: before, source: 'environment', remedy: `${now}, its name now` }],
  );

function resolveSettings(sources: SettingSources): Config {
  const pick = makePick(sources);
  const { structure, path } = sources.file;
  const port = pick('port');
  const issuer = pick('issuer') || `http://localhost:${port}`;
  const webhooks = readWebhooks(structure.notices.webhooks, (file) =>
    sources.readSecret(file, MAX_SECRET_FILE_BYTES),
  );
  sources.problems.push(...webhooks.problems.map((problem) => ({ ...problem, source: path })));
  return {
    port,
    host: pick('host'),
    workers: pick('workers'),
    issuer,
    origin: URL.parse(issuer)?.origin ?? issuer,
    isInternetFacing: isPublicIssuer(issuer),
    site: pick('site'),
    siteName: pick('siteName'),
    mediawiki: pick('mediawiki'),
    oauth1Plaintext: pick('oauth1Plaintext'),
    scopesFile: pick('scopesFile') || null,
    groupsFile: pick('groupsFile') || null,
    logLevel: pick('logLevel'),
    registration: pick('registration'),
    sharedAddresses: pick('sharedAddresses'),
    readOnly: pick('readOnly') || null,
    smtpUrl: pick('smtpUrl') || null,
    mailFrom: normalizeEmail(
      pick('mailFrom') || `no-reply@${URL.parse(issuer)?.hostname ?? 'localhost'}`,
    ),
    ...resolveStorage(pick),
    ...resolveConnections(pick),
    ...resolveLifetimes(pick),
    ...resolveMasterKeys(pick('masterKeys'), pick('masterKey') || null),
    structure,
    webhooks: webhooks.webhooks,
  };
}

const resolveStorage = (pick: Pick) => ({
  data: pick('data'),
  database: pick('database') || `sqlite:${join(pick('data') ?? '.', 'gatehouse.db')}`,
  databaseReplica: pick('databaseReplica') || null,
  databaseCache: pick('databaseCache'),
  databaseConnections: pick('databaseConnections'),
  migrate: pick('migrate'),
  ephemeral: pick('ephemeral'),
});

const resolveConnections = (pick: Pick) => ({
  trustProxy: pick('trustProxy'),
  maxConnections: pick('maxConnections'),
  headersTimeoutSeconds: seconds(pick('headersTimeout')),
  requestTimeoutSeconds: seconds(pick('requestTimeout')),
  keepAliveTimeoutSeconds: seconds(pick('keepAliveTimeout')),
});

/** Zero stands for never. */
const secondsOrNever = (value: number): Seconds | null => (value > 0 ? seconds(value) : null);

const resolveLifetimes = (pick: Pick) => ({
  accessTokenTtlSeconds: seconds(pick('accessTokenTtl')),
  refreshTokenTtlSeconds: seconds(pick('refreshTokenTtl')),
  refreshGraceSeconds: seconds(pick('refreshGrace')),
  sessionIdleSeconds: secondsOrNever(pick('sessionIdle')),
  idleProposalTtlSeconds: secondsOrNever(pick('idleProposalTtl')),
  signingKeyRotationSeconds: secondsOrNever(pick('signingKeyRotation')),
});

const resolveMasterKeys = (
  keyList: Config['masterKeys'],
  singleKey: string | null,
): { [Key in 'masterKeys' | 'masterKeysVariable']: Config[Key] } => {
  if (keyList) return { masterKeys: keyList, masterKeysVariable: 'GATEHOUSE_MASTER_KEYS' };
  return singleKey === null
    ? { masterKeys: null, masterKeysVariable: null }
    : { masterKeys: [{ id: 'm1', key: singleKey }], masterKeysVariable: 'GATEHOUSE_MASTER_KEY' };
};

/** Settings that are right by themselves, and not beside each other. */
function findContradictions(config: Config, sources: SettingSources): readonly ConfigProblem[] {
  const { structure, path } = sources.file;
  const problems: ConfigProblem[] = [];
  if (config.headersTimeoutSeconds > config.requestTimeoutSeconds)
    problems.push({
      setting: 'headers-timeout',
      source: 'request-timeout',
      remedy: settingNames.headersTimeout.remedy,
    });
  const single = findText({ ...sources, problems: [] }, 'masterKey');
  if (config.masterKeysVariable === 'GATEHOUSE_MASTER_KEYS' && single?.text)
    problems.push({
      setting: 'GATEHOUSE_MASTER_KEY',
      source: 'GATEHOUSE_MASTER_KEYS',
      remedy: 'one of the two: the single key is the line m1:KEY of the other',
    });
  for (const [setting, names] of [
    ['sites', structure.sites.map(({ id }) => id)],
    ['notices.webhooks', structure.notices.webhooks.map(({ name }) => name)],
  ] as const)
    if (new Set(names).size < names.length)
      problems.push({ setting, source: path, remedy: 'each name once' });
  return problems;
}

/** Why a file that is there is not read, as a remedy; undefined: it could not be opened. */
const unsuitableFileRemedy = (fault: unknown): string | undefined =>
  fault instanceof UnsuitableFileError
    ? `a regular file of a sensible size (${fault.message})`
    : undefined;

const noFile = { settings: {}, structure: emptyStructure } as const;

function loadConfigFile(
  path: string,
  readText: ReadText,
  problems: ConfigProblem[],
): { readonly settings: Readonly<Record<string, string>>; readonly structure: StructuredConfig } {
  let text: string;
  try {
    text = readText(path, MAX_CONFIG_FILE_BYTES);
  } catch (fault) {
    const remedy = unsuitableFileRemedy(fault) ?? 'the path of a file that can be read';
    problems.push({ setting: 'config', source: path, remedy });
    return noFile;
  }
  const names = Object.values(settingNames).flatMap(({ flag }) =>
    flag === null ? [] : [fileSettingName(flag)],
  );
  const file = parseConfigFile(text, names);
  problems.push(...file.problems.map((problem) => ({ ...problem, source: path })));
  return file;
}
