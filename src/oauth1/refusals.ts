import { refuse } from '#kernel/result.ts';
import type { ClientAccessDenial } from '#registry/access.ts';
import type { Client } from '#registry/model/client.ts';

/** A parameter, or another part of a request, that cannot be taken as it was sent. */
export interface ParameterRejected {
  readonly kind: 'parameter_rejected';
  /**
   * Its name; for a part that is no parameter `Authorization`, `Content-Type`, `query` or `body`.
   */
  readonly parameter: string;
  readonly problem: 'malformed' | 'repeated' | 'too-long';
  /**
   * What is wrong and what to do, in a sentence of ASCII for the developer. Values are not shown.
   */
  readonly advice: string;
}

/**
 * Refuses a parameter; the advice is its name and what follows it here. The name may be anything
 * that was sent: what is kept of it can stand in a header field.
 */
export const rejectParameter = (
  parameter: string,
  problem: ParameterRejected['problem'],
  advice: string,
) => {
  const name = parameter.slice(0, 64).replace(/[^\x20-\x7e]/g, '?');
  return refuse<ParameterRejected>({
    kind: 'parameter_rejected',
    parameter: name,
    problem,
    advice: `${name}${advice}`,
  });
};

/**
 * Every refusal of OAuth 1 (RFC 5849 §3.2). Names follow the OAuth Problem Reporting extension
 * where it has one.
 */
export type OAuth1Refusal =
  | { readonly kind: 'parameter_absent'; readonly parameter: string }
  | ParameterRejected
  | { readonly kind: 'version_rejected'; readonly requested: string }
  | {
      readonly kind: 'signature_method_rejected';
      readonly requested: string;
      readonly supported: readonly string[];
    }
  | { readonly kind: 'insecure_transport' }
  | {
      readonly kind: 'timestamp_refused';
      readonly requestTimestamp: string;
      readonly serverTime: number;
    }
  | { readonly kind: 'consumer_key_unknown' }
  | {
      readonly kind: 'consumer_key_refused';
      readonly client: Client;
      readonly why: ClientAccessDenial;
    }
  | { readonly kind: 'wrong_protocol'; readonly client: Client }
  | { readonly kind: 'owner_only'; readonly client: Client }
  | { readonly kind: 'no_secret' }
  | { readonly kind: 'address_refused' }
  | { readonly kind: 'token_rejected'; readonly token: 'temporary' | 'permanent' }
  | { readonly kind: 'token_used' }
  | { readonly kind: 'signature_invalid' }
  /**
   * There is a form, and whoever asks did not hand its bytes over: nobody can say whether the
   * signature covers it.
   */
  | { readonly kind: 'body_unavailable' }
  /** The signature holds, and `oauth_body_hash` is not the hash of the body that came. */
  | { readonly kind: 'body_hash_invalid' }
  | { readonly kind: 'nonce_used'; readonly nonce: string }
  | { readonly kind: 'callback_rejected'; readonly prefix: boolean }
  /** It is one the app may use, but a browser would go to another host than it shows. */
  | { readonly kind: 'callback_misleading' }
  | { readonly kind: 'permission_unknown' }
  | { readonly kind: 'verifier_invalid' }
  | { readonly kind: 'user_refused'; readonly problem: 'gone' | 'blocked' };

/**
 * What is to be done about a body that does not fit its signature, for whoever reads the answer.
 */
export const bodyAdvice = {
  body_unavailable:
    'The form is signed, and the API did not hand its bytes to the guard: it has to read them before it asks.',
  body_hash_invalid: 'oauth_body_hash is not the base64 of the hash of the body that arrived.',
} as const;

/** True when more came than is read: status 413 (RFC 9110 §15.5.14). */
export const isTooLarge = (refusal: OAuth1Refusal): boolean =>
  refusal.kind === 'parameter_rejected' &&
  refusal.parameter === 'body' &&
  refusal.problem === 'too-long';
