import { fileSettingName } from './setting-names.ts';

// Settings that had other names before the first release. They are refused, with the new name, and
// not read: a server must not run with a default in place of what somebody wrote down.

/** New flags by the old ones; variables and keys of the file follow them. */
const renamedFlags: Readonly<Record<string, string>> = {
  'database-memory': 'database-cache',
  'session-idle-for': 'session-idle-timeout',
  'access-token-for': 'access-token-ttl',
  'refresh-token-for': 'refresh-token-ttl',
  'refresh-grace-for': 'refresh-grace',
  'idle-proposals-for': 'idle-proposal-ttl',
  'signing-key-for': 'signing-key-rotation',
};

const variableOf = (flag: string): string => `GATEHOUSE_${flag.toUpperCase().replaceAll('-', '_')}`;

/** The new name of a flag, without dashes in front; undefined: it was not renamed. */
export const renamedFlag = (flag: string): string | undefined =>
  Object.hasOwn(renamedFlags, flag) ? renamedFlags[flag] : undefined;

/** New variables by the old ones, with those that name a file. */
export const renamedVariables: ReadonlyMap<string, string> = new Map(
  Object.entries(renamedFlags).flatMap(([before, now]) =>
    ['', '_FILE'].map((end) => [`${variableOf(before)}${end}`, `${variableOf(now)}${end}`]),
  ),
);

/** New keys of the configuration file by the old ones, with dots between levels. */
const renamedKeys: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    Object.entries(renamedFlags).map(([before, now]) => [
      fileSettingName(before),
      fileSettingName(now),
    ]),
  ),
  'review.involved_for': 'review.involvement_window',
  'review.old_secrets_for': 'review.old_secrets_ttl',
};

/** The new name of a key of the configuration file; undefined: it was not renamed. */
export const renamedKey = (key: string): string | undefined =>
  Object.hasOwn(renamedKeys, key) ? renamedKeys[key] : undefined;
