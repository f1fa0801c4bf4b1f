import type { Account } from '#accounts/account.ts';
import type { Face, World } from '#http/world.ts';
import type { Sealed } from '#kernel/ids.ts';
import { accept, type Result } from '#kernel/result.ts';
import { openWith } from '#keys/secret-box.ts';
import type { Completed } from '#oauth1/oauth1.ts';
import type { OAuth1Refusal } from '#oauth1/refusals.ts';
import type { CodeSeed } from '#oauth2/endpoints/authorization.ts';
import type { AuthorizeProblem } from '#oauth2/refusals.ts';
import type { AuthorizationRequest } from '#registry/model/authorization-request.ts';
import type { Client } from '#registry/model/client.ts';
import type { Consent } from '#registry/model/consent.ts';

// An approval of either protocol, in two steps: everything is judged, then it is written (ADR 26).

/** What a decision is about, wherever the request was kept. */
export type Decided = Pick<AuthorizationRequest, 'asked' | 'scopes' | 'dialect'>;

/** What a person approves. */
export interface Approval {
  /** What is added to the consent. */
  readonly consent: readonly string[];
  /** What was shown as allowed before, and left out. */
  readonly withdrawn: readonly string[];
  /** What the app gets this time. */
  readonly scopes: readonly string[];
}

/** What the answer to an approval is made of: kept, it gives the same answer once more. */
export interface AnswerParts {
  readonly approval: Approval;
  /** OAuth 2: of the code. OAuth 1: the verifier. */
  readonly seed: CodeSeed | { readonly verifier: string };
}

type Told = OAuth1Refusal | AuthorizeProblem;

/** An approval that holds, as far as it can be judged before it is written. */
export interface PreparedApproval {
  readonly parts: AnswerParts;
  /** Where the person goes once it is written. */
  readonly completed: Completed;
  /** Takes what stands for the request elsewhere, before anything durable is written. */
  claim(): Promise<Result<unknown, Told>>;
  /** Gives the app its code or pair under the consent. */
  complete(consent: Consent): Promise<Result<Completed, Told>>;
}

/** The face of the server that a request came by. */
export const faceOf = (world: World, request: Pick<Decided, 'dialect'>): Face =>
  request.dialect === 'mediawiki' && world.faces.mediawiki
    ? world.faces.mediawiki
    : world.faces.core;

/**
 * Judges an approval with the client as it is now; nothing is written. `earlier`: what the answer
 * was made of, to give it once more.
 */
export async function prepareApproval(
  world: World,
  request: Decided,
  client: Client,
  user: Pick<Account, 'id'>,
  approval: Approval,
  earlier?: AnswerParts,
): Promise<Result<PreparedApproval, Told>> {
  const face = faceOf(world, request);
  const { asked } = request;
  if (asked.protocol === 'oauth2') {
    const seed = earlier && 'secret' in earlier.seed ? earlier.seed : undefined;
    const prepared = face.oauth2.prepare(asked, client, user, approval.scopes, seed);
    if (!prepared.ok) return { ok: false, refusal: prepared.refusal.problem };
    return accept({
      parts: { approval, seed: prepared.value.seed },
      completed: { kind: 'redirect', uri: prepared.value.uri },
      claim: async () => accept(undefined),
      complete: async (consent) =>
        accept({ kind: 'redirect', uri: await face.oauth2.complete(prepared.value, consent) }),
    });
  }
  const verifier = earlier && 'verifier' in earlier.seed ? earlier.seed.verifier : undefined;
  const prepared = await face.oauth1.prepare(asked.token, client, user, verifier);
  if (!prepared.ok) return prepared;
  return accept({
    parts: { approval, seed: { verifier: prepared.value.verifier } },
    completed: prepared.value.completed,
    claim: () => face.oauth1.claim(prepared.value),
    complete: (consent) => face.oauth1.complete(prepared.value, consent),
  });
}

/** Opens what an answer was made of. Only who has the handle can. */
export const openAnswer = (handle: string, sealed: Sealed): AnswerParts =>
  JSON.parse(openWith(handle, sealed)) as AnswerParts;

/**
 * What became of an approval that was given: its code or pair waits for the app, is over, or was
 * not stored (yet).
 */
export async function answerState(
  world: World,
  request: Decided,
  client: Client,
  user: Account,
  { seed }: AnswerParts,
): Promise<'waits' | 'over' | 'unknown'> {
  const face = faceOf(world, request);
  if ('secret' in seed) return face.oauth2.codeOf(seed);
  if (request.asked.protocol !== 'oauth1') return 'over';
  const prepared = await face.oauth1.prepare(request.asked.token, client, user, seed.verifier);
  if (!prepared.ok) return 'over';
  const { consentId } = prepared.value;
  if (consentId === null) return 'unknown';
  return (await world.records.findConsentById(consentId)) === undefined ? 'over' : 'waits';
}

/**
 * Ends what an approval gave. False: it is an OAuth 1 pair that was exchanged already, and stands
 * with its consent.
 */
export async function endAnswer(
  world: World,
  request: Decided,
  client: Client,
  user: Account,
  parts: AnswerParts,
): Promise<boolean> {
  const face = faceOf(world, request);
  if ('secret' in parts.seed) {
    await face.oauth2.end(parts.seed);
    return true;
  }
  if (
    request.asked.protocol !== 'oauth1' ||
    (await answerState(world, request, client, user, parts)) === 'over'
  )
    return false;
  await face.oauth1.end(request.asked.token);
  return true;
}
