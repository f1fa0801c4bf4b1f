import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Account } from '#accounts/account.ts';
import type { Proof } from '#accounts/records.ts';
import type { FormValues } from '#encoding/form.ts';
import { formOf } from '#http/request.ts';
import { frameOf, fromOf, ownPath, sendPage, type Visitor } from '#http/session.ts';
import type { World } from '#http/world.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import { type FormProblem, noProblems } from '../form-problems.ts';
import { accountProblems } from './problems.ts';
import { proofFields, provePage } from './proof.template.ts';
import { signInForForm } from './sign-in-first.ts';

// What widens access asks a person to prove once more who they are (ADR 17). The form that was sent
// travels along with their proof.

/**
 * Fields that are not carried: those of the proof itself, and the one that proves a form is ours,
 * which each page has of its own.
 */
const own: ReadonlySet<string> = new Set(['csrf', ...Object.values(proofFields)]);

/** Asks for a proof. A form that waits for it is sent to its own address with it. */
export async function askForProof(
  world: World,
  request: FastifyRequest,
  reply: FastifyReply,
  visitor: Visitor,
  refused: { readonly status: number; readonly problems: readonly FormProblem[] } | null = null,
): Promise<FastifyReply> {
  const posted = request.method === 'POST';
  const form = posted ? formOf(request) : undefined;
  const fields = form?.ok ? form.value.filter(([name]) => !own.has(name)) : [];
  const here = ownPath(request.raw.url);
  // A page that needs a proof to be shown at all: back to it afterwards.
  const returnto = posted ? [] : [['returnto', here] as const];
  const page = provePage(frameOf(world, visitor), {
    action: posted ? here : '/account/prove',
    fields: [...fields, ...returnto],
    waiting: fields.some(([name]) => name !== 'returnto'),
    passkeys: visitor.user !== null && (await world.accounts.passkeysOf(visitor.user)).length > 0,
    problems: refused?.problems ?? noProblems,
  });
  return sendPage(reply, refused?.status ?? 403, page);
}

/** The proof that came with a form. Null: none did. Refused: it was answered. */
export async function takeProof(
  world: World,
  request: FastifyRequest,
  reply: FastifyReply,
  visitor: Visitor & { readonly user: Account },
  form: FormValues,
): Promise<Result<Proof, FastifyReply> | null> {
  const method = form.get(proofFields.method);
  if (method !== 'password' && method !== 'passkey') return null;
  const shown =
    method === 'password'
      ? { password: form.get(proofFields.password) ?? '' }
      : { passkeyAnswer: form.get(proofFields.answer) ?? '' };
  const answer = await world.accounts.prove(
    visitor.secret,
    visitor.user,
    shown,
    fromOf(world, request),
  );
  if (answer.ok) return accept(answer.value);
  const { refusal } = answer;
  if (refusal.kind === 'session-gone' || refusal.kind === 'blocked')
    return refuse(await signInForForm(world, request, reply));
  if (refusal.kind === 'throttled') reply.header('retry-after', String(refusal.retryAfter));
  const { words } = frameOf(world, visitor);
  const problems = accountProblems(
    words,
    { kind: refusal.kind },
    { 'wrong-password': proofFields.password },
  );
  const status = refusal.kind === 'throttled' ? 429 : 403;
  return refuse(await askForProof(world, request, reply, visitor, { status, problems }));
}
