import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Accounts } from '#accounts/accounts.ts';
import { type FormParameters, makeFormParameters } from '#encoding/form.ts';
import { isFromOwnOrigin } from '#http/csrf.ts';
import { parsePageForm } from '#http/request.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import type { Clock } from '#platform/clock.ts';
import { isRecentProof } from '#registry/actions/authority.ts';
import {
  type ProofDependencies,
  requestReauthentication,
  verifyReauthentication,
} from './account/reauthentication.ts';
import { formPagePath, redirectFormToSignIn, redirectToSignIn } from './account/sign-in-first.ts';
import {
  identifyPageVisitor,
  isOwnForm,
  type PageVisitor,
  sendFormExpired,
  sendNote,
} from './respond.ts';

/** What serving a page needs, besides what its own handler asks for. */
export interface PageDependencies extends ProofDependencies {
  /** The public origin: forms come from it. */
  readonly origin: string;
  readonly accounts: ProofDependencies['accounts'] & Pick<Accounts, 'signOut'>;
  readonly clock: Clock;
}

/**
 * Who may come: everybody, whoever is signed in, or holders of a right; `proven`: who also proved
 * in the last ten minutes that it is them.
 */
export type Access = 'everybody' | 'signed-in' | { readonly right: string; readonly proven?: true };

/** Whom a page lets in. */
export interface Admission {
  readonly access: Access;
  /** A form whose CSRF token is not the browser's is shown again instead of being refused. */
  readonly canBeStale: boolean;
}

/** Whoever passed the checks before a handler. */
export interface AdmittedVisitor {
  readonly visitor: PageVisitor;
  readonly form: FormParameters;
  /** The form's CSRF token is not the browser's: only the form itself may be shown again. */
  readonly isStale: boolean;
}

const emptyForm = makeFormParameters([]);

/** False: the form did not come from a page of this server, or not from this browser. */
function isAcceptableForm(
  dependencies: PageDependencies,
  request: FastifyRequest,
  isCsrfValid: boolean,
  { canBeStale }: Admission,
): boolean {
  if (isCsrfValid) return true;
  return (
    canBeStale &&
    isFromOwnOrigin(dependencies.origin, request) &&
    parsePageForm(request).repeated === undefined
  );
}

/** Checks who comes, in this order: sign-in, CSRF token, right, proof. Refused: it was answered. */
export async function admit(
  dependencies: PageDependencies,
  request: FastifyRequest,
  reply: FastifyReply,
  admission: Admission,
): Promise<Result<AdmittedVisitor, FastifyReply>> {
  const { access } = admission;
  const visitor = await identifyPageVisitor(dependencies, request, reply);
  const { user } = visitor;
  const isPost = request.method === 'POST';
  if (access !== 'everybody' && user === null) {
    const redirectVisitor = isPost ? redirectFormToSignIn : redirectToSignIn;
    return refuse(await redirectVisitor(dependencies, request, reply));
  }
  const isCsrfValid = !isPost || isOwnForm(dependencies, request, visitor);
  if (!isAcceptableForm(dependencies, request, isCsrfValid, admission))
    return refuse(await sendFormExpired(dependencies, reply, visitor, formPagePath(request)));
  if (typeof access === 'object' && !dependencies.rights.rightsOf(user).has(access.right))
    return refuse(await sendNote(dependencies, reply, visitor, 403, 'forbidden'));
  const form = isPost ? parsePageForm(request) : emptyForm;
  const reauthentication =
    isPost && isCsrfValid && user !== null
      ? await verifyReauthentication(dependencies, request, reply, { ...visitor, user }, form)
      : null;
  if (reauthentication !== null && !reauthentication.ok) return reauthentication;
  const provenVisitor =
    reauthentication === null ? visitor : { ...visitor, proof: reauthentication.value };
  const needsProof = typeof access === 'object' && access.proven === true;
  if (needsProof && !isRecentProof(provenVisitor.proof, dependencies.clock.now()))
    return refuse(await requestReauthentication(dependencies, request, reply, provenVisitor));
  return accept({ visitor: provenVisitor, form, isStale: !isCsrfValid });
}
