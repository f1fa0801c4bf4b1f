import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Account } from '#accounts/account.ts';
import { type FormValues, formValues } from '#encoding/form.ts';
import { pageForm, queryOf } from '#http/request.ts';
import {
  actorOf,
  formIsOurs,
  frameOf,
  isFromHere,
  refuseForm,
  seeOther,
  sendNote,
  sendPage,
  type Visitor,
  visitorOf,
} from '#http/session.ts';
import type { World } from '#http/world.ts';
import { isRecent } from '#registry/actions/authority.ts';
import type { Actor } from '#registry/actor.ts';
import { askForProof, takeProof } from './account/proof.ts';
import { pageOf, signInFirst, signInForForm } from './account/sign-in-first.ts';
import type { Frame, Html } from './layout.ts';
import type { Note } from './words.ts';

/** One request for a page of ours, with everything its handler needs. */
export interface PageCall<U extends Account | null = Account | null> {
  readonly world: World;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly visitor: Visitor;
  readonly frame: Frame;
  readonly user: U;
  /** Acts through the pages: every right of the person, and a change token is asked for. */
  readonly actor: Actor;
  readonly params: Readonly<Record<string, string>>;
  readonly query: FormValues;
  /** The form of a POST; empty otherwise. */
  readonly form: FormValues;
}

/**
 * What a handler answers: a page; a page with a status; a way to go on (303); or one thing to say.
 */
export type PageAnswer =
  | Html
  | { readonly status: number; readonly page: Html }
  | { readonly to: string }
  | {
      readonly status: number;
      readonly note: Note;
      readonly values?: Readonly<Record<string, string | number>>;
    }
  | { readonly done: true }
  /**
   * The person has to prove first who they are: they are asked, and the form is sent again with
   * their proof.
   */
  | { readonly prove: true };

/**
 * Who may come: everybody, whoever is signed in, or holders of a right; `proven`: who also proved
 * in the last ten minutes that it is them.
 */
export type Guest = 'everybody' | 'signed-in' | { readonly right: string; readonly proven?: true };

type Handler = (call: PageCall) => Promise<PageAnswer>;

const empty = formValues([]);

async function serve(
  world: World,
  request: FastifyRequest,
  reply: FastifyReply,
  who: Guest,
  handle: Handler,
  stale?: Handler,
): Promise<FastifyReply> {
  const visitor = await visitorOf(world, request, reply);
  const { user } = visitor;
  const posted = request.method === 'POST';
  if (who !== 'everybody' && user === null)
    return posted ? signInForForm(world, request, reply) : signInFirst(world, request, reply);
  const ours = !posted || formIsOurs(world, request, visitor);
  if (!ours && !(stale && isFromHere(world, request) && pageForm(request).repeated === undefined))
    return refuseForm(world, reply, visitor, pageOf(request));
  if (typeof who === 'object' && !world.rights.rightsOf(user).has(who.right))
    return sendNote(world, reply, visitor, 403, 'forbidden');
  const form = posted ? pageForm(request) : empty;
  const shown =
    posted && ours && user !== null
      ? await takeProof(world, request, reply, { ...visitor, user }, form)
      : null;
  if (shown !== null && !shown.ok) return shown.refusal;
  const proven = shown === null ? visitor : { ...visitor, proof: shown.value };
  if (typeof who === 'object' && who.proven && !isRecent(proven.proof, world.clock.now()))
    return askForProof(world, request, reply, proven);
  const query = queryOf(request);
  const answer = await (ours ? handle : (stale ?? handle))({
    world,
    request,
    reply,
    visitor: proven,
    frame: frameOf(world, proven),
    user,
    actor: actorOf(world, request, proven),
    params: request.params as Readonly<Record<string, string>>,
    query: query.ok ? formValues(query.value) : empty,
    form,
  });
  if ('prove' in answer && answer.prove === true) return askForProof(world, request, reply, proven);
  if ('done' in answer && answer.done === true) return reply;
  if ('to' in answer) return seeOther(reply, answer.to);
  if ('note' in answer)
    return sendNote(world, reply, visitor, answer.status, answer.note, answer.values);
  if ('page' in answer) return sendPage(reply, answer.status, answer.page);
  return sendPage(reply, 200, answer as Html);
}

/** Puts a handler at an address; it knows whose account it serves where nobody else may come. */
interface Put {
  (
    app: FastifyInstance,
    world: World,
    path: string,
    handle: (call: PageCall) => Promise<PageAnswer>,
  ): void;
  (
    app: FastifyInstance,
    world: World,
    path: string,
    handle: (call: PageCall<Account>) => Promise<PageAnswer>,
    who: Exclude<Guest, 'everybody'>,
  ): void;
}

const putting =
  (method: 'get' | 'post'): Put =>
  (
    app: FastifyInstance,
    world: World,
    path: string,
    handle: (call: never) => Promise<PageAnswer>,
    who: Guest = 'everybody',
  ): void => {
    app[method](path, (request, reply) =>
      serve(world, request, reply, who, handle as (call: PageCall) => Promise<PageAnswer>),
    );
  };

/** A page at an address. */
export const showPage = putting('get');

/** What a form at an address does: its proof is checked before anything is read from it. */
export const takeForm = putting('post');

/**
 * The same for a form of people who need not be signed in. `stale` answers one whose proof is not
 * that of the browser any more: it was open for too long, or somebody signed in or out in another
 * tab. It does nothing but show the form again with what was typed.
 */
export function takeOpenForm(
  app: FastifyInstance,
  world: World,
  path: string,
  handle: Handler,
  stale: Handler,
): void {
  app.post(path, (request, reply) => serve(world, request, reply, 'everybody', handle, stale));
}
