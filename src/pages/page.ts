import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Account } from '#accounts/account.ts';
import type { RequestOrigin, SignedIn } from '#accounts/sessions.ts';
import { type FormParameters, makeFormParameters } from '#encoding/form.ts';
import { redirectLocally } from '#http/redirects.ts';
import { parseQuery } from '#http/request.ts';
import {
  clearSession,
  hasFormCookie,
  pageActor,
  rememberDevice,
  requestOriginOf,
  startSession,
} from '#http/session.ts';
import type { Actor } from '#registry/actor.ts';
import { requestReauthentication } from './account/reauthentication.ts';
import { type Access, type AdmittedVisitor, admit, type PageDependencies } from './admission.ts';
import { type FormProblem, formLevelProblem } from './form-problems.ts';
import type { Frame, Html } from './frame.ts';
import { type PageVisitor, pageFrame, sendNote, sendPage } from './respond.ts';
import type { NoteKey } from './words.ts';

/** One request for a page, with everything that any handler needs. */
export interface PageCall<U extends Account | null = Account | null> {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly visitor: PageVisitor;
  readonly frame: Frame;
  readonly user: U;
  /** Acts through the pages: every right of the person, and an ETag is asked for. */
  readonly actor: Actor;
  readonly params: Readonly<Record<string, string>>;
  readonly query: FormParameters;
  /** The form of a POST; empty otherwise. */
  readonly form: FormParameters;
  /** Where the request comes from, for the list of sessions and for throttling. */
  readonly requestOrigin: RequestOrigin;
  /**
   * Puts a new session into the browser, in place of any other: its secret is new, whatever the
   * browser held before.
   */
  startSession(signedIn: SignedIn): Promise<void>;
  /** Takes the session out of the browser; the session itself goes on. */
  clearSession(): void;
}

/** A call of somebody who is signed in. */
export type SignedInCall = PageCall<Account>;

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

/** There is nothing at this address, as far as this person may know. */
export const notFound = { status: 404, note: 'not-found' } as const satisfies PageResponse;

type PageHandler = (call: PageCall) => Promise<PageResponse>;
/** Shows a form again whose CSRF token is not the browser's any more; the problem says why. */
type StaleFormHandler = (call: PageCall, problems: readonly FormProblem[]) => Promise<PageResponse>;

/** One address: who may come, and what answers. */
interface PageRoute {
  readonly access: Access;
  readonly handler: PageHandler;
  readonly staleHandler?: StaleFormHandler;
}

const emptyForm = makeFormParameters([]);

function makePageCall(
  dependencies: PageDependencies,
  request: FastifyRequest,
  reply: FastifyReply,
  { visitor, form }: AdmittedVisitor,
): PageCall {
  const query = parseQuery(request);
  return {
    request,
    reply,
    visitor,
    frame: pageFrame(dependencies, visitor),
    user: visitor.user,
    actor: pageActor(dependencies, request, visitor),
    params: request.params as Readonly<Record<string, string>>,
    query: query.ok ? makeFormParameters(query.value) : emptyForm,
    form,
    requestOrigin: requestOriginOf(dependencies, request),
    async startSession({ account, sessionSecret, expiresAt }) {
      if (visitor.signedIn) await dependencies.accounts.signOut(visitor.secret);
      startSession(dependencies, reply, sessionSecret, expiresAt - dependencies.clock.now());
      rememberDevice(dependencies, request, reply, account);
    },
    clearSession: () => clearSession(dependencies, reply),
  };
}

/** What is said above a form that is shown again because it was stale. */
const staleFormProblems = (
  dependencies: PageDependencies,
  { request, frame }: PageCall,
): readonly FormProblem[] =>
  formLevelProblem(
    frame.words.say(hasFormCookie(dependencies, request) ? 'sign-in.stale' : 'sign-in.no-cookie'),
  );

function sendPageResponse(
  dependencies: PageDependencies,
  { request, reply, visitor }: PageCall,
  answer: PageResponse,
): FastifyReply | Promise<FastifyReply> {
  if ('reauthenticate' in answer && answer.reauthenticate === true)
    return requestReauthentication(dependencies, request, reply, visitor);
  if ('responseSent' in answer && answer.responseSent === true) return reply;
  if ('to' in answer) return redirectLocally(reply, answer.to);
  if ('note' in answer)
    return sendNote(dependencies, reply, visitor, answer.status, answer.note, answer.values);
  if ('page' in answer) return sendPage(reply, answer.status, answer.page);
  return sendPage(reply, 200, answer as Html);
}

async function servePage(
  dependencies: PageDependencies,
  request: FastifyRequest,
  reply: FastifyReply,
  route: PageRoute,
): Promise<FastifyReply> {
  const admitted = await admit(dependencies, request, reply, {
    access: route.access,
    canBeStale: route.staleHandler !== undefined,
  });
  if (!admitted.ok) return admitted.refusal;
  const call = makePageCall(dependencies, request, reply, admitted.value);
  const { handler, staleHandler } = route;
  const answer =
    admitted.value.isStale && staleHandler
      ? await staleHandler(call, staleFormProblems(dependencies, call))
      : await handler(call);
  return sendPageResponse(dependencies, call, answer);
}

/** Puts a handler at a path; it knows whose account it serves where nobody else may come. */
interface AddPage {
  (path: string, handler: PageHandler): void;
  (
    path: string,
    handler: (call: SignedInCall) => Promise<PageResponse>,
    access: Exclude<Access, 'everybody'>,
  ): void;
}

/** Puts pages at their addresses. */
export interface PageRouter {
  /** A page at an address. */
  readonly getPage: AddPage;
  /** What a form at an address does: its CSRF token is checked before anything is read from it. */
  readonly postForm: AddPage;
  /**
   * The same for a form of people who need not be signed in. `staleHandler` answers one whose CSRF
   * token is not the browser's any more: it was open for too long, or somebody signed in or out in
   * another tab. It does nothing but show the form again with what was typed.
   */
  postPublicForm(path: string, handler: PageHandler, staleHandler: StaleFormHandler): void;
}

/** Makes the one way to put pages at their addresses. */
export function makePageRouter(app: FastifyInstance, dependencies: PageDependencies): PageRouter {
  const addRoute = (method: 'get' | 'post', path: string, route: PageRoute): void =>
    void app[method](path, (request, reply) => servePage(dependencies, request, reply, route));
  const addPage =
    (method: 'get' | 'post'): AddPage =>
    (
      path: string,
      handler: (call: never) => Promise<PageResponse>,
      access: Access = 'everybody',
    ): void =>
      addRoute(method, path, { access, handler: handler as PageHandler });
  return {
    getPage: addPage('get'),
    postForm: addPage('post'),
    postPublicForm: (path, handler, staleHandler) =>
      addRoute('post', path, { access: 'everybody', handler, staleHandler }),
  };
}
