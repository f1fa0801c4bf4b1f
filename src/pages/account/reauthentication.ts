import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Account } from '#accounts/account.ts';
import type { Accounts } from '#accounts/accounts.ts';
import type { Proof } from '#accounts/records.ts';
import type { FormParameters } from '#encoding/form.ts';
import { safeLocalPath } from '#http/redirects.ts';
import { parseFormBody } from '#http/request.ts';
import { requestOriginOf } from '#http/session.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import { type FormProblem, noProblems } from '../form-problems.ts';
import { type PageVisitor, pageFrame, sendPage } from '../respond.ts';
import { accountProblems } from './account-problems.ts';
import { reauthenticatePage, reauthenticationFields } from './reauthentication.template.ts';
import { redirectFormToSignIn, type SignInFirstDependencies } from './sign-in-first.ts';

// What widens access asks a person to prove once more who they are (ADR 17). The form that was sent
// travels along with their proof.

/** What taking a proof takes. */
export interface ProofDependencies extends SignInFirstDependencies {
  readonly accounts: SignInFirstDependencies['accounts'] &
    Pick<Accounts, 'passkeysOf' | 'reauthenticate'>;
}

/**
 * Fields that are not carried: those of the proof itself, and the CSRF token, which each page has
 * of its own.
 */
const omittedFields: ReadonlySet<string> = new Set([
  'csrf',
  ...Object.values(reauthenticationFields),
]);

/** Asks for a proof. A form that waits for it is sent to its own address with it. */
export async function requestReauthentication(
  dependencies: ProofDependencies,
  request: FastifyRequest,
  reply: FastifyReply,
  visitor: PageVisitor,
  failure: { readonly status: number; readonly problems: readonly FormProblem[] } | null = null,
): Promise<FastifyReply> {
  const isPost = request.method === 'POST';
  const form = isPost ? parseFormBody(request) : undefined;
  const fields = form?.ok ? form.value.filter(([name]) => !omittedFields.has(name)) : [];
  const currentPath = safeLocalPath(request.raw.url);
  // A page that needs a proof to be shown at all: back to it afterwards.
  const returnto = isPost ? [] : [['returnto', currentPath] as const];
  const page = reauthenticatePage(pageFrame(dependencies, visitor), {
    action: isPost ? currentPath : '/account/prove',
    fields: [...fields, ...returnto],
    hasPendingForm: fields.some(([name]) => name !== 'returnto'),
    passkeys:
      visitor.user !== null && (await dependencies.accounts.passkeysOf(visitor.user)).length > 0,
    problems: failure?.problems ?? noProblems,
  });
  return sendPage(reply, failure?.status ?? 403, page);
}

/** The proof that came with a form. Null: none did. Refused: it was answered. */
export async function verifyReauthentication(
  dependencies: ProofDependencies,
  request: FastifyRequest,
  reply: FastifyReply,
  visitor: PageVisitor & { readonly user: Account },
  form: FormParameters,
): Promise<Result<Proof, FastifyReply> | null> {
  const method = form.get(reauthenticationFields.method);
  if (method !== 'password' && method !== 'passkey') return null;
  const credential =
    method === 'password'
      ? { password: form.get(reauthenticationFields.password) ?? '' }
      : { passkeyAnswer: form.get(reauthenticationFields.answer) ?? '' };
  const answer = await dependencies.accounts.reauthenticate(
    visitor.secret,
    visitor.user,
    credential,
    requestOriginOf(dependencies, request),
  );
  if (answer.ok) return accept(answer.value);
  const { refusal } = answer;
  if (refusal.kind === 'session-gone' || refusal.kind === 'blocked')
    return refuse(await redirectFormToSignIn(dependencies, request, reply));
  if (refusal.kind === 'throttled') reply.header('retry-after', String(refusal.retryAfter));
  const { words } = pageFrame(dependencies, visitor);
  const problems = accountProblems(
    words,
    { kind: refusal.kind },
    { 'wrong-password': reauthenticationFields.password },
  );
  const status = refusal.kind === 'throttled' ? 429 : 403;
  return refuse(
    await requestReauthentication(dependencies, request, reply, visitor, { status, problems }),
  );
}
