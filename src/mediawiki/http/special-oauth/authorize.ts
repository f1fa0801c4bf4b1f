import type { FastifyReply } from 'fastify';
import { formEncode } from '#encoding/form.ts';
import { startOAuth1Authorization } from '#http/oauth/oauth1.ts';
import { makeAuthorizationPages } from '#pages/authorization-pages.ts';
import { toDialogError } from '../../messages.ts';
import { MEDIAWIKI } from '../../oauth1-profile.ts';
import type { SpecialPageDependencies, SpecialRequest } from './special-request.ts';

/** Asks the person for a consent (RFC 5849 §2.2); `authenticate` may skip one that was given. */
export function handleAuthorize(
  { services }: SpecialPageDependencies,
  { request, reply, form }: SpecialRequest,
  subpage: 'authorize' | 'authenticate',
): Promise<FastifyReply> {
  const token = form.get('requestToken') ?? form.get('oauth_token') ?? '';
  const clientId = form.get('consumerKey') ?? form.get('oauth_consumer_key');
  const popup = form.get('display') === 'popup';
  // A form that a stranger sent is asked for again by its address after sign-in.
  const retryQuery = formEncode([
    ['title', `Special:OAuth/${subpage}`],
    ['oauth_token', token],
    ...(clientId === undefined ? [] : [['oauth_consumer_key', clientId] as const]),
  ]);
  const returnTo = request.method === 'GET' ? undefined : `/w/index.php?${retryQuery}`;
  return startOAuth1Authorization(services, makeAuthorizationPages(services), request, reply, {
    token,
    clientId,
    canSkipConsent: subpage === 'authenticate',
    dialect: MEDIAWIKI,
    popup,
    returnTo,
    describeRefusal: toDialogError,
  });
}
