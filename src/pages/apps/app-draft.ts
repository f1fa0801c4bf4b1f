import type { FormParameters } from '#encoding/form.ts';
import type { Client, GrantType } from '#registry/model/client.ts';
import type { RevisedFields } from '#registry/model/revision.ts';
import type { ScopeCatalogue } from '#registry/model/scopes.ts';
import type { Sites } from '#registry/model/sites.ts';
import { scopeWords } from '../scopes.ts';
import type { Words } from '../words.ts';
import { type AppKind, appKinds, isOwnerOnly, isService, kindOf } from './app.template.ts';
import { permissionGroups } from './app.view.ts';
import type { AppChoices, AppDraft } from './app-fields.template.ts';
import { formatAddresses, parseAddresses } from './own-app.ts';

// What a person typed about an app, and what the registry makes of it.

/** What can be asked for, and where. */
export interface DraftDependencies {
  readonly scopes: ScopeCatalogue;
  readonly sites: Pick<Sites, 'all'>;
}

export const isAppKind = (text: string | undefined): text is AppKind =>
  appKinds.some((kind) => kind === text);

/** An empty form for an app of a kind. */
export const emptyDraft = (kind: AppKind): AppDraft => ({
  kind,
  name: '',
  version: '1.0',
  description: '',
  redirectUri: '',
  redirectIsPrefix: false,
  site: '*',
  access: 'scopes',
  scopes: new Set(),
  optional: new Set(),
  addresses: '',
  rsaPublicKey: '',
  pkceOptional: false,
  actsForItself: false,
  tokenAlgorithm: 'ES256',
  terms: false,
  reason: '',
});

/** Everything that was typed. */
export function parseAppDraft(
  dependencies: Pick<DraftDependencies, 'scopes'>,
  kind: AppKind,
  form: FormParameters,
): AppDraft {
  const text = (name: string) => (form.get(name) ?? '').replaceAll('\r\n', '\n');
  const isChecked = (name: string) => form.get(name) !== undefined;
  const checkedScopes = (prefix: string) =>
    new Set(
      dependencies.scopes
        .allScopes()
        .map(({ name }) => name)
        .filter((name) => isChecked(`${prefix}.${name}`)),
    );
  return {
    kind,
    name: text('name'),
    version: text('version'),
    description: text('description'),
    // Blanks that come along when an address is copied are not part of it.
    redirectUri: text('redirectUri').trim(),
    redirectIsPrefix: isChecked('redirectIsPrefix'),
    site: text('site'),
    access: text('access') || 'scopes',
    scopes: checkedScopes('scope'),
    optional: checkedScopes('optional'),
    addresses: text('addresses'),
    rsaPublicKey: text('rsaPublicKey'),
    pkceOptional: isChecked('pkceOptional'),
    actsForItself: isChecked('actsForItself'),
    tokenAlgorithm: text('tokenAlgorithm') || 'ES256',
    terms: isChecked('terms'),
    reason: text('reason'),
  };
}

/** The form as an app would have filled it in, or a change of it. */
export function draftFromClient(
  dependencies: Pick<DraftDependencies, 'scopes'>,
  client: Client,
  fields: RevisedFields = client,
): AppDraft {
  const identity = fields.scopes.find((scope) => dependencies.scopes.identityOnly.includes(scope));
  return {
    ...emptyDraft(kindOf(client)),
    name: fields.name,
    version: client.version,
    description: fields.description,
    redirectUri: fields.redirectUri,
    redirectIsPrefix: fields.redirectIsPrefix,
    site: fields.site,
    access: identity ?? 'scopes',
    scopes: new Set(fields.scopes),
    optional: new Set(fields.optionalScopes),
    addresses: formatAddresses(client),
    rsaPublicKey: client.rsaPublicKey ?? '',
    pkceOptional: client.pkceOptional,
    actsForItself: client.grantTypes.includes('client_credentials'),
    tokenAlgorithm: client.tokenAlgorithm,
  };
}

/** The scopes of a draft: what was ticked, or the one that only tells who somebody is. */
function scopesOf({ access, scopes, optional, kind }: AppDraft) {
  if (access !== 'scopes') return { scopes: [access], optionalScopes: [] };
  return {
    scopes: [...scopes],
    optionalScopes:
      isOwnerOnly(kind) || isService(kind)
        ? []
        : [...optional].filter((scope) => scopes.has(scope)),
  };
}

function grantTypesOf({ kind, actsForItself }: AppDraft): readonly GrantType[] {
  if (kind === 'own' || isService(kind)) return ['client_credentials'];
  return [
    'authorization_code',
    'refresh_token',
    ...(kind === 'server' && actsForItself ? (['client_credentials'] as const) : []),
  ];
}

/** What is changed by a revision. */
export const revisionValues = (
  draft: AppDraft,
  ignoreWarnings: boolean,
): Readonly<Record<string, unknown>> => ({
  name: draft.name,
  description: draft.description,
  site: draft.site,
  ...(isOwnerOnly(draft.kind) || isService(draft.kind) ? {} : { redirectUri: draft.redirectUri }),
  ...(draft.kind === 'oauth1' ? { redirectIsPrefix: draft.redirectIsPrefix } : {}),
  ...scopesOf(draft),
  ...(ignoreWarnings ? { ignoreWarnings: true } : {}),
});

/** What a proposal says. */
export const proposalValues = (
  draft: AppDraft,
  email: string,
  ignoreWarnings: boolean,
): Readonly<Record<string, unknown>> => {
  const { kind } = draft;
  const oauth1 = kind === 'oauth1' || kind === 'own-oauth1';
  return {
    ...revisionValues(draft, ignoreWarnings),
    version: draft.version,
    redirectUri: isOwnerOnly(kind) || isService(kind) ? '' : draft.redirectUri,
    email,
    protocol: oauth1 ? 'oauth1' : 'oauth2',
    ownerOnly: isOwnerOnly(kind),
    confidential: kind !== 'device',
    grantTypes: oauth1 ? [] : grantTypesOf(draft),
    pkceOptional: kind === 'server' && draft.pkceOptional,
    tokenAlgorithm: draft.tokenAlgorithm,
    rsaPublicKey: oauth1 ? draft.rsaPublicKey.trim() || null : null,
    restrictions: { addresses: parseAddresses(draft.addresses), pages: [] },
    termsAccepted: draft.terms,
  };
};

/** What a form of this server offers. */
export const formChoices = (dependencies: DraftDependencies, words: Words): AppChoices => ({
  groups: permissionGroups(dependencies.scopes, words, ({ identityOnly }) => !identityOnly, []),
  identityScopes: dependencies.scopes.identityOnly.map(
    (name) => [name, scopeWords(words, dependencies.scopes).description(name)] as const,
  ),
  sites: dependencies.sites.all.map(({ id, name }) => [id, name] as const),
  impliedScopes: dependencies.scopes.hidden.map((name) =>
    scopeWords(words, dependencies.scopes).description(name),
  ),
});
