import type { ReadableAuditEntry } from './audit.ts';
import type { Stage } from './model/client.ts';
import type { DependenceReason } from './model/involvement.ts';

/** What is wrong with the value of a field. Words for people are made where they are shown. */
export type FieldProblem =
  | { readonly kind: 'empty' }
  | { readonly kind: 'not-this-type'; readonly wanted: string }
  | { readonly kind: 'too-long'; readonly most: number }
  | { readonly kind: 'deceptive-characters' }
  | { readonly kind: 'stacked-marks' }
  | { readonly kind: 'encoded-word' }
  | { readonly kind: 'mixed-scripts' }
  | { readonly kind: 'reserved-name' }
  | { readonly kind: 'not-a-version' }
  | { readonly kind: 'not-an-address' }
  | { readonly kind: 'not-one-of'; readonly values: readonly string[] }
  | { readonly kind: 'not-a-site' }
  | { readonly kind: 'unknown-scopes'; readonly scopes: readonly string[] }
  | { readonly kind: 'identity-scope-not-alone'; readonly scopes: readonly string[] }
  | { readonly kind: 'not-a-key' }
  | { readonly kind: 'not-an-rsa-key' }
  | { readonly kind: 'key-too-short'; readonly bits: number }
  | { readonly kind: 'not-a-range'; readonly entry: string }
  | { readonly kind: 'not-for-this-kind-of-app' }
  | { readonly kind: 'not-a-uri' }
  | { readonly kind: 'scheme-not-allowed'; readonly scheme: string }
  | { readonly kind: 'credentials-in-uri' }
  | { readonly kind: 'backslash-in-uri' }
  | { readonly kind: 'encoding-in-uri' }
  | { readonly kind: 'host-in-uri' }
  | { readonly kind: 'port-in-uri' }
  | { readonly kind: 'dot-segments-in-uri' }
  /** `reads`: what browsers make of it. */
  | { readonly kind: 'uri-rewritten'; readonly reads: string }
  | { readonly kind: 'fragment-in-uri' }
  | { readonly kind: 'own-scheme-confidential' }
  | { readonly kind: 'own-scheme-without-dot' }
  | { readonly kind: 'not-https' }
  | { readonly kind: 'our-own-site' }
  | { readonly kind: 'bare-domain' }
  | { readonly kind: 'owner-only-grant-types' }
  | { readonly kind: 'needs-a-secret' }
  | { readonly kind: 'needs-pkce' }
  | { readonly kind: 'not-agreed' }
  | { readonly kind: 'not-a-name' }
  | { readonly kind: 'in-the-past' };

/**
 * What is wrong with one field of an action. `ignorable`: advice, which the caller may wave
 * through.
 */
export type FieldRefusal =
  | { readonly kind: 'missing_field'; readonly field: string }
  | {
      readonly kind: 'invalid_field';
      readonly field: string;
      readonly problem: FieldProblem;
      readonly ignorable: boolean;
    };

/**
 * Every refusal of a registry action. `kind` is stable, and the code that clients of the reference
 * know (registry 2–7).
 */
export type RegistryRefusal =
  | { readonly kind: 'not_logged_in' }
  | { readonly kind: 'user_blocked' }
  | { readonly kind: 'readonly'; readonly reason: string }
  | { readonly kind: 'invalid_field_action'; readonly asked: string }
  /**
   * The first field with a problem, in the order of the reference. `others`: what is wrong with the
   * fields after it; absent: nothing.
   */
  | (FieldRefusal & { readonly others?: readonly FieldRefusal[] })
  /** `right`: the one that is missing; null: it is about whose app it is, or where it stands. */
  | { readonly kind: 'permission_denied'; readonly right: string | null }
  | { readonly kind: 'email_not_confirmed' }
  | { readonly kind: 'email_mismatched' }
  /**
   * `version`: the version that is there, when the new one is not later; null: exactly this one
   * exists.
   */
  | { readonly kind: 'consumer_exists'; readonly version: string | null }
  | { readonly kind: 'invalid_consumer_key' }
  | { readonly kind: 'not_proposed'; readonly stage: Stage }
  | { readonly kind: 'not_approved'; readonly stage: Stage }
  | { readonly kind: 'not_disabled'; readonly stage: Stage }
  /** The app changed. `since`: what happened after the version that was seen, oldest first. */
  | { readonly kind: 'change_conflict'; readonly since: readonly ReadableAuditEntry[] }
  | { readonly kind: 'invalid_access_token' }
  | { readonly kind: 'managed_by_configuration' }
  /** The value already is what was asked for, or there is no such thing to act on. */
  | { readonly kind: 'nothing_to_do'; readonly field: string }
  | {
      readonly kind: 'not_found';
      readonly what: 'revision' | 'secret' | 'maintainer' | 'person' | 'offer';
    }
  | { readonly kind: 'too_many'; readonly what: 'secrets' | 'maintainers'; readonly most: number }
  /** The sender's budget of emails for the day is spent. */
  | { readonly kind: 'too_many_invitations'; readonly most: number }
  /** The person does not want to be invited. */
  | { readonly kind: 'invitations_declined' }
  /** The last secret of a client that needs one. */
  | { readonly kind: 'last_secret' }
  /**
   * Somebody else has to decide: this person approved before, or is not independent of the
   * decision.
   */
  | { readonly kind: 'needs_another_reviewer'; readonly why: DependenceReason }
  /**
   * Through an app it would give more than the app holds. `scopes`: those it lacks; empty: it is
   * the person's own to do (ADR 17).
   */
  | { readonly kind: 'browser_session_required'; readonly scopes: readonly string[] }
  /** The person of the browser session proved who they are too long ago (ADR 17). */
  | { readonly kind: 'reauthentication_required' };

/** A code that names the field as well, as the reference does for its own two kinds. */
export const refusalCode = (refusal: RegistryRefusal): string =>
  refusal.kind === 'missing_field' ? `missing_field_${refusal.field}` : refusal.kind;

/**
 * The fields that a refusal is about, each with its problem, in their order; empty: it is about
 * something else.
 */
export function fieldRefusals(refusal: RegistryRefusal): readonly FieldRefusal[] {
  if (refusal.kind !== 'missing_field' && refusal.kind !== 'invalid_field') return [];
  const { others = [], ...first } = refusal;
  return [first, ...others];
}
