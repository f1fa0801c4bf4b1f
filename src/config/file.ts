import { type Document, isScalar, parseDocument, visit } from 'yaml';
import * as z from 'zod';
import { accept, type Result, refuse } from '#kernel/result.ts';
import { parseDuration, type Seconds } from '#kernel/time.ts';
import { renamedKey } from './renamed-settings.ts';

const name = z.string().regex(/^[A-Za-z0-9_-]{1,32}$/, 'use 1 to 32 letters, digits, _ or -');
/** Hosts that are this very machine: what goes there in plain text is read by nobody else. */
const loopbackHosts: readonly string[] = ['localhost', '127.0.0.1', '[::1]'];

/**
 * True for a URL that notices may go to: the text is what will be asked for, and nothing goes over
 * a network in plain text.
 */
function isWebhookUrl(text: string): boolean {
  const url = URL.parse(text);
  if (
    url === null ||
    url.username !== '' ||
    url.password !== '' ||
    (url.href !== text && url.href !== `${text}/`)
  )
    return false;
  return (
    url.protocol === 'https:' || (url.protocol === 'http:' && loopbackHosts.includes(url.hostname))
  );
}

const webhookSecretSchema = z
  .string()
  .regex(/^whsec_[A-Za-z0-9+/]{32,88}={0,2}$/, 'use whsec_ and 24 to 64 random bytes in base64');

const webhookSchema = z.strictObject({
  name: z.string().regex(/^[a-z0-9-]{1,32}$/, 'use 1 to 32 lower-case letters, digits or -'),
  url: z
    .string()
    .max(2048)
    .refine(isWebhookUrl, 'use an https URL as browsers write it, or an http one of this machine'),
  secret: webhookSecretSchema.optional(),
  secret_file: z.string().min(1).max(4096).optional(),
  // While a secret is exchanged, both sign.
  previous_secret: webhookSecretSchema.optional(),
  previous_secret_file: z.string().min(1).max(4096).optional(),
});

/** Seconds, or a duration (ISO 8601), of at most so many days. */
const durationSchema = (days: number) =>
  z
    .union([z.string(), z.number()], { error: 'use seconds or a duration such as P30D' })
    .transform((value, context): Seconds => {
      const read = parseDuration(String(value));
      if (read !== undefined && read <= days * 86_400) return read;
      context.addIssue({
        code: 'custom',
        message: `use seconds or a duration such as P30D, at most P${days}D`,
      });
      return z.NEVER;
    });

const structureSchema = z.strictObject({
  sites: z
    .array(
      z.strictObject({
        id: name,
        name: z.string().min(1).max(128),
        origin: z
          .string()
          .refine(
            (text) => /^https?:/.test(text) && URL.parse(text)?.origin === text,
            'use http or https, host and port alone',
          )
          .nullable()
          .default(null),
      }),
    )
    .max(10_000)
    .default([]),
  clients: z.array(z.unknown()).max(10_000).default([]),
  auto_approve: z
    .array(
      z.strictObject({
        scopes: z.array(z.string()).optional(),
        protocols: z.array(z.string()).optional(),
        risk_at_most: z.number().int().min(0).optional(),
      }),
    )
    .default([]),
  review: z
    .strictObject({
      two_person_risks: z.array(z.string()).default([]),
      own_apps: z.boolean().default(false),
      involvement_window: durationSchema(3650).prefault('P90D'),
      old_secrets_ttl: durationSchema(90).prefault('P7D'),
    })
    .prefault({}),
  notices: z
    .strictObject({
      groups: z.array(z.string()).default([]),
      webhooks: z.array(webhookSchema).max(20).default([]),
    })
    .prefault({}),
  grant_types: z
    .array(z.enum(['authorization_code', 'refresh_token', 'client_credentials']))
    .min(1)
    .optional(),
});

/** The part of the file that is no single value. */
export type StructuredConfig = z.output<typeof structureSchema>;
export const emptyStructure: StructuredConfig = structureSchema.parse({});

export interface FileProblem {
  readonly setting: string;
  readonly remedy: string;
}

/** What to write, from a message of the checker. */
function describeExpected(message: string): string {
  const plain = message.replace(/^use /, '');
  const expected = plain.replace(/^Invalid (?:input|option): expected /, '');
  return expected === plain ? plain : (expected.split(', received ', 1)[0] ?? '');
}

/** What to write in place of a key that there is not. */
function unknownKeyRemedy(key: string): string {
  const now = renamedKey(key);
  return now === undefined
    ? 'another name: there is no such setting'
    : `${now}, its name now: what it takes has not changed`;
}

/** What a file says, as far as it can be read, and what is wrong with the rest. */
export interface ConfigFile {
  readonly settings: Readonly<Record<string, string>>;
  readonly structure: StructuredConfig;
  readonly problems: readonly FileProblem[];
}

const tooDeepProblem: FileProblem = {
  setting: 'YAML',
  remedy: 'readable YAML: not so deep, and at most 100 aliases, each of an anchor before it',
};

/** A name that stands twice in one map; undefined: there is none. */
function findRepeatedName(document: Document): string | undefined {
  let repeated: string | undefined;
  visit(document, {
    Map(_key, map) {
      const names = new Set<unknown>();
      for (const { key } of map.items) {
        const name = isScalar(key) ? key.value : key;
        if (names.has(name)) repeated = JSON.stringify(String(name).slice(0, 64));
        names.add(name);
      }
      return repeated === undefined ? undefined : visit.BREAK;
    },
  });
  return repeated;
}

function parseYaml(text: string): Result<unknown, readonly FileProblem[]> {
  try {
    // The reader's own search for a name that comes twice compares each with every other: it is
    // made here, in one pass.
    const document = parseDocument(text, { uniqueKeys: false });
    const repeated = document.errors.length === 0 ? findRepeatedName(document) : undefined;
    if (repeated !== undefined)
      return refuse([
        { setting: 'YAML', remedy: `${repeated} once: it is there twice in one map` },
      ]);
    if (document.errors.length === 0) return accept(document.toJS({ maxAliasCount: 100 }));
    // The reader follows each level with a call of its own, and ends where no further one fits.
    if (document.errors.some(({ message }) => /call stack/i.test(message)))
      return refuse([tooDeepProblem]);
    return refuse(
      document.errors.map(({ message }) => ({
        setting: 'YAML',
        remedy: message.split('\n')[0] ?? 'readable YAML',
      })),
    );
  } catch {
    return refuse([tooDeepProblem]);
  }
}

/**
 * Reads the file's text: single settings by name, and the structured rest. Every problem is
 * reported together.
 */
export function parseConfigFile(text: string, settingNames: readonly string[]): ConfigFile {
  const onlyProblems = (problems: readonly FileProblem[]): ConfigFile => ({
    settings: {},
    structure: emptyStructure,
    problems,
  });
  const yaml = parseYaml(text);
  if (!yaml.ok) return onlyProblems(yaml.refusal);
  const json = yaml.value ?? {};
  if (typeof json !== 'object' || Array.isArray(json))
    return onlyProblems([{ setting: 'YAML', remedy: 'a map of settings' }]);
  const isSetting = ([key]: readonly [string, unknown]) => settingNames.includes(key);
  const problems: FileProblem[] = [];
  const settings: Record<string, string> = {};
  for (const [key, value] of Object.entries(json).filter(isSetting)) {
    if (['string', 'number', 'boolean'].includes(typeof value)) settings[key] = String(value);
    else problems.push({ setting: key, remedy: 'one value' });
  }
  const rest = Object.entries(json).filter((entry) => !isSetting(entry));
  const read = structureSchema.safeParse(Object.fromEntries(rest));
  if (read.success) return { settings, structure: read.data, problems };
  const invalidSections = new Set<PropertyKey>();
  for (const { path, message, code, ...issue } of read.error.issues) {
    const keys =
      code === 'unrecognized_keys' ? (issue as { keys?: readonly string[] }).keys : undefined;
    for (const key of keys ?? ['']) {
      invalidSections.add(path[0] ?? key);
      const setting = [...path, ...(key ? [key] : [])].join('.') || 'YAML';
      problems.push({
        setting,
        remedy: key ? unknownKeyRemedy(setting) : describeExpected(message),
      });
    }
  }
  // The sections that are sound are looked into all the same.
  return {
    settings,
    structure: structureSchema.parse(
      Object.fromEntries(rest.filter(([key]) => !invalidSections.has(key))),
    ),
    problems,
  };
}
