import type { Account } from '#accounts/account.ts';
import { confusableSkeleton } from '#encoding/confusables.ts';
import { toNormalForm } from '#kernel/normal-form.ts';
import type { Instant } from '#kernel/time.ts';
import type { Client, GrantType } from '../model/client.ts';
import { isLocalHost, isReadableOnTheWay } from '../model/redirect-rules.ts';
import type { ScopeCatalogue } from '../model/scopes.ts';
import { isAnyPortRedirect } from './auto-approval.ts';

/** What is judged: the description as it would be, beside the one that is live. */
export interface RiskSubject {
  readonly next: Pick<
    Client,
    | 'name'
    | 'redirectUri'
    | 'redirectIsPrefix'
    | 'scopes'
    | 'ownerOnly'
    | 'confidential'
    | 'protocol'
  > & {
    readonly grantTypes: readonly GrantType[];
    readonly pkceOptional: boolean;
  };
  /** Null: a new app. */
  readonly live: Pick<Client, 'name' | 'redirectUri' | 'scopes'> | null;
  readonly owner: Account | null;
  /** The owner has another app that was approved. */
  readonly trusted: boolean;
  /** Names of other people's approved apps. */
  readonly otherNames: readonly string[];
  /** Names of this server and its sites. */
  readonly siteNames?: readonly string[];
  readonly catalogue: ScopeCatalogue;
  readonly localSuffixes: readonly string[];
  readonly now: Instant;
}

/** One rule that holds, what it weighs, and on what evidence. */
export interface Finding {
  readonly rule: RiskRule;
  readonly weight: number;
  readonly evidence: string;
}

/** The sum, and every summand: no score that nobody can explain. */
export interface Risk {
  readonly total: number;
  readonly findings: readonly Finding[];
}

/**
 * What a scope of each risk weighs when the app did not have one of that risk before. A risk the
 * operator invented weighs like an unknown one.
 */
const scopeWeights: Readonly<Record<string, number>> = {
  low: 0,
  internal: 3,
  vandalism: 3,
  security: 6,
};
const UNKNOWN_WEIGHT = 2;
const YOUNG_DAYS = 30;
const DAY = 86_400;

/**
 * Scripts people write one name in: Japanese, Korean and Chinese mix theirs, and all take Latin.
 */
const commonScriptMixes: readonly RegExp[] = [
  /^[\p{Script=Latin}]*$/u,
  /^[\p{Script=Latin}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]*$/u,
  /^[\p{Script=Latin}\p{Script=Han}\p{Script=Hangul}]*$/u,
  /^[\p{Script=Latin}\p{Script=Han}\p{Script=Bopomofo}]*$/u,
];
const scripts = [
  'Latin',
  'Cyrillic',
  'Greek',
  'Armenian',
  'Hebrew',
  'Arabic',
  'Han',
  'Hiragana',
  'Katakana',
  'Hangul',
  'Georgian',
].map((name) => [name, new RegExp(`\\p{Script=${name}}`, 'u')] as const);

const hostOf = (uri: string): string => URL.parse(uri)?.host ?? '';
const schemeOf = (uri: string): string =>
  /^([a-z][a-z0-9+.-]*):/i.exec(uri)?.[1]?.toLowerCase() ?? '';

type Rule = (
  subject: RiskSubject,
) => readonly { readonly weight: number; readonly evidence: string }[];
const findingIf = (holds: boolean, weight: number, evidence: string) =>
  holds ? [{ weight, evidence }] : [];
const callbackRule =
  (judge: (next: RiskSubject['next'], subject: RiskSubject) => ReturnType<Rule>): Rule =>
  (subject) =>
    subject.next.ownerOnly ||
    subject.next.redirectUri === '' ||
    subject.live?.redirectUri === subject.next.redirectUri
      ? []
      : judge(subject.next, subject);

const rules = {
  'risky-scopes': ({ next, live, catalogue }) => {
    const riskOf = (scope: string) => catalogue.get(scope)?.risk ?? 'unknown';
    const knownRisks = new Set((live?.scopes ?? []).map(riskOf));
    const newScopes = next.scopes.filter(
      (scope) => !knownRisks.has(riskOf(scope)) && !catalogue.irrevocable.includes(scope),
    );
    return [...new Set(newScopes.map(riskOf))].flatMap((risk) => {
      const evidence = `${risk}: ${newScopes.filter((scope) => riskOf(scope) === risk).join(', ')}`;
      const weight = scopeWeights[risk] ?? UNKNOWN_WEIGHT;
      return findingIf(weight > 0, weight, evidence);
    });
  },
  'any-port-callback': callbackRule((next) =>
    findingIf(isAnyPortRedirect(next), 6, next.redirectUri),
  ),
  'prefix-callback': callbackRule((next) =>
    findingIf(next.redirectIsPrefix && !isAnyPortRedirect(next), 1, next.redirectUri),
  ),
  'loopback-callback': callbackRule((next, { localSuffixes }) =>
    findingIf(
      isLocalHost(URL.parse(next.redirectUri)?.hostname ?? '', localSuffixes),
      1,
      next.redirectUri,
    ),
  ),
  'custom-scheme': callbackRule((next) =>
    findingIf(
      !['http', 'https'].includes(schemeOf(next.redirectUri)),
      2,
      schemeOf(next.redirectUri),
    ),
  ),
  'plain-http-callback': callbackRule((next, { localSuffixes }) =>
    findingIf(isReadableOnTheWay(next.redirectUri, localSuffixes), 2, next.redirectUri),
  ),
  'redirect-host-changed': ({ next, live }) =>
    findingIf(
      live !== null &&
        (hostOf(live.redirectUri) !== hostOf(next.redirectUri) ||
          schemeOf(live.redirectUri) !== schemeOf(next.redirectUri)),
      4,
      `${live?.redirectUri} → ${next.redirectUri}`,
    ),
  'name-changed': ({ next, live }) =>
    findingIf(live !== null && live.name !== next.name, 1, `${live?.name} → ${next.name}`),
  'invisible-characters': ({ next }) => {
    const found = [...next.name].filter((letter) =>
      /\p{Cf}|\p{Co}|\p{Cn}|\u034f|\u115f|\u1160|\u3164|\uffa0/u.test(letter),
    );
    return findingIf(
      found.length > 0,
      5,
      found.map((letter) => `U+${letter.codePointAt(0)?.toString(16).toUpperCase()}`).join(' '),
    );
  },
  'mixed-scripts': ({ next }) => {
    // Letters of all scripts, such as the long-vowel mark of Japanese, mix with each.
    const letters = [...toNormalForm(next.name, 'NFC')]
      .filter((letter) => /(?!\p{Script=Common})\p{L}/u.test(letter))
      .join('');
    const found = scripts.filter(([, pattern]) => pattern.test(letters)).map(([name]) => name);
    return findingIf(
      found.length > 1 && !commonScriptMixes.some((pattern) => pattern.test(letters)),
      4,
      found.join(' and '),
    );
  },
  'look-alike-name': ({ next, otherNames }) => {
    const other = otherNames.find(
      (name) =>
        confusableSkeleton(name) === confusableSkeleton(next.name) &&
        confusableSkeleton(name) !== '',
    );
    return findingIf(other !== undefined, 5, other ?? '');
  },
  'claims-trust': ({ next, live, siteNames = [] }) => {
    if (live?.name === next.name) return [];
    const looks = confusableSkeleton(next.name);
    const site = siteNames.find(
      (name) =>
        [...confusableSkeleton(name)].length >= 4 && looks.includes(confusableSkeleton(name)),
    );
    const sign = /[\u2611\u2705\u2713\u2714\u{1f5f8}\u{1f6e1}\u{1f512}\u{1f510}\u2122\u00ae]/u.exec(
      next.name,
    )?.[0];
    return [
      ...findingIf(site !== undefined, 3, site ?? ''),
      ...findingIf(sign !== undefined, 3, sign ?? ''),
    ];
  },
  'public-client': ({ next, live }) =>
    findingIf(
      live === null && !next.confidential && next.protocol === 'oauth2',
      1,
      'it cannot keep a secret',
    ),
  'pkce-optional': ({ next, live }) =>
    findingIf(live === null && next.pkceOptional, 1, 'codes may be used without PKCE'),
  'acts-for-itself': ({ next, live }) =>
    findingIf(
      live === null && !next.ownerOnly && next.grantTypes.includes('client_credentials'),
      1,
      'client_credentials',
    ),
  'young-owner': ({ owner, now }) => {
    const days = owner === null ? 0 : Math.floor((now - owner.createdAt) / DAY);
    return findingIf(owner !== null && days < YOUNG_DAYS, 2, `account of ${days} days`);
  },
  'first-app': ({ trusted, live }) =>
    findingIf(live === null && !trusted, 1, 'no app of this owner was approved before'),
} as const satisfies Readonly<Record<string, Rule>>;

export type RiskRule = keyof typeof rules;
/** Every rule, for the documentation and its test. */
export const riskRules: readonly RiskRule[] = Object.keys(rules) as RiskRule[];

/** Adds up the rules that hold. */
export function assessRisk(subject: RiskSubject): Risk {
  const findings = riskRules.flatMap((rule) =>
    rules[rule](subject).map((finding) => ({ rule, ...finding })),
  );
  return { total: findings.reduce((sum, { weight }) => sum + weight, 0), findings };
}
