import type { FastifyReply } from 'fastify';
import { redirectLocally } from '#http/redirects.ts';
import type { ApprovalOutcome } from '#oauth1/authorization.ts';
import type { Client } from '#registry/model/client.ts';
import type { ProvenRedirect } from '#registry/model/proven-redirect.ts';
import type { Html } from '../frame.ts';
import {
  type FrameDependencies,
  type PageVisitor,
  pageFrame,
  redirectToClient,
  sendNote,
  sendPage,
} from '../respond.ts';
import type { NoteKey } from '../words.ts';
import type { ApprovalRefusal, ApprovalResult } from './approval.ts';
import { authorizationErrorNote } from './authorization-notes.ts';
import { verifierPage } from './verifier.template.ts';

/** What a person gets on the way of an authorization. */
export type AuthorizationResponse =
  /** Back to the app. */
  | { readonly toClient: ProvenRedirect }
  /** To a path of this server. */
  | { readonly to: string }
  | { readonly status: number; readonly page: Html }
  | {
      readonly status: number;
      readonly note: NoteKey;
      readonly values?: Readonly<Record<string, string | number>>;
    };

/** Tells a person what is not told to the app. */
export function refusalResponse(refusal: ApprovalRefusal): AuthorizationResponse {
  return refusal.kind === 'readonly'
    ? { status: 503, note: 'readonly', values: { reason: refusal.reason } }
    : authorizationErrorNote(refusal);
}

/** Sends a person back to the app, or shows the code that they carry there. */
export const outcomeResponse = (
  dependencies: FrameDependencies,
  visitor: PageVisitor,
  client: Client,
  outcome: ApprovalOutcome,
): AuthorizationResponse =>
  outcome.kind === 'redirect'
    ? { toClient: outcome.uri }
    : {
        status: 200,
        page: verifierPage(pageFrame(dependencies, visitor), {
          appName: client.name,
          verifier: outcome.verifier,
        }),
      };

/** The answer to an approval; undefined: another decision was faster. */
export function approvalResponse(
  dependencies: FrameDependencies,
  visitor: PageVisitor,
  client: Client,
  result: ApprovalResult,
): AuthorizationResponse | undefined {
  switch (result.kind) {
    case 'completed':
      return outcomeResponse(dependencies, visitor, client, result.outcome);
    case 'refused':
      return refusalResponse(result.refusal);
    case 'superseded':
      return undefined;
  }
}

/** Two decisions met, and the other one was taken. */
export const supersededResponse = {
  status: 409,
  note: 'request-answered',
} as const satisfies AuthorizationResponse;

export async function sendAuthorizationResponse(
  dependencies: FrameDependencies,
  reply: FastifyReply,
  visitor: PageVisitor,
  response: AuthorizationResponse,
): Promise<FastifyReply> {
  if ('toClient' in response) return redirectToClient(reply, response.toClient);
  if ('to' in response) return redirectLocally(reply, response.to);
  if ('page' in response) return sendPage(reply, response.status, response.page);
  return sendNote(dependencies, reply, visitor, response.status, response.note, response.values);
}
