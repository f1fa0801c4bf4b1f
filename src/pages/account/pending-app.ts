import type { PendingRequests } from '#accounts/kept-requests.ts';
import { describeDestination } from '#encoding/browser-uri.ts';
import { makeFormParameters, parseForm } from '#encoding/form.ts';
import type { ClientId } from '#kernel/ids.ts';
import type { OAuth1 } from '#oauth1/oauth1.ts';
import type { Clock } from '#platform/clock.ts';
import type { AuthorizationRequests } from '#registry/model/authorization-request.ts';
import type { Client } from '#registry/model/client.ts';
import type { RegistryRecords } from '#registry/records.ts';
import { findAuthorizationRequest } from '../consent/decision.ts';

export interface PendingAppDependencies {
  readonly pendingRequests: Pick<PendingRequests, 'find'>;
  readonly authorizationRequests: AuthorizationRequests;
  readonly records: Pick<RegistryRecords, 'findClient'>;
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

async function findClientOfPath(
  dependencies: PendingAppDependencies,
  path: string,
): Promise<Client | undefined> {
  const [, handle] = /^\/authorize\/([\w-]{51})(?:\?|$)/.exec(path) ?? [];
  if (handle !== undefined) {
    const authorizationRequest = await findAuthorizationRequest(dependencies, handle);
    return authorizationRequest && dependencies.records.findClient(authorizationRequest.clientId);
  }
  const question = path.indexOf('?');
  const query =
    question < 0 || !authorizationPaths.test(path)
      ? undefined
      : parseForm(path.slice(question + 1));
  if (!query?.ok) return undefined;
  const values = makeFormParameters(query.value);
  const id =
    values.get('client_id') ?? values.get('oauth_consumer_key') ?? values.get('consumerKey');
  if (id !== undefined)
    return /^[\w-]{1,64}$/.test(id) ? dependencies.records.findClient(id as ClientId) : undefined;
  return dependencies.protocols.core.oauth1.findClientOfToken(
    values.get('oauth_token') ?? values.get('requestToken') ?? '',
  );
}

/** The app that waits behind a `returnto`; null: none does. */
export async function findPendingApp(
  dependencies: PendingAppDependencies,
  returnto: string,
): Promise<PendingApp | null> {
  const [, handle] = /^\/continue\/([\w-]{51})$/.exec(returnto) ?? [];
  const path =
    handle === undefined ? returnto : ((await dependencies.pendingRequests.find(handle)) ?? '/');
  const client = await findClientOfPath(dependencies, path);
  if (client === undefined)
    return authorizationPaths.test(path) && path.includes('?') ? { shown: null } : null;
  const approved = client.stage === 'approved' && !client.suppressed;
  return {
    shown: approved ? { name: client.name, place: describeDestination(client.redirectUri) } : null,
  };
}
