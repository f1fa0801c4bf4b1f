import type { PendingRequests } from '#accounts/kept-requests.ts';
import { describeDestination } from '#encoding/browser-uri.ts';
import { makeFormParameters, parseForm } from '#encoding/form.ts';
import type { OAuth1 } from '#oauth1/oauth1.ts';
import type { Clock } from '#platform/clock.ts';
import type { Actor } from '#registry/actor.ts';
import type { AuthorizationRequests } from '#registry/model/authorization-request.ts';
import type { Client } from '#registry/model/client.ts';
import type { Registry } from '#registry/registry.ts';
import { findAuthorizationRequest } from '../consent/stored-requests.ts';

export interface PendingAppDependencies {
  readonly pendingRequests: Pick<PendingRequests, 'find'>;
  readonly authorizationRequests: AuthorizationRequests;
  readonly registry: Pick<Registry, 'query'>;
  readonly protocols: { readonly core: { readonly oauth1: Pick<OAuth1, 'findClientOfToken'> } };
  readonly clock: Clock;
}

/** An app that a person is on the way to. */
export interface PendingApp {
  /** Null: nothing is said of one that nobody approved. */
  readonly shown: { readonly name: string; readonly place: string | null } | null;
}

const authorizationPaths =
  /^\/(?:oauth2\/authorize|oauth1\/(?:authorize|authenticate)|w\/rest\.php\/oauth2\/authorize|w\/index\.php|wiki\/)/;

/** The app that a path asks a consent for; null: none does. Its client may be hidden or gone. */
async function findRequestingClient(
  dependencies: PendingAppDependencies,
  actor: Actor,
  path: string,
): Promise<{ readonly client: Client | undefined } | null> {
  const queries = dependencies.registry.query(actor);
  const [, handle] = /^\/authorize\/([\w-]{51})(?:\?|$)/.exec(path) ?? [];
  if (handle !== undefined) {
    const authorizationRequest = await findAuthorizationRequest(dependencies, handle);
    return authorizationRequest === undefined
      ? null
      : { client: await queries.findRequestingClient(authorizationRequest.clientId) };
  }
  const question = path.indexOf('?');
  if (question < 0 || !authorizationPaths.test(path)) return null;
  const query = parseForm(path.slice(question + 1));
  if (!query.ok) return { client: undefined };
  const values = makeFormParameters(query.value);
  const id =
    values.get('client_id') ?? values.get('oauth_consumer_key') ?? values.get('consumerKey');
  if (id !== undefined) return { client: await queries.findRequestingClient(id) };
  const token = values.get('oauth_token') ?? values.get('requestToken') ?? '';
  return { client: await dependencies.protocols.core.oauth1.findClientOfToken(token) };
}

/** The app that waits behind a `returnto`; null: none does. */
export async function findPendingApp(
  dependencies: PendingAppDependencies,
  actor: Actor,
  returnto: string,
): Promise<PendingApp | null> {
  const [, handle] = /^\/continue\/([\w-]{51})$/.exec(returnto) ?? [];
  const path =
    handle === undefined ? returnto : ((await dependencies.pendingRequests.find(handle)) ?? '/');
  const pending = await findRequestingClient(dependencies, actor, path);
  if (pending === null) return null;
  const { client } = pending;
  const approved = client?.stage === 'approved' && !client.suppressed;
  return {
    shown: approved ? { name: client.name, place: describeDestination(client.redirectUri) } : null,
  };
}
