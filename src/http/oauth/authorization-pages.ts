import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Account } from '#accounts/account.ts';
import type { OAuth1Refusal } from '#oauth1/refusals.ts';
import type { AuthorizationProblem } from '#oauth2/refusals.ts';
import type { AuthorizationRequest } from '#registry/model/authorization-request.ts';
import type { Client } from '#registry/model/client.ts';
import type { ProvenRedirect } from '#registry/model/proven-redirect.ts';
import type { Visitor } from '../session.ts';

/** What an app asked for, before it is stored under a handle. */
export type PendingAuthorization = Omit<AuthorizationRequest, 'digest' | 'expiresAt'>;

/** A request of an app that cannot be shown to a person for a decision. */
export interface AuthorizationError {
  readonly refusal: OAuth1Refusal | AuthorizationProblem;
  /** What a dialect says of it on the page, with its codes, in place of the pages' own text. */
  readonly text?: string | undefined;
}

/**
 * The part of the web interface that both authorization endpoints lead to, and a dialect's: the
 * endpoints judge a request, the pages talk with the person.
 */
export interface AuthorizationPages {
  /**
   * Sends somebody to sign in first, and back to `path` afterwards. Left out: the path of the
   * request.
   */
  signInFirst(
    request: FastifyRequest,
    reply: FastifyReply,
    path?: string | undefined,
  ): Promise<FastifyReply>;
  /**
   * Sends a person back to the app where they need not be asked, and otherwise to the page where
   * they decide.
   */
  continueAuthorization(
    request: FastifyRequest,
    reply: FastifyReply,
    visitor: Visitor & { readonly user: Account },
    pendingRequest: PendingAuthorization,
    client: Client,
    options: { readonly canSkipConsent?: boolean; readonly promptNone?: boolean },
  ): Promise<FastifyReply>;
  /** Tells a person what is not told to the app. */
  sendAuthorizationError(
    request: FastifyRequest,
    reply: FastifyReply,
    visitor: Visitor,
    error: AuthorizationError,
  ): Promise<FastifyReply>;
  /** Tells a person that what the app sent with them is too large to be read: 413. */
  sendTooLarge(
    request: FastifyRequest,
    reply: FastifyReply,
    visitor: Visitor,
  ): Promise<FastifyReply>;
  /** 303 to an app, or a page that leads there where the address is too long for a header. */
  redirectToClient(
    request: FastifyRequest,
    reply: FastifyReply,
    to: ProvenRedirect,
  ): FastifyReply | Promise<FastifyReply>;
}
