import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Account } from '#accounts/account.ts';
import { pageActor } from '#http/session.ts';
import type { SiteId } from '#kernel/ids.ts';
import type { Client } from '#registry/model/client.ts';
import type { PageVisitor } from '../respond.ts';
import { type ApprovalDependencies, approve, completeAuthorization } from './approval.ts';
import {
  type AuthorizationResponse,
  approvalResponse,
  sendAuthorizationResponse,
  supersededResponse,
} from './authorization-response.ts';
import { type DenialDependencies, deny } from './denial.ts';
import {
  type PendingAuthorization,
  type StoredRequestDependencies,
  storeAuthorizationRequest,
} from './stored-requests.ts';

// The way of an authorization: an endpoint judged the request and leads here. Who need not be asked
// goes back to the app at once (`completeAuthorization`, `approve`); everybody else decides on a
// page (consent.routes.ts), which leads to `approve` (approval.ts) or `deny` (denial.ts).

export interface AuthorizationDependencies
  extends ApprovalDependencies,
    DenialDependencies,
    StoredRequestDependencies {
  /** The site people are on. */
  readonly site: SiteId;
}

/** Somebody who is signed in. */
export type SignedInVisitor = PageVisitor & { readonly user: Account };

/** How a request wants a person to be asked. */
export interface AuthorizationOptions {
  /** False: a returning person is asked again. */
  readonly canSkipConsent?: boolean;
  /** True: a person who has to be asked is sent back instead (OpenID Connect Core §3.1.2.1). */
  readonly promptNone?: boolean;
}

/**
 * Sends a person back to the app at once when they need not be asked, else to the page where they
 * decide.
 */
export async function continueAuthorization(
  dependencies: AuthorizationDependencies,
  httpRequest: FastifyRequest,
  reply: FastifyReply,
  visitor: SignedInVisitor,
  request: PendingAuthorization,
  client: Client,
  options: AuthorizationOptions = {},
): Promise<FastifyReply> {
  const actor = pageActor(dependencies, httpRequest, visitor);
  const subject = { request, client, user: visitor.user, actor };
  const response = await nextStep(dependencies, visitor, subject, options);
  return sendAuthorizationResponse(dependencies, reply, visitor, response);
}

async function nextStep(
  dependencies: AuthorizationDependencies,
  visitor: SignedInVisitor,
  subject: Parameters<typeof approve>[1] & { readonly request: PendingAuthorization },
  { canSkipConsent = true, promptNone = false }: AuthorizationOptions,
): Promise<AuthorizationResponse> {
  const { request, client, actor } = subject;
  const { asked, scopes } = request;
  const need = await dependencies.registry.query(actor).consentNeed(client, {
    scopes,
    site: dependencies.site,
    redirectUri: asked.protocol === 'oauth2' ? asked.redirectUri : null,
    canSkipConsent,
  });
  if (need?.kind === 'standing' || need?.kind === 'implied') {
    const result =
      need.kind === 'standing'
        ? await completeAuthorization(dependencies, subject, need.consent)
        : await approve(dependencies, subject, { consent: need.scopes, withdrawn: [], scopes });
    return approvalResponse(dependencies, visitor, client, result) ?? supersededResponse;
  }
  if (promptNone) return deny(dependencies, visitor, subject, 'consent_required');
  return { to: await storeAuthorizationRequest(dependencies, request) };
}
