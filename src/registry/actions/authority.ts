import type { Proof } from '#accounts/records.ts';
import { EVERY_SITE, type SiteId } from '#kernel/ids.ts';
import { type Instant, seconds } from '#kernel/time.ts';
import { coversSite } from '../access.ts';
import type { Actor, Authentication } from '../actor.ts';
import { ANYWHERE, type Client } from '../model/client.ts';
import type { Consent } from '../model/consent.ts';
import type { Effect } from '../records.ts';
import type { RegistryRefusal } from '../refusals.ts';

// The rule of ADR 17, for every way into the registry: what is done through a token or a signature
// never gives or widens a credential beyond the caller's own scopes. Whatever goes further is the
// person's own to do, in a browser, having just proved who they are.

/** What an action may do to credentials, and to who holds them. */
export type Authority =
  /** Gives no credential and widens none: it asks, answers, or takes away. */
  | 'harmless'
  /**
   * A reviewer's decision on what somebody asked for. The scope for reviewing lends exactly that
   * (ADR 17).
   */
  | 'review'
  /** May give or widen a credential: judged by what it would give. */
  | 'credentials'
  /**
   * Decides who controls an app, and so who can have its credentials: the person alone, recently
   * proven.
   */
  | 'control'
  /** A person's own yes to an app: the person alone. */
  | 'consent';

/** Every action of the registry. One without a line here does not compile. */
export const actionAuthorities = {
  propose: 'credentials',
  update: 'credentials',
  'add-secret': 'credentials',
  revise: 'credentials',
  'retire-secret': 'harmless',
  'withdraw-revision': 'harmless',
  approve: 'review',
  reject: 'review',
  disable: 'review',
  reenable: 'review',
  expire: 'review',
  halt: 'review',
  'approve-revision': 'review',
  'reject-revision': 'review',
  'set-introspector': 'control',
  'set-pkce-exemption': 'control',
  invite: 'control',
  offer: 'control',
  'accept-offer': 'control',
  join: 'harmless',
  leave: 'harmless',
  'decline-offer': 'harmless',
  accept: 'consent',
  renounce: 'harmless',
} as const satisfies Readonly<Record<string, Authority>>;
export type GovernedAction = keyof typeof actionAuthorities;

/** How long a password or a passkey counts as just proven. */
export const PROOF_TTL_SECONDS = seconds(600);
/**
 * By how much the clocks of two nodes may differ: a proof from further in the future proves
 * nothing.
 */
const CLOCK_TOLERANCE = seconds(60);

/** True when a person proved who they are at most ten minutes ago. */
export const isRecentProof = (proof: Proof | null, now: Instant): boolean =>
  proof !== null && now - proof.at <= PROOF_TTL_SECONDS && proof.at - now <= CLOCK_TOLERANCE;

/** What a change would put into somebody's hands, or add to what they hold. */
export interface GrantedAccess {
  readonly scopes: readonly string[];
  readonly site: SiteId;
  /** People other than the owner use the app: its secrets stand for their trust in it. */
  readonly shared: boolean;
}

type AppAuthentication = Extract<Authentication, { readonly kind: 'app' }>;

/** The app through which somebody acts; undefined: there is none between. */
export const actingApp = (actor: Actor): AppAuthentication | undefined =>
  actor.kind === 'person' && actor.authentication.kind === 'app' ? actor.authentication : undefined;

/** Those of the scopes that this actor can pass on: an app passes on no more than it holds. */
export function scopesWithin(actor: Actor, scopes: readonly string[]): readonly string[] {
  const app = actingApp(actor);
  return app === undefined ? scopes : scopes.filter((scope) => app.scopes.includes(scope));
}

/**
 * The site that this actor can pass on when this one is wanted: "everywhere" is cut to where an app
 * may act.
 */
export const siteWithin = (actor: Actor, site: SiteId): SiteId =>
  site === EVERY_SITE ? (actingApp(actor)?.site ?? site) : site;

/** True when an actor holds all of this themself; a person without an app between does. */
export function holdsAccess(actor: Actor, { scopes, site, shared }: GrantedAccess): boolean {
  const app = actingApp(actor);
  if (app === undefined) return true;
  return (
    !shared &&
    (scopes.length === 0 ||
      (coversSite(app.site, site) && scopes.every((scope) => app.scopes.includes(scope))))
  );
}

/**
 * True when requests could come from more places than before, or touch more pages: none named are
 * all.
 */
function isLoosened({ restrictions: before }: Client, { restrictions: after }: Client): boolean {
  const elsewhere = after.addresses.some((range) => !before.addresses.includes(range));
  if (elsewhere && !ANYWHERE.addresses.every((range) => before.addresses.includes(range)))
    return true;
  return (
    before.pages.length > 0 &&
    (after.pages.length === 0 || after.pages.some((page) => !before.pages.includes(page)))
  );
}

/** What an app holds before a change of it. */
export interface Holdings {
  /** The owner's, for an owner-only app. */
  readonly consent: Consent | undefined;
  /**
   * It was given to another owner: people may have allowed it before, though it is proposed again
   * (ADR 15).
   */
  readonly handedOver: boolean;
}

/**
 * What somebody could do who can prove to be the app as it is. A new one can be used by its owner
 * alone, and a reviewer looks at it first.
 */
function accessAsApp(client: Client, { consent, handedOver }: Holdings): readonly GrantedAccess[] {
  const inUse = client.stage === 'approved' || handedOver;
  if (!client.ownerOnly)
    return inUse ? [{ scopes: client.scopes, site: client.site, shared: true }] : [noAccess];
  const scopes = (consent?.scopes ?? []).filter((scope) => client.scopes.includes(scope));
  return [{ scopes, site: client.site, shared: false }];
}
const noAccess: GrantedAccess = { scopes: [], site: EVERY_SITE, shared: false };

/** What a saved client gives that it did not give before. */
function accessGivenBySave(
  before: Client,
  after: Client,
  holdings: Holdings,
): readonly GrantedAccess[] {
  const newKey = after.rsaPublicKey !== null && after.rsaPublicKey !== before.rsaPublicKey;
  const throughCredential =
    newKey || isLoosened(before, after) ? accessAsApp(before, holdings) : [];
  if (after.stage !== 'approved') return throughCredential;
  const added = after.scopes.filter((scope) => !before.scopes.includes(scope));
  const moved = !coversSite(before.site, after.site);
  if (added.length === 0 && !moved) return throughCredential;
  return [
    ...throughCredential,
    { scopes: moved ? after.scopes : added, site: after.site, shared: !after.ownerOnly },
  ];
}

/**
 * What a decided change gives. `before`: the client it is about, null when it is created here;
 * `holdings`: what it holds. Every kind of effect is judged here, so that no action can forget.
 */
export function accessGivenBy(
  effects: readonly Effect[],
  before: Client | null,
  holdings: Holdings,
): readonly GrantedAccess[] {
  const regrant = effects.find((effect) => effect.kind === 'regrant');
  const holdingsAfter = regrant
    ? { ...holdings, consent: { ...regrant.grant.consent, id: 0 as Consent['id'] } }
    : holdings;
  return effects.flatMap((effect) => accessGivenByEffect(effect, before, holdingsAfter));
}

function accessGivenByEffect(
  effect: Effect,
  before: Client | null,
  holdings: Holdings,
): readonly GrantedAccess[] {
  switch (effect.kind) {
    case 'create-client': {
      const { client, grant } = effect;
      if (grant) return [{ scopes: grant.consent.scopes, site: grant.consent.site, shared: false }];
      return client.stage === 'approved'
        ? [{ scopes: client.scopes, site: client.site, shared: false }]
        : [];
    }
    case 'save-client':
      return before === null ? [] : accessGivenBySave(before, effect.client, holdings);
    case 'add-secret':
      return before === null ? [] : accessAsApp(before, holdings);
    case 'regrant':
      return [
        { scopes: effect.grant.consent.scopes, site: effect.grant.consent.site, shared: false },
      ];
    case 'remove-secrets':
    case 'end-consents-of':
    case 'open-revision':
    case 'close-revision':
    case 'first-approval':
    case 'clear-approvals':
    case 'invite':
    case 'join':
    case 'leave':
    case 'offer':
    case 'end-offer':
    case 'involve':
    case 'end-secrets':
      return [];
  }
}

/**
 * Why an actor may not do this by the way they came; undefined: nothing stands in the way. Who may
 * do it at all is the action's own rule.
 */
export function authorityProblem(
  actor: Actor,
  action: GovernedAction,
  granted: readonly GrantedAccess[],
  now: Instant,
): RegistryRefusal | undefined {
  if (actor.kind === 'operator') return undefined;
  const authority: Authority = actionAuthorities[action];
  const { authentication } = actor;
  switch (authentication.kind) {
    case 'app': {
      if (authority === 'harmless' || authority === 'review') return undefined;
      const beyond = granted.filter((one) => !holdsAccess(actor, one));
      if (authority === 'credentials' && beyond.length === 0) return undefined;
      const missing = beyond.flatMap(({ scopes }) =>
        scopes.filter((scope) => !authentication.scopes.includes(scope)),
      );
      return { kind: 'browser_session_required', scopes: [...new Set(missing)] };
    }
    case 'session': {
      const needsRecentProof =
        authority === 'control' || (authority === 'credentials' && granted.length > 0);
      return needsRecentProof && !isRecentProof(authentication.proof, now)
        ? { kind: 'reauthentication_required' }
        : undefined;
    }
    case 'none':
      return { kind: 'not_logged_in' };
  }
}
