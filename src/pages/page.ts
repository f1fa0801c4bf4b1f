import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Account } from '#accounts/account.ts';
import { type FormParameters, makeFormParameters } from '#encoding/form.ts';
import { parsePageForm, parseQuery } from '#http/request.ts';
import {
  hasValidCsrfToken,
  identifyVisitor,
  isSameOrigin,
  pageActor,
  pageFrame,
  redirectLocally,
  sendFormExpired,
  sendNote,
  sendPage,
  type Visitor,
} from '#http/session.ts';
import type { Services } from '#http/world.ts';
import { isRecentProof } from '#registry/actions/authority.ts';
import type { Actor } from '#registry/actor.ts';
import { requestReauthentication, verifyReauthentication } from './account/proof.ts';
import { formPagePath, redirectFormToSignIn, redirectToSignIn } from './account/sign-in-first.ts';
import type { Frame, Html } from './frame.ts';
import type { NoteKey } from './words.ts';

/** One request for a page of ours, with everything its handler needs. */
export interface PageCall<U extends Account | null = Account | null> {
  readonly services: Services;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly visitor: Visitor;
  readonly frame: Frame;
  readonly user: U;
  /** Acts through the pages: every right of the person, and a change token is asked for. */
  readonly actor: Actor;
  readonly params: Readonly<Record<string, string>>;
  readonly query: FormParameters;
  /** The form of a POST; empty otherwise. */
  readonly form: FormParameters;
}

/**
 * What a handler answers: a page; a page with a status; a way to go on (303); or one thing to say.
 */
export type PageResponse =
  | Html
  | { readonly status: number; readonly page: Html }
  | { readonly to: string }
  | {
      readonly status: number;
      readonly note: NoteKey;
      readonly values?: Readonly<Record<string, string | number>>;
    }
  | { readonly responseSent: true }
  /**
   * The person has to prove first who they are: they are asked, and the form is sent again with
   * their proof.
   */
  | { readonly reauthenticate: true };

/**
 * Who may come: everybody, whoever is signed in, or holders of a right; `proven`: who also proved
 * in the last ten minutes that it is them.
 */
export type Access = 'everybody' | 'signed-in' | { readonly right: string; readonly proven?: true };

type PageHandler = (call: PageCall) => Promise<PageResponse>;

const emptyForm = makeFormParameters([]);

async function servePage(
  services: Services,
  request: FastifyRequest,
  reply: FastifyReply,
  access: Access,
  handler: PageHandler,
  staleHandler?: PageHandler,
): Promise<FastifyReply> {
  const visitor = await identifyVisitor(services, request, reply);
  const { user } = visitor;
  const isPost = request.method === 'POST';
  if (access !== 'everybody' && user === null)
    return isPost
      ? redirectFormToSignIn(services, request, reply)
      : redirectToSignIn(services, request, reply);
  const isCsrfValid = !isPost || hasValidCsrfToken(services, request, visitor);
  if (
    !isCsrfValid &&
    !(
      staleHandler &&
      isSameOrigin(services, request) &&
      parsePageForm(request).repeated === undefined
    )
  )
    return sendFormExpired(services, reply, visitor, formPagePath(request));
  if (typeof access === 'object' && !services.rights.rightsOf(user).has(access.right))
    return sendNote(services, reply, visitor, 403, 'forbidden');
  const form = isPost ? parsePageForm(request) : emptyForm;
  const reauthentication =
    isPost && isCsrfValid && user !== null
      ? await verifyReauthentication(services, request, reply, { ...visitor, user }, form)
      : null;
  if (reauthentication !== null && !reauthentication.ok) return reauthentication.refusal;
  const provenVisitor =
    reauthentication === null ? visitor : { ...visitor, proof: reauthentication.value };
  if (
    typeof access === 'object' &&
    access.proven &&
    !isRecentProof(provenVisitor.proof, services.clock.now())
  )
    return requestReauthentication(services, request, reply, provenVisitor);
  const query = parseQuery(request);
  const answer = await (isCsrfValid ? handler : (staleHandler ?? handler))({
    services,
    request,
    reply,
    visitor: provenVisitor,
    frame: pageFrame(services, provenVisitor),
    user,
    actor: pageActor(services, request, provenVisitor),
    params: request.params as Readonly<Record<string, string>>,
    query: query.ok ? makeFormParameters(query.value) : emptyForm,
    form,
  });
  if ('reauthenticate' in answer && answer.reauthenticate === true)
    return requestReauthentication(services, request, reply, provenVisitor);
  if ('responseSent' in answer && answer.responseSent === true) return reply;
  if ('to' in answer) return redirectLocally(reply, answer.to);
  if ('note' in answer)
    return sendNote(services, reply, visitor, answer.status, answer.note, answer.values);
  if ('page' in answer) return sendPage(reply, answer.status, answer.page);
  return sendPage(reply, 200, answer as Html);
}

/** Puts a handler at an address; it knows whose account it serves where nobody else may come. */
interface RouteHandler {
  (
    app: FastifyInstance,
    services: Services,
    path: string,
    handler: (call: PageCall) => Promise<PageResponse>,
  ): void;
  (
    app: FastifyInstance,
    services: Services,
    path: string,
    handler: (call: PageCall<Account>) => Promise<PageResponse>,
    access: Exclude<Access, 'everybody'>,
  ): void;
}

const pageRoute =
  (method: 'get' | 'post'): RouteHandler =>
  (
    app: FastifyInstance,
    services: Services,
    path: string,
    handler: (call: never) => Promise<PageResponse>,
    access: Access = 'everybody',
  ): void => {
    app[method](path, (request, reply) =>
      servePage(
        services,
        request,
        reply,
        access,
        handler as (call: PageCall) => Promise<PageResponse>,
      ),
    );
  };

/** A page at an address. */
export const getPage = pageRoute('get');

/** What a form at an address does: its proof is checked before anything is read from it. */
export const postForm = pageRoute('post');

/**
 * The same for a form of people who need not be signed in. `stale` answers one whose proof is not
 * that of the browser any more: it was open for too long, or somebody signed in or out in another
 * tab. It does nothing but show the form again with what was typed.
 */
export function postPublicForm(
  app: FastifyInstance,
  services: Services,
  path: string,
  handler: PageHandler,
  staleHandler: PageHandler,
): void {
  app.post(path, (request, reply) =>
    servePage(services, request, reply, 'everybody', handler, staleHandler),
  );
}
