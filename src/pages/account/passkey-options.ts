import type { Throttled } from '#accounts/throttle.ts';
import type { Result } from '#kernel/result.ts';
import type { PageCall, PageResponse } from '../page.ts';
import { type AccountProblem, accountProblemText, refusalStatus } from './account-problems.ts';

// Answers to `assets/passkeys.js`, which asks what the browser shall do with a passkey.

function sendJson({ reply }: Pick<PageCall, 'reply'>, status: number, body: object): PageResponse {
  reply
    .code(status)
    .header('content-type', 'application/json')
    .header('cache-control', 'no-store')
    .send(JSON.stringify(body));
  return { responseSent: true };
}

/** What the script shows instead. */
export const sendPasskeyProblem = (
  call: Pick<PageCall, 'reply'>,
  status: number,
  problem: string,
): PageResponse => sendJson(call, status, { problem });

/** The options for the browser (WebAuthn Level 3 §5.1), or why there are none. */
export function sendPasskeyOptions(
  call: Pick<PageCall, 'reply' | 'frame'>,
  answer: Result<object, AccountProblem | Throttled>,
): PageResponse {
  if (answer.ok) return sendJson(call, 200, answer.value);
  return sendPasskeyProblem(
    call,
    refusalStatus(call.reply, answer.refusal),
    accountProblemText(call.frame.words, answer.refusal),
  );
}
