import * as z from 'zod';
import { parseEmail } from '#encoding/email.ts';
import { parseDuration } from '#kernel/time.ts';
import { issuerUrlSchema, trustedProxiesSchema } from './network.ts';
import type { SettingName } from './setting-names.ts';

const integerBetween = (least: number, most: number) =>
  z
    .string()
    .regex(/^\d{1,12}$/)
    .transform(Number)
    .refine((value) => value >= least && value <= most);

/** Whole seconds, or an ISO 8601 duration such as PT1H. */
const durationBetween = (least: number, most: number) =>
  z
    .string()
    .transform((text) => parseDuration(text) ?? Number.NaN)
    .refine((value) => value >= least && value <= most);

const booleanSetting = z
  .enum(['on', 'off', 'true', 'false', '1', '0'])
  .transform((value) => value === 'on' || value === 'true' || value === '1');

/**
 * Null for `database`; otherwise the URLs, which for a Cluster share scheme and credentials and
 * name no database.
 */
function parseRedisServers(text: string, context: z.RefinementCtx): readonly string[] | null {
  if (text === 'database') return null;
  const urls = text.split(',').map((part) => URL.parse(part.trim()));
  const fine = urls.every(
    (url) =>
      url !== null &&
      /^rediss?:$/.test(url.protocol) &&
      url.hostname !== '' &&
      (urls.length === 1 ? /^(?:\/\d{0,4})?$/ : /^\/?$/).test(url.pathname) &&
      !url.search &&
      !url.hash &&
      url.protocol === urls[0]?.protocol &&
      url.username === urls[0].username &&
      url.password === urls[0].password,
  );
  if (fine) return urls.map((url) => url?.href ?? '');
  context.addIssue({ code: 'custom' });
  return z.NEVER;
}

/** Null for an empty text; otherwise ids and keys, in the order given. */
function parseMasterKeys(
  text: string,
  context: z.RefinementCtx,
): readonly { readonly id: string; readonly key: string }[] | null {
  const lines = text.split(/[\s,]+/).filter((line) => line !== '');
  if (lines.length === 0) return null;
  const keys = lines.flatMap((line) => {
    const [, id, key] = /^([A-Za-z0-9_-]{1,32}):([A-Za-z0-9+/]{43}=)$/.exec(line) ?? [];
    return id === undefined || key === undefined ? [] : [{ id, key }];
  });
  if (keys.length === lines.length && new Set(keys.map(({ id }) => id)).size === keys.length)
    return keys;
  context.addIssue({ code: 'custom' });
  return z.NEVER;
}

/** What the text of each setting has to be, and what it becomes. */
export const settingRules = {
  port: integerBetween(0, 65535),
  host: z.string().min(1).max(255),
  workers: integerBetween(1, 64),
  data: z.string().min(1).max(4096),
  database: z.string().regex(/^(?:sqlite:.{1,4096}|postgres(?:ql)?:\/\/[^\s#]{1,4096})?$/),
  databaseReplica: z.string().regex(/^(?:postgres(?:ql)?:\/\/[^\s#]{1,4096})?$/),
  databaseCache: booleanSetting,
  databaseConnections: integerBetween(1, 1000),
  ephemeral: z.string().max(4096).transform(parseRedisServers),
  migrate: booleanSetting,
  issuer: z.union([z.literal(''), issuerUrlSchema]),
  site: z.string().regex(/^[A-Za-z0-9_-]{1,32}$/),
  siteName: z.string().min(1).max(128),
  mediawiki: booleanSetting,
  oauth1Plaintext: booleanSetting,
  trustProxy: trustedProxiesSchema,
  maxConnections: integerBetween(1, 1_000_000),
  headersTimeout: durationBetween(1, 300),
  requestTimeout: durationBetween(1, 3600),
  keepAliveTimeout: durationBetween(1, 3600),
  sessionIdle: z
    .string()
    .transform((text) => parseDuration(text) ?? Number.NaN)
    .refine((value) => value === 0 || (value >= 900 && value <= 1_209_600)),
  scopesFile: z.string().max(4096),
  groupsFile: z.string().max(4096),
  accessTokenTtl: durationBetween(30, 2_592_000),
  refreshTokenTtl: durationBetween(60, 63_072_000),
  refreshGrace: durationBetween(0, 3600),
  logLevel: z.enum(['info', 'warn', 'error', 'silent']),
  readOnly: z
    .string()
    .max(255)
    .transform((text) => (/^(?:off|no|false|0)$/i.test(text.trim()) ? '' : text.trim())),
  idleProposalTtl: durationBetween(0, 315_360_000),
  mailFrom: z.string().refine((text) => text === '' || parseEmail(text) !== undefined),
  smtpUrl: z.string().regex(/^(?:smtps?:\/\/[^\s/?#]+(?:[/?][^\s#]*)?)?$/),
  registration: z.enum(['open', 'closed']),
  sharedAddresses: booleanSetting,
  signingKeyRotation: z
    .string()
    .transform((text) => parseDuration(text) ?? Number.NaN)
    .refine((value) => value === 0 || (value >= 604_800 && value <= 315_360_000)),
  masterKeys: z.string().max(65_536).transform(parseMasterKeys),
  masterKey: z.union([z.literal(''), z.string().regex(/^[A-Za-z0-9+/]{43}=$/)]),
} as const satisfies Record<SettingName, z.ZodType>;
