import { protocolsNamed, type ServedProtocols } from '#http/world.ts';
import { looksUnknown } from '#registry/model/proven-redirect.ts';
import { type FrameDependencies, type PageVisitor, pageFrame } from '../respond.ts';
import type { ApprovalSubject } from './approval.ts';
import { type AuthorizationResponse, refusalResponse } from './authorization-response.ts';
import { deniedPage } from './decided.template.ts';

export interface DenialDependencies extends FrameDependencies {
  readonly protocols: ServedProtocols;
}

/**
 * Denies. OAuth 2 sends the person back with it (RFC 6749 §4.1.2.1); OAuth 1 has no such answer, so
 * that a page says it, with the way back to the app.
 */
export async function deny(
  dependencies: DenialDependencies,
  visitor: PageVisitor,
  { request, client, user }: ApprovalSubject,
  reason: 'denied' | 'consent_required' = 'denied',
): Promise<AuthorizationResponse> {
  const { oauth1, oauth2 } = protocolsNamed(dependencies.protocols, request.dialect);
  const { asked } = request;
  if (asked.protocol === 'oauth2') {
    const denied = oauth2.denialRedirect(asked, client, user, reason);
    return denied.ok ? { toClient: denied.value } : refusalResponse(denied.refusal.problem);
  }
  if (looksUnknown(client, user)) return refusalResponse({ kind: 'unknown_client' });
  const returnHref = await oauth1.denialRedirect(asked.token, client, user);
  const view = { appName: client.name };
  return returnHref === undefined
    ? { status: 200, note: 'not-allowed', values: { app: client.name } }
    : {
        status: 200,
        page: deniedPage(pageFrame(dependencies, visitor), { ...view, returnHref }),
      };
}
