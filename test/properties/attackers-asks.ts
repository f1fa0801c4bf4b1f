import { personActor } from '#harness/consents.ts';
import type { Client } from '#registry/model/client.ts';
import type { Acting } from './attackers-oracle.ts';
import type { Kept, Picture } from './attackers-picture.ts';
import { type AttackWorld, type Name, names } from './attackers-world.ts';

// What a request of the play carries, for every route that takes something.

/** A choice of the play; what it means depends on what is there when its turn comes. */
export interface Step {
  readonly kind:
    | 'api'
    | 'other'
    | 'code'
    | 'refresh'
    | 'machine'
    | 'introspect'
    | 'revoke'
    | 'handshake'
    | 'operator';
  readonly nth: number;
  readonly who: Name;
  /** Whether it is what is due for the app, rather than the `nth` of all. */
  readonly due: boolean;
  /**
   * Somebody who may do it, rather than `who`, through an app that was lent it: what can seldom be
   * done is done.
   */
  readonly apt: boolean;
  /** `held`: with any credential that was handed out before; `app`: signed by the app alone. */
  readonly way: 'fresh' | 'stale' | 'token' | 'signature' | 'held' | 'app' | 'nothing';
  readonly lent: number;
  readonly app: number;
  readonly person: number;
  readonly variant: number;
  readonly asked: readonly string[];
}

export type Values = Readonly<Record<string, unknown>>;
export type Form = Readonly<Record<string, string>>;
export type Ids = Readonly<Record<string, string | number>>;

/** The decision that is due. */
function dueOf({ stage, suspension, suppressed }: Client): string {
  if (stage === 'disabled') return suppressed ? 'show' : 'reenable';
  if (stage !== 'approved') return 'approve';
  return suspension === 'none' ? 'suspend-all' : 'suspend-none';
}

/**
 * What can only be done now, by its name in the API: otherwise histories would seldom come so far.
 */
export function dueRoute({ variant, nth }: Step, { client, team, revision }: Kept): string {
  if (client.stage === 'proposed' || client.stage === 'rejected')
    return variant % 7 ? 'approveClient' : 'rejectClient';
  if (client.stage === 'disabled') return 'reenableClient';
  if (team.offer !== null && variant % 2) return variant % 5 ? 'acceptOffer' : 'declineOffer';
  if (revision !== null && variant % 3) return variant % 7 ? 'approveRevision' : 'rejectRevision';
  if (client.suspension !== 'none' && variant % 5) return 'haltClient';
  if (team.maintainers.some(({ acceptedAt }) => acceptedAt === null) && variant % 2) return 'join';
  const usual = [
    'resetSecret',
    'revise',
    'offerClient',
    'resetSecret',
    'addSecret',
    'updateClient',
    'inviteMaintainer',
    'haltClient',
    'removeMaintainer',
  ];
  return usual[nth % usual.length] ?? '';
}

/** The page on which that is done. */
const pages: Readonly<Record<string, string>> = {
  acceptOffer: '/my/apps/:id/accept-offer',
  declineOffer: '/my/apps/:id/decline-offer',
  join: '/my/apps/:id/join',
  revise: '/my/apps/:id/revise',
  offerClient: '/my/apps/:id/offer',
  resetSecret: '/w/rest.php/oauth2/client/:key/reset_secret',
  addSecret: '/my/apps/:id/add-secret',
  updateClient: '/my/apps/:id/reset',
  inviteMaintainer: '/my/apps/:id/invite',
  removeMaintainer: '/my/apps/:id/leave',
};
export function duePage(step: Step, kept: Kept): string {
  return `POST ${pages[dueRoute(step, kept)] ?? '/review/:id'}`;
}

const personOf = (world: AttackWorld, { person }: Step) =>
  world.people[names[person % names.length] as Name];

/** The numbers of an address. */
export function idsOf(world: AttackWorld, before: Picture, step: Step, app: string): Ids {
  const kept = before.apps.get(app);
  const consents = [...before.consents.values()];
  return {
    ...{
      client_id: app,
      secret_id: kept?.client.secrets[0]?.id ?? 1,
      revision_id: kept?.revision?.id ?? 1,
    },
    ...{
      user_id: personOf(world, step).id,
      consent_id: consents[step.variant % Math.max(1, consents.length)]?.id ?? 1,
    },
  };
}

/** The body of a request to the JSON API. */
export function bodyOf(world: AttackWorld, id: string, step: Step, app: string): Values {
  const user = personOf(world, step).name;
  const { variant, asked } = step;
  const odd = variant % 2 === 1;
  const bodies: Readonly<Record<string, () => Values>> = {
    proposeClient: () => ({
      ...{
        name: world.fresh('app'),
        description: '',
        protocol: variant % 3 ? 'oauth2' : 'oauth1',
        owner_only: odd,
      },
      ...{ redirect_uri: odd ? '' : 'https://app.example/cb', scopes: asked, terms_accepted: true },
      ...(variant % 4 === 2 && variant % 3
        ? { grant_types: ['authorization_code', 'client_credentials'] }
        : {}),
    }),
    updateClient: () => ({ restrictions: world.addresses(app) }),
    addSecret: () => ({ label: world.label(app) }),
    revise: () =>
      variant % 3
        ? { scopes: asked }
        : odd
          ? { description: world.described(app) }
          : { redirect_uri: 'https://evil.example/cb' },
    inviteMaintainer: () => ({ user }),
    offerClient: () => ({ user }),
    declineInvitations: () => ({ declined: false }),
    rejectClient: () => ({ reason: 'no', suppress: odd }),
    disableClient: () => ({ reason: 'no', suppress: odd }),
    setPkceExemption: () => ({ reason: 'so', pkce_optional: variant % 3 > 0 }),
    haltClient: () => ({ reason: 'so', suspension: ['none', 'new-consents', 'all'][variant % 3] }),
  };
  return bodies[id]?.() ?? {};
}

/** What is asked of lists. */
export const questions: Readonly<Record<string, readonly string[]>> = {
  listClients: ['?owner=Ada', '?owner=me', '?keeper=me', '?stage=disabled'],
  listReviews: ['', '?kind=revisions'],
  listAudit: ['', '?actor=me'],
  listConsents: ['', '?user=Ben'],
  '/my/apps/new': ['', '?copy=:id'],
  '/my/help': ['', '?app=:id'],
  '/wiki/*': ['', '/view/:id', '?publisher=Ada'],
  '/w/index.php': [
    '?title=Special:OAuthListConsumers',
    '?title=Special:OAuthListConsumers/view/:id',
  ],
  '/w/api.php': [
    '?action=query&meta=userinfo&uiprop=rights&format=json',
    '?action=query&meta=tokens&format=json',
  ],
};

/** The registration of the dialect. */
export function dialectBody(
  world: AttackWorld,
  path: string,
  { asked, variant }: Step,
  { name }: Acting,
): Values {
  if (path.includes(':key')) return {};
  return {
    ...{
      name: world.fresh('app'),
      description: '',
      email: `${name}@example.org`,
      owner_only: variant % 2 === 1,
    },
    ...{
      callback_url: variant % 2 ? '' : 'https://app.example/cb',
      is_confidential: true,
      scopes: asked,
    },
    grant_types:
      variant % 2 ? ['client_credentials'] : ['authorization_code', 'client_credentials'],
  };
}

/** A form as the page of this address sends it. */
export function formOf(
  world: AttackWorld,
  before: Picture,
  path: string,
  step: Step,
  app: string,
  acting: Acting,
  csrf: string,
): Form {
  const person = personOf(world, step);
  const { variant, asked } = step;
  const kept = before.apps.get(app);
  const client = kept?.client as Client;
  const account = acting.name === null ? null : world.people[acting.name];
  const token = world.server.services.registry.etagFor(personActor(account, new Set()), client);
  const ticked = Object.fromEntries(asked.map((scope) => [`scope.${scope}`, '1']));
  const kind = ['server', 'own', 'oauth1', 'own-oauth1', 'device'][variant % 5] ?? '';
  const draft = {
    name: world.fresh('app'),
    version: '1.0',
    description: '',
    terms: '1',
    access: 'scopes',
    site: '*',
    ...ticked,
  };
  const decisions = [
    'approve',
    'reject',
    'reenable',
    'suspend-none',
    'suspend-new-consents',
    'suspend-all',
    'disable',
    'hide',
    'show',
  ];
  const more: Readonly<Record<string, () => Form>> = {
    '/my/apps/new': () => ({
      ...draft,
      kind,
      redirectUri: kind.startsWith('own') ? '' : 'https://app.example/cb',
    }),
    '/my/apps/:id/revise': () => ({
      ...{
        ...draft,
        name: client.name,
        redirectUri: client.redirectUri,
        send: '1',
        step: 'send',
        confirmed: '1',
      },
    }),
    '/my/apps/:id/reset': () => ({ sure: '1' }),
    '/my/apps/:id/add-secret': () => ({ label: world.label(app) }),
    '/my/apps/:id/retire-secret': () => ({ id: String(client.secrets[0]?.id ?? 1) }),
    '/my/apps/:id/update': () => ({ addresses: world.addresses(app).addresses.join('\n') }),
    '/my/apps/:id/withdraw': () => ({ id: String(kept?.revision?.id ?? 1) }),
    '/my/apps/:id/invite': () => ({ invite: person.name }),
    '/my/apps/:id/leave': () => ({ id: String(person.id) }),
    '/my/apps/:id/offer': () => ({ offer: person.name }),
    '/review/:id/pkce': () => ({ rule: variant % 3 ? 'optional' : 'required' }),
    '/review/:id/offer': () => ({ name: person.name }),
    '/review/:id': () => ({
      decision:
        (kept?.revision && variant % 2
          ? 'approve-revision'
          : step.due
            ? dueOf(client)
            : decisions[variant % decisions.length]) ?? '',
      ...{ reason: 'so', ...(variant % 4 ? {} : { suppress: '1' }) },
    }),
    '/admin/people/:id/groups': () => ({
      shown: JSON.stringify(person.groups),
      'group-reviewer': '1',
      'group-administrator': '1',
    }),
    '/account/profile': () => ({ 'real-name': world.fresh('Real'), language: 'de' }),
    '/account/email': () => ({ email: 'evil@example.net', 'email-password': 'guessed' }),
    '/account/password': () => ({
      'current-password': 'guessed',
      'new-password': 'a quite long password',
    }),
    '/account/prove': () => ({ password: 'guessed' }),
    '/account/passkeys': () => ({ label: 'mine', answer: '{}' }),
    '/register': () => ({ email: person.email ?? '', name: 'Eve' }),
    '/setup': () => ({ name: 'Eve', password: 'a quite long password', token: 'x'.repeat(43) }),
    '/password/forgotten': () => ({ email: person.email ?? '', name: person.name }),
    '/password/new': () => ({ token: 'x'.repeat(43), password: 'a quite long password' }),
    '/sign-in': () => ({ name: person.name, password: 'guessed' }),
  };
  return { csrf, change_token: token, ...more[path]?.() };
}
