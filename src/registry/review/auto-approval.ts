import type { Client } from '../model/client.ts';

/**
 * A condition under which an app needs no reviewer. Every rule in it must hold; one of an unknown
 * name never does.
 */
export type AutoApprovalCondition = Readonly<Record<string, unknown>>;

/** What is looked at. */
export interface AutoApprovalCandidate
  extends Pick<Client, 'redirectUri' | 'redirectIsPrefix' | 'scopes'> {
  /** Sum of the risk rules (risk.ts). */
  readonly risk: number;
}

const stringsOf = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];

const rules: Readonly<
  Record<string, (value: unknown, candidate: AutoApprovalCandidate) => boolean>
> = {
  /** Every scope is in the list, the hidden ones too. */
  scopes: (value, { scopes }) => scopes.every((scope) => stringsOf(value).includes(scope)),
  /** The redirect URI has one of the schemes. */
  protocols: (value, { redirectUri }) =>
    stringsOf(value).includes(/^([a-z][a-z0-9+.-]*):/i.exec(redirectUri)?.[1]?.toLowerCase() ?? ''),
  /** The sum of the risk rules is at most this. */
  riskAtMost: (value, { risk }) => typeof value === 'number' && risk <= value,
};

/** Names of the rules a condition may have. */
export const conditionRules: readonly string[] = Object.keys(rules);

/**
 * True for a prefix callback on port 1, which stands for any port: anybody on the machine could
 * receive the answer.
 */
export const isAnyPortRedirect = ({
  redirectUri,
  redirectIsPrefix,
}: Pick<Client, 'redirectUri' | 'redirectIsPrefix'>): boolean =>
  redirectIsPrefix && URL.parse(redirectUri)?.port === '1';

/** True when a condition is met (registry 5). No conditions: nothing is approved by itself. */
export function autoApproves(
  conditions: readonly AutoApprovalCondition[],
  candidate: AutoApprovalCandidate,
): boolean {
  if (isAnyPortRedirect(candidate)) return false;
  return conditions.some((condition) =>
    Object.entries(condition).every(
      ([name, value]) => Object.hasOwn(rules, name) && rules[name]?.(value, candidate),
    ),
  );
}
