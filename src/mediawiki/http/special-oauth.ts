import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type FormParameters, formEncode, makeFormParameters } from '#encoding/form.ts';
import { grantedRights, makeGuard, type Permit } from '#guard/permit.ts';
import { csrfToken } from '#http/csrf.ts';
import { sendUnservedToProgram } from '#http/fallback-answers.ts';
import { hasUnreadBody, parseMultipartTexts } from '#http/multipart.ts';
import { startOAuth1Authorization } from '#http/oauth/oauth1.ts';
import { redirectLocally, safeLocalPath } from '#http/redirects.ts';
import { hasOAuthCredentials, rawRequestOf } from '#http/request.ts';
import { requestOriginOf } from '#http/session.ts';
import type { HttpDialect, Protocols, Services } from '#http/world.ts';
import type { ClientId } from '#kernel/ids.ts';
import { signHs256 } from '#keys/signing.ts';
import { returnToValue } from '#pages/account/sign-in-first.ts';
import { makeAuthorizationPages } from '#pages/authorization-pages.ts';
import { verifierPage } from '#pages/consent/verifier.template.ts';
import { messagePage, notePage } from '#pages/note.template.ts';
import { identifyPageVisitor, pageFrame, sendPage } from '#pages/respond.ts';
import { type ApiCaller, answerApiQuery } from '../api.ts';
import { formatApiError } from '../api-errors.ts';
import {
  type DialectError,
  guardToApiError,
  invalidActionError,
  invalidActionForClient,
  missingParametersError,
  noSecretForIdentifyError,
  protocolException,
  readOnlyError,
  toApiProblem,
  toDialectError,
  toDialogError,
  unsupportedVersionError,
} from '../messages.ts';
import { MEDIAWIKI } from '../oauth1-profile.ts';
import { readDialectParameters } from '../php-parameters.ts';
import { identifyClaims, type ProfileSubject, toApiPerson } from '../statement.ts';
import { parsePageTitle, parseTitleInPath } from '../titles.ts';
import { mediawikiClientRoutes } from './clients.ts';
import { mediawikiErrors } from './errors.ts';
import { redirectReferencePage } from './pages.ts';
import { mediawikiRestRoutes } from './rest.ts';

/** Answers of the handshake are never kept, success and error alike (protocols 1.3). */
const noCacheHeaders = {
  expires: 'Thu, 01 Jan 1970 00:00:00 GMT',
  'cache-control': 'no-cache, no-store, max-age=0, must-revalidate',
  pragma: 'no-cache',
} as const;

const escapeHtml = (text: string) => text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);

/** Query and form together, as they are signed. */
const parseParameters = (request: FastifyRequest): FormParameters =>
  makeFormParameters(readDialectParameters(rawRequestOf(request)));

/**
 * Everything at Special:OAuth, and the part of api.php that bots ask first. Only translation: the
 * rules are in the rooms.
 */
function registerRoutes(app: FastifyInstance, services: Services): void {
  const protocols = services.protocols.dialect as Protocols;
  const guard = makeGuard({
    ...protocols,
    scopes: services.scopes,
    rightsOf: services.rights.rightsOf,
    realm: services.siteName,
  });

  /** One answer in each format. The page is given plain text: it escapes for itself. */
  interface FormattedResponse {
    readonly title: string;
    readonly raw: string;
    readonly json: string;
    readonly page: string;
    readonly status?: number;
  }

  async function sendText(
    request: FastifyRequest,
    reply: FastifyReply,
    format: string,
    { title, raw, json, page, status = 200 }: FormattedResponse,
  ): Promise<FastifyReply> {
    reply.headers(noCacheHeaders);
    if (format === 'raw')
      return reply.code(status).header('content-type', 'text/plain;charset=UTF-8').send(raw);
    if (format === 'json')
      return reply.code(status).header('content-type', 'application/json').send(Buffer.from(json));
    const visitor = await identifyPageVisitor(services, request, reply);
    return sendPage(
      reply,
      status,
      messagePage(pageFrame(services, visitor), title, format === 'html' ? page : ''),
    );
  }

  /** Every error of the handshake is status 200: its clients read the body (protocols 1.4). */
  const sendError = (
    request: FastifyRequest,
    reply: FastifyReply,
    format: string,
    { key, text }: DialectError,
    status = 200,
  ) =>
    sendText(request, reply, format, {
      title: 'Application Connection Error',
      raw: `Error: ${escapeHtml(text)}`,
      json: JSON.stringify({ error: key, message: text }),
      page: `Error: ${text}`,
      status,
    });

  const sendPair = (
    request: FastifyRequest,
    reply: FastifyReply,
    format: string,
    { token, secret }: { token: string; secret: string },
  ) => {
    const raw = formEncode([
      ['oauth_token', token],
      ['oauth_token_secret', secret],
      ['oauth_callback_confirmed', 'true'],
    ]);
    // `key` and `secret` repeat the values for older clients; "true" is a string (protocols 1.3).
    const json = JSON.stringify({
      oauth_token: token,
      oauth_token_secret: secret,
      oauth_callback_confirmed: 'true',
      key: token,
      secret,
    });
    return sendText(request, reply, format, { title: 'Credentials', raw, json, page: raw });
  };

  const subjectOf = (
    account: ProfileSubject['account'],
    grants: readonly string[],
  ): ProfileSubject => ({
    account,
    groups: services.rights.groupsOf(account),
    rights: [...grantedRights(services.rights.rightsOf(account), grants, services.scopes)],
    grants,
    grantRights: services.scopes.rightsOf(grants),
  });

  async function handleSpecialPage(
    request: FastifyRequest,
    reply: FastifyReply,
    subpage: string,
  ): Promise<FastifyReply> {
    const form = parseParameters(request);
    const format = form.get('format') ?? 'raw';
    const version = Math.trunc(Number.parseFloat(form.get('oauth_version') ?? '1')) || 0;
    const expectedVersion = subpage === 'approve' ? 2 : 1;
    if (
      /^(?:initiate|authorize|authenticate|token|identify|verified|grants|approve)$/.test(
        subpage,
      ) &&
      version !== expectedVersion
    ) {
      return sendError(request, reply, format, unsupportedVersionError(version));
    }
    // Who they are is still told; nothing new is begun (registry 8.1).
    if (
      services.registry.readOnly !== null &&
      /^(?:initiate|authorize|authenticate|token|approve)$/.test(subpage)
    )
      return sendError(request, reply, format, readOnlyError(services.registry.readOnly));
    switch (subpage) {
      case 'initiate': {
        const answer = await protocols.oauth1.issueTemporaryCredentials(rawRequestOf(request));
        return answer.ok
          ? sendPair(request, reply, format, answer.value)
          : sendError(request, reply, format, toDialectError(answer.refusal));
      }
      case 'token': {
        const answer = await protocols.oauth1.issueTokenCredentials(rawRequestOf(request));
        if (!answer.ok) return sendError(request, reply, format, toDialectError(answer.refusal));
        const { token, secret, method } = answer.value;
        return sendPair(request, reply, format, {
          token,
          secret: method === 'RSA-SHA1' ? '__unused__' : secret,
        });
      }
      case 'identify': {
        const answer = await protocols.oauth1.authenticateRequest(
          rawRequestOf(request),
          services.site,
        );
        if (!answer.ok) return sendError(request, reply, 'json', toDialectError(answer.refusal));
        const { user, client, consent, nonce, clientSecret } = answer.value;
        if (clientSecret === null)
          return sendError(request, reply, 'json', noSecretForIdentifyError);
        // All of the person's rights, not only those the scopes give: an app that only learns who
        // they are decides by them (protocols 1.16).
        const subject = {
          ...subjectOf(user, consent.scopes),
          rights: [...services.rights.rightsOf(user)],
        };
        const claims = identifyClaims(subject, {
          issuer: services.origin,
          audience: client.id,
          now: services.clock.now(),
          nonce,
        });
        // A bare JWT, labelled as JSON all the same: its clients expect it so.
        return reply
          .headers(noCacheHeaders)
          .code(200)
          .header('content-type', 'application/json')
          .send(Buffer.from(signHs256(claims, clientSecret)));
      }
      case 'authorize':
      case 'authenticate': {
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
        return startOAuth1Authorization(
          services,
          makeAuthorizationPages(services),
          request,
          reply,
          {
            token,
            clientId,
            canSkipConsent: subpage === 'authenticate',
            dialect: MEDIAWIKI,
            popup,
            returnTo,
            describeRefusal: toDialogError,
          },
        );
      }
      case 'verified': {
        const [verifier, token] = [form.get('oauth_verifier'), form.get('oauth_token')];
        if (verifier === undefined || token === undefined)
          return sendError(request, reply, 'html', missingParametersError);
        const visitor = await identifyPageVisitor(services, request, reply);
        return sendPage(
          reply,
          200,
          verifierPage(pageFrame(services, visitor), {
            appName: null,
            verifier: verifier.slice(0, 200),
          }),
        );
      }
      case 'grants':
        return redirectLocally(reply, '/scopes');
      case 'rest_redirect': {
        const restUrl = form.get('rest_url');
        if (restUrl === undefined)
          return sendError(request, reply, 'html', protocolException('Invalid redirect'));
        const path = safeLocalPath(restUrl.startsWith('/') ? restUrl : `/${restUrl}`);
        return redirectLocally(
          reply,
          (await returnToValue(services, requestOriginOf(services, request), path)) ?? '/',
        );
      }
      case '': {
        const visitor = await identifyPageVisitor(services, request, reply);
        return sendPage(reply, 200, notePage(pageFrame(services, visitor), 'connecting'));
      }
      default: {
        const key = form.get('oauth_consumer_key');
        const client =
          key !== undefined && /^[0-9a-f]{32}$/.test(key)
            ? await services.records.findClient(key as ClientId)
            : undefined;
        return sendError(
          request,
          reply,
          form.get('format') ?? 'html',
          client ? invalidActionForClient(client) : invalidActionError,
        );
      }
    }
  }

  const titleOf = (request: FastifyRequest): string | undefined => {
    const path = (request.raw.url ?? '/').split(/[?#]/, 1)[0] ?? '/';
    return parseTitleInPath(path) ?? parseParameters(request).get('title');
  };

  const handlePage = async (request: FastifyRequest, reply: FastifyReply) => {
    const page = parsePageTitle(titleOf(request) ?? '');
    if (page.kind === 'oauth') return handleSpecialPage(request, reply, page.subpage);
    // Signed requests belong to the API; any other page here is not ours.
    if (hasOAuthCredentials(request)) {
      return sendError(
        request,
        reply,
        'html',
        { key: 'mwoauth-not-api', text: 'OAuth credentials are for the API.' },
        400,
      );
    }
    const visitor = await identifyPageVisitor(services, request, reply);
    const redirected =
      page.kind === 'special'
        ? await redirectReferencePage(
            services,
            request,
            reply,
            page.name,
            page.subpage,
            parseParameters(request),
          )
        : undefined;
    if (redirected) return redirected;
    return sendPage(reply, 404, notePage(pageFrame(services, visitor), 'not-found'));
  };
  for (const url of ['/w/index.php', '/w/index.php/*', '/wiki/*'])
    app.route({ method: ['GET', 'POST', 'PUT'], url, handler: handlePage });

  async function authenticateCaller(
    request: FastifyRequest,
  ): Promise<Permit | DialectError | null> {
    if (!hasOAuthCredentials(request)) return null;
    const permit = await guard.permit(rawRequestOf(request), services.site);
    if (permit.ok) return permit.value;
    return guardToApiError(permit.refusal);
  }

  /**
   * Bots ask for a form token before they write. A request with OAuth credentials is its own proof,
   * so this one proves nothing and is not checked.
   */
  const apiToken = (permit: Permit) =>
    csrfToken(`${permit.client.id} ${permit.user?.id}`).slice(0, 40);

  /**
   * For whom a request is made: a stranger, an app for itself, or a person, with no more rights
   * than what was lent (ADR 17).
   */
  function apiCallerOf(permit: Permit | null): ApiCaller {
    if (permit === null) return { person: null, rights: [...services.rights.rightsOf(null)] };
    const { user, scopes } = permit;
    return {
      person: user && toApiPerson(subjectOf(user, scopes)),
      rights: [...permit.rights],
    };
  }

  app.route({
    method: ['GET', 'POST'],
    url: '/w/api.php',
    handler: async (request, reply) => {
      // Of a form of several parts nothing is signed, and its texts count as those of any other
      // (protocols 1.6).
      const texts = request.method === 'POST' ? await parseMultipartTexts(request) : [];
      if (texts === undefined)
        return sendUnservedToProgram(mediawikiErrors, request, reply, { kind: 'multipart' });
      const form = makeFormParameters([
        ...texts.toReversed(),
        ...readDialectParameters(rawRequestOf(request)),
      ]);
      const permit = await authenticateCaller(request);
      const answer =
        permit !== null && 'key' in permit
          ? formatApiError(toApiProblem(permit), form)
          : answerApiQuery(
              form,
              apiCallerOf(permit),
              {
                siteName: services.siteName,
                server: services.origin,
                siteId: services.site,
                now: new Date(services.clock.millis()),
                csrfToken: permit?.user ? apiToken(permit) : '',
              },
              { isBodyUnreadable: hasUnreadBody(request) },
            );
      if (answer.error !== null) reply.header('mediawiki-api-error', answer.error);
      // An API error is status 200 too: its clients read the body and the header above.
      return reply
        .code(200)
        .header('content-type', 'application/json; charset=utf-8')
        .header('cache-control', 'private, must-revalidate, max-age=0')
        .header('vary', 'Authorization')
        .send(JSON.stringify(answer.body));
    },
  });

  mediawikiClientRoutes(app, services, guard);
  mediawikiRestRoutes(app, services, protocols, guard, subjectOf);
}

/** The dialect, as the HTTP server takes it in. */
export const mediawikiHttp: HttpDialect = {
  name: MEDIAWIKI,
  exemptsFromPkce: true,
  registerRoutes,
  errors: mediawikiErrors,
};
