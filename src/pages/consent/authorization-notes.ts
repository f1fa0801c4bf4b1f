import type { OAuth1Refusal } from '#oauth1/refusals.ts';
import { isPkceProblem, MAX_STATE_BYTES } from '#oauth2/refusal-texts.ts';
import type { AuthorizationProblem } from '#oauth2/refusals.ts';
import type { NoteKey } from '../words.ts';

/**
 * What a person is told of an app that may not act for them; a hidden one is as unknown as one that
 * was never there.
 */
function clientDenialNote(denialKind: string): { readonly status: number; readonly note: NoteKey } {
  if (denialKind === 'client-suppressed') return { status: 400, note: 'app-unknown' };
  return { status: 403, note: denialKind === 'client-suspended' ? 'app-suspended' : 'app-refused' };
}

/** What a person is told when a request of an app cannot be shown to them for a decision. */
export function authorizationErrorNote(refusal: OAuth1Refusal | AuthorizationProblem): {
  readonly status: number;
  readonly note: NoteKey;
  readonly values?: Readonly<Record<string, string>>;
} {
  switch (refusal.kind) {
    case 'token_rejected':
      return { status: 400, note: 'request-expired' };
    case 'token_used':
      return { status: 400, note: 'request-answered' };
    case 'consumer_key_unknown':
    case 'unknown_client':
      return { status: 400, note: 'app-unknown' };
    case 'redirect_uri_mismatch':
    case 'callback_rejected':
      return { status: 400, note: 'redirect-mismatch' };
    case 'redirect_uri_misleading':
    case 'callback_misleading':
      return { status: 400, note: 'redirect-misleading' };
    case 'owner_only':
      return { status: 403, note: 'owner-only' };
    case 'consumer_key_refused':
      return clientDenialNote(refusal.why.kind);
    case 'access_denied':
      return clientDenialNote(refusal.problem);
    case 'user_refused':
      return { status: 403, note: 'user-refused' };
    case 'wrong_protocol':
      return { status: 400, note: 'wrong-protocol' };
    case 'invalid_request':
      if (isPkceProblem(refusal.problem)) return { status: 400, note: refusal.problem };
      if (refusal.problem === 'too-long' && refusal.parameter === 'state')
        return {
          status: 400,
          note: 'bad-parameter',
          values: { parameter: `state: ${MAX_STATE_BYTES} bytes` },
        };
      return { status: 400, note: 'bad-parameter', values: { parameter: refusal.parameter } };
    case 'parameter_absent':
    case 'parameter_rejected':
      return { status: 400, note: 'bad-parameter', values: { parameter: refusal.parameter } };
    default:
      return { status: 400, note: 'bad-request', values: { kind: refusal.kind } };
  }
}
