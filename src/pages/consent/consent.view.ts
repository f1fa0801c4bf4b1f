import { describeDestination } from '#encoding/browser-uri.ts';
import { consentDenial } from '#registry/consent-policy.ts';
import type { ScopeCatalogue } from '#registry/model/scopes.ts';
import type { Sites } from '#registry/model/sites.ts';
import { permissionGroups } from '../apps/app.view.ts';
import { pageFrame } from '../respond.ts';
import { noteTexts } from '../words.ts';
import type { SignedInVisitor } from './authorization.ts';
import { type AuthorizationResponse, refusalResponse } from './authorization-response.ts';
import { type ConsentView, consentPage } from './consent.template.ts';
import { continuePage } from './decided.template.ts';
import { type DecisionDependencies, isRepeatable } from './decision.ts';
import { isClosed, isOwnRequest, type OpenedRequest } from './opened-request.ts';

export interface ConsentViewDependencies extends DecisionDependencies {
  readonly scopes: ScopeCatalogue;
  readonly sites: Pick<Sites, 'nameOf'>;
}

/** Where a person signs in with another account, and comes back to the request. */
const switchAccountPath = (handle: string): string =>
  `/sign-in?switch=1&${new URLSearchParams({ returnto: `/authorize/${handle}` })}`;

/** Host, or scheme of an app on the device, that the person will be sent to. */
function redirectDestination({ request, client }: OpenedRequest): string | null {
  const { asked } = request;
  return describeDestination(asked.protocol === 'oauth2' ? asked.redirectUri : client.redirectUri);
}

/**
 * What a person is told when nothing can be decided any more, or not by them; undefined: it can.
 */
export function closedResponse(
  dependencies: ConsentViewDependencies,
  visitor: SignedInVisitor,
  opened: OpenedRequest,
): AuthorizationResponse | undefined {
  const { handle, request, client } = opened;
  if (isClosed(dependencies, opened)) return lateResponse(opened);
  if (isOwnRequest(opened)) return undefined;
  const user = visitor.user.name;
  const page = continuePage(pageFrame(dependencies, visitor), {
    ...noteTexts(visitor.words, 'request-other', { app: client.name, user }),
    name: 'continue',
    label: visitor.words.say('consent.continue-as', { user }),
    switchAccountHref: switchAccountPath(handle),
    bare: request.display === 'popup',
  });
  return { status: 403, page };
}

/** Tells a person that a request is over. */
export const lateResponse = ({ client }: OpenedRequest): AuthorizationResponse => ({
  status: 410,
  note: 'request-late',
  values: { app: client.name },
});

/** What was decided, and what to do now: somebody went back to the page. */
export async function decidedResponse(
  dependencies: ConsentViewDependencies,
  visitor: SignedInVisitor,
  opened: OpenedRequest,
): Promise<AuthorizationResponse> {
  const { request, client } = opened;
  const values = { app: client.name };
  if (request.decision?.kind === 'denied') return { status: 200, note: 'request-denied', values };
  if (!(await isRepeatable(dependencies, visitor, opened)))
    return { status: 200, note: 'request-allowed', values };
  const page = continuePage(pageFrame(dependencies, visitor), {
    ...noteTexts(visitor.words, 'request-allowed', values),
    name: 'accept',
    label: visitor.words.say('consent.continue-to', values),
    bare: request.display === 'popup',
  });
  return { status: 200, page };
}

/**
 * The page where a person decides, or why they cannot. `isStaleForm`: they sent a form of another
 * session, and are asked again.
 */
export async function consentResponse(
  dependencies: ConsentViewDependencies,
  visitor: SignedInVisitor,
  opened: OpenedRequest,
  { isStaleForm = false }: { readonly isStaleForm?: boolean } = {},
): Promise<AuthorizationResponse> {
  const { request, client, user, actor } = opened;
  const queries = dependencies.registry.query(actor);
  const accepted = (await queries.currentConsent(client, dependencies.site))?.scopes ?? [];
  const denial = consentDenial(client, user, { requested: request.scopes, accepted });
  if (denial) return refusalResponse({ kind: 'consumer_key_refused', client, why: denial });
  const owner = await queries.ownerOf(client);
  const view = makeConsentView(dependencies, visitor, opened, accepted);
  return {
    status: isStaleForm ? 403 : 200,
    page: consentPage(pageFrame(dependencies, visitor), {
      ...view,
      ownerName: owner?.name ?? null,
      askedAgain: isStaleForm,
    }),
  };
}

/** What is asked for: what is new, and what was accepted before. */
function makeConsentView(
  { scopes: catalogue, sites }: ConsentViewDependencies,
  { user, words }: SignedInVisitor,
  opened: OpenedRequest,
  accepted: readonly string[],
): Omit<ConsentView, 'ownerName' | 'askedAgain'> {
  const { handle, request, client } = opened;
  const groups = (acceptedBefore: boolean) =>
    permissionGroups(
      catalogue,
      words,
      ({ name }) => request.scopes.includes(name) && accepted.includes(name) === acceptedBefore,
      client.optionalScopes,
    );
  return {
    appName: client.name,
    appDescription: client.description,
    site: sites.nameOf(client.site) ?? null,
    newGroups: groups(false),
    previouslyGranted: groups(true),
    userName: user.name,
    switchAccountHref: switchAccountPath(handle),
    destination: redirectDestination(opened),
    isProposed: client.stage === 'proposed',
    isPopup: request.display === 'popup',
  };
}
