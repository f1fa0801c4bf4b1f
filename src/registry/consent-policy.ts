import type { Account } from '#accounts/account.ts';
import { EVERY_SITE, type SiteId } from '#kernel/ids.ts';
import { type ClientAccessDenial, clientAccessDenial } from './access.ts';
import type { Client } from './model/client.ts';
import type { Consent } from './model/consent.ts';
import type { ScopeCatalogue } from './model/scopes.ts';
import type { RegistryRecords } from './records.ts';

/**
 * What a person accepts when they accept `requested`: hidden and identity scopes first, then the
 * rest, within what the client may ask for.
 */
export function acceptedScopes(
  requested: readonly string[],
  client: Pick<Client, 'scopes'>,
  catalogue: ScopeCatalogue,
): readonly string[] {
  const allowedScopes = new Set(client.scopes);
  return [...new Set([...catalogue.irrevocable, ...requested])].filter((scope) =>
    allowedScopes.has(scope),
  );
}

/** True when every scope only says who somebody is. */
export const isIdentityOnly = (scopes: readonly string[], catalogue: ScopeCatalogue): boolean =>
  scopes.length > 0 && scopes.every((scope) => catalogue.identityOnly.includes(scope));

/**
 * The consent in force: for the client's own site (the current one if it has none), else for every
 * site (registry 7.2).
 */
export async function currentConsent(
  records: Pick<RegistryRecords, 'findConsent'>,
  client: Client,
  user: Account,
  site: SiteId,
): Promise<Consent | undefined> {
  const first = client.site === EVERY_SITE ? site : client.site;
  return (
    (await records.findConsent(user.id, client.id, first)) ??
    records.findConsent(user.id, client.id, EVERY_SITE)
  );
}

/** What decides whether a person is asked. */
export interface ConsentNeedContext {
  readonly records: Pick<RegistryRecords, 'findConsent'>;
  readonly catalogue: ScopeCatalogue;
  readonly client: Client;
  readonly user: Account;
}

/** What an app asks a person for. */
export interface ConsentRequest {
  readonly scopes: readonly string[];
  /** The site the person is on. */
  readonly site: SiteId;
  /** Where the answer of an OAuth 2 request goes; null: it is an OAuth 1 request. */
  readonly redirectUri: string | null;
  /** False: a returning person is asked again. */
  readonly canSkipConsent?: boolean;
}

/** Whether a person is asked. */
export type ConsentNeed =
  | { readonly kind: 'ask' }
  /** They allowed it before. */
  | { readonly kind: 'standing'; readonly consent: Consent }
  /** They need not be asked, and the consent to these scopes is yet to be stored. */
  | { readonly kind: 'implied'; readonly scopes: readonly string[] };

const isHttps = (uri: string): boolean => /^https:/i.test(uri);

/**
 * True for a first-party app of the configuration, which is sent back over https (registry 7.6).
 */
export const isFirstParty = (client: Client): boolean =>
  client.managed &&
  client.skipConsent &&
  client.protocol === 'oauth2' &&
  isHttps(client.redirectUri);

const covers = (consent: Consent, client: Client, scopes: readonly string[]): boolean =>
  consent.site === client.site && scopes.every((scope) => consent.scopes.includes(scope));

/**
 * Who need not be asked (registry 7.6): a person of a first-party app, which gets all its scopes;
 * and a returning person of an app that only learns who they are, was allowed just that before, and
 * can keep a secret, so that nobody else can ask in its name.
 */
export async function consentNeed(
  { records, catalogue, client, user }: ConsentNeedContext,
  { scopes, site, redirectUri, canSkipConsent = true }: ConsentRequest,
): Promise<ConsentNeed> {
  if (redirectUri !== null && isFirstParty(client) && isHttps(redirectUri)) {
    const consent = await currentConsent(records, client, user, site);
    return consent !== undefined && covers(consent, client, client.scopes)
      ? { kind: 'standing', consent }
      : { kind: 'implied', scopes: client.scopes };
  }
  const onlyIdentifies =
    isIdentityOnly(client.scopes, catalogue) && isIdentityOnly(scopes, catalogue);
  if (!canSkipConsent || !client.confidential || !onlyIdentifies) return { kind: 'ask' };
  const consent = await currentConsent(records, client, user, site);
  return consent !== undefined && covers(consent, client, scopes)
    ? { kind: 'standing', consent }
    : { kind: 'ask' };
}

/**
 * Why a person is not asked for a consent to these scopes; undefined: nothing stands in the way. An
 * app that takes no new consents still serves those who accepted all it asks for.
 */
export function consentDenial(
  client: Client,
  user: Account,
  {
    requested,
    accepted,
  }: { readonly requested: readonly string[]; readonly accepted: readonly string[] },
): ClientAccessDenial | undefined {
  const denial = clientAccessDenial(client, user, { newConsent: true });
  const takesNoNewConsents =
    denial?.kind === 'client-suspended' && denial.suspension === 'new-consents';
  const isAccepted = requested.every((scope) => accepted.includes(scope));
  return takesNoNewConsents && isAccepted ? undefined : denial;
}
