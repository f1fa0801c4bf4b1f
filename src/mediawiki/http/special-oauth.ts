import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { csrfToken } from '#accounts/sign-in.ts';
import { type FormValues, formEncode, formValues } from '#encoding/form.ts';
import { grantedRights, makeGuard, type Permit } from '#guard/permit.ts';
import { answerUnserved } from '#http/fallback-answers.ts';
import { hasUnreadBody, multipartTexts } from '#http/multipart.ts';
import { askForOAuth1 } from '#http/oauth/oauth1.ts';
import { hasOAuthCredentials, sentRequest } from '#http/request.ts';
import { frameOf, ownPath, seeOther, sendPage, visitorOf } from '#http/session.ts';
import type { Face, World } from '#http/world.ts';
import type { ClientId } from '#kernel/ids.ts';
import { signHs256 } from '#keys/signing.ts';
import { dialectParameters } from '#oauth1/parse.ts';
import { messagePage, notePage } from '#pages/account/sign-in.template.ts';
import { returnTo } from '#pages/account/sign-in-first.ts';
import { verifierPage } from '#pages/consent/consent.template.ts';
import { type ApiCaller, answerApi } from '../api.ts';
import { apiError } from '../api-errors.ts';
import {
  apiProblemOf,
  type DialectError,
  dialogErrorOf,
  errorOf,
  exception,
  guardErrorOf,
  invalidAction,
  invalidActionOf,
  missingParameters,
  noSecretForIdentify,
  readOnlyOf,
  unsupportedVersion,
} from '../messages.ts';
import { apiPersonOf, identifyClaims, type Subject } from '../statement.ts';
import { pageOf, titleInPath } from '../titles.ts';
import { mediawikiClientRoutes } from './clients.ts';
import { pageInstead } from './pages.ts';
import { mediawikiRestRoutes } from './rest.ts';

/** Answers of the handshake are never kept, success and error alike (protocols 1.3). */
const unkept = {
  expires: 'Thu, 01 Jan 1970 00:00:00 GMT',
  'cache-control': 'no-cache, no-store, max-age=0, must-revalidate',
  pragma: 'no-cache',
} as const;

const escapeHtml = (text: string) => text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);

/** Query and form together, as they are signed. */
const parametersOf = (request: FastifyRequest): FormValues =>
  formValues(dialectParameters(sentRequest(request)));

/**
 * Everything at Special:OAuth, and the part of api.php that bots ask first. Only translation: the
 * rules are in the rooms.
 */
export function mediawikiRoutes(app: FastifyInstance, world: World): void {
  const face = world.faces.mediawiki as Face;
  const guard = makeGuard({
    ...face,
    scopes: world.scopes,
    rightsOf: world.rights.rightsOf,
    realm: world.siteName,
  });

  /** One answer in each format. The page is given plain text: it escapes for itself. */
  interface Said {
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
    { title, raw, json, page, status = 200 }: Said,
  ): Promise<FastifyReply> {
    reply.headers(unkept);
    if (format === 'raw')
      return reply.code(status).header('content-type', 'text/plain;charset=UTF-8').send(raw);
    if (format === 'json')
      return reply.code(status).header('content-type', 'application/json').send(Buffer.from(json));
    const visitor = await visitorOf(world, request, reply);
    return sendPage(
      reply,
      status,
      messagePage(frameOf(world, visitor), title, format === 'html' ? page : ''),
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

  const subjectOf = (account: Subject['account'], grants: readonly string[]): Subject => ({
    account,
    groups: world.rights.groupsOf(account),
    rights: [...grantedRights(world.rights.rightsOf(account), grants, world.scopes)],
    grants,
    grantRights: world.scopes.rightsOf(grants),
  });

  async function special(
    request: FastifyRequest,
    reply: FastifyReply,
    sub: string,
  ): Promise<FastifyReply> {
    const form = parametersOf(request);
    const format = form.get('format') ?? 'raw';
    const version = Math.trunc(Number.parseFloat(form.get('oauth_version') ?? '1')) || 0;
    const wanted = sub === 'approve' ? 2 : 1;
    if (
      /^(?:initiate|authorize|authenticate|token|identify|verified|grants|approve)$/.test(sub) &&
      version !== wanted
    ) {
      return sendError(request, reply, format, unsupportedVersion(version));
    }
    // Who they are is still told; nothing new is begun (registry 8.1).
    if (
      world.registry.readOnly !== null &&
      /^(?:initiate|authorize|authenticate|token|approve)$/.test(sub)
    )
      return sendError(request, reply, format, readOnlyOf(world.registry.readOnly));
    switch (sub) {
      case 'initiate': {
        const answer = await face.oauth1.initiate(sentRequest(request));
        return answer.ok
          ? sendPair(request, reply, format, answer.value)
          : sendError(request, reply, format, errorOf(answer.refusal));
      }
      case 'token': {
        const answer = await face.oauth1.exchange(sentRequest(request));
        if (!answer.ok) return sendError(request, reply, format, errorOf(answer.refusal));
        const { token, secret, method } = answer.value;
        return sendPair(request, reply, format, {
          token,
          secret: method === 'RSA-SHA1' ? '__unused__' : secret,
        });
      }
      case 'identify': {
        const answer = await face.oauth1.authenticateRequest(sentRequest(request), world.site);
        if (!answer.ok) return sendError(request, reply, 'json', errorOf(answer.refusal));
        const { user, client, consent, nonce, clientSecret } = answer.value;
        if (clientSecret === null) return sendError(request, reply, 'json', noSecretForIdentify);
        // All of the person's rights, not only those the scopes give: an app that only learns who
        // they are decides by them (protocols 1.16).
        const subject = {
          ...subjectOf(user, consent.scopes),
          rights: [...world.rights.rightsOf(user)],
        };
        const claims = identifyClaims(subject, {
          issuer: world.origin,
          audience: client.id,
          now: world.clock.now(),
          nonce,
        });
        // A bare JWT, labelled as JSON all the same: its clients expect it so.
        return reply
          .headers(unkept)
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
        const again = formEncode([
          ['title', `Special:OAuth/${sub}`],
          ['oauth_token', token],
          ...(clientId === undefined ? [] : [['oauth_consumer_key', clientId] as const]),
        ]);
        const returnTo = request.method === 'GET' ? undefined : `/w/index.php?${again}`;
        return askForOAuth1(world, request, reply, {
          token,
          clientId,
          skip: sub === 'authenticate',
          dialect: 'mediawiki',
          popup,
          returnTo,
          pageOf: dialogErrorOf,
        });
      }
      case 'verified': {
        const [verifier, token] = [form.get('oauth_verifier'), form.get('oauth_token')];
        if (verifier === undefined || token === undefined)
          return sendError(request, reply, 'html', missingParameters);
        const visitor = await visitorOf(world, request, reply);
        return sendPage(
          reply,
          200,
          verifierPage(frameOf(world, visitor), {
            appName: null,
            verifier: verifier.slice(0, 200),
          }),
        );
      }
      case 'grants':
        return seeOther(reply, '/scopes');
      case 'rest_redirect': {
        const asked = form.get('rest_url');
        if (asked === undefined)
          return sendError(request, reply, 'html', exception('Invalid redirect'));
        const path = ownPath(asked.startsWith('/') ? asked : `/${asked}`);
        return seeOther(reply, (await returnTo(world, request, path)) ?? '/');
      }
      case '': {
        const visitor = await visitorOf(world, request, reply);
        return sendPage(reply, 200, notePage(frameOf(world, visitor), 'connecting'));
      }
      default: {
        const key = form.get('oauth_consumer_key');
        const client =
          key !== undefined && /^[0-9a-f]{32}$/.test(key)
            ? await world.records.findClient(key as ClientId)
            : undefined;
        return sendError(
          request,
          reply,
          form.get('format') ?? 'html',
          client ? invalidActionOf(client) : invalidAction,
        );
      }
    }
  }

  const title = (request: FastifyRequest): string | undefined => {
    const path = (request.raw.url ?? '/').split(/[?#]/, 1)[0] ?? '/';
    return titleInPath(path) ?? parametersOf(request).get('title');
  };

  const served = async (request: FastifyRequest, reply: FastifyReply) => {
    const page = pageOf(title(request) ?? '');
    if (page.kind === 'oauth') return special(request, reply, page.sub);
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
    const visitor = await visitorOf(world, request, reply);
    const instead =
      page.kind === 'special'
        ? await pageInstead(world, request, reply, page.name, page.sub, parametersOf(request))
        : undefined;
    if (instead) return instead;
    return sendPage(reply, 404, notePage(frameOf(world, visitor), 'not-found'));
  };
  for (const url of ['/w/index.php', '/w/index.php/*', '/wiki/*'])
    app.route({ method: ['GET', 'POST', 'PUT'], url, handler: served });

  async function caller(request: FastifyRequest): Promise<Permit | DialectError | null> {
    if (!hasOAuthCredentials(request)) return null;
    const permit = await guard.permit(sentRequest(request), world.site);
    if (permit.ok) return permit.value;
    return guardErrorOf(permit.refusal);
  }

  /**
   * Bots ask for a form token before they write. A request with OAuth credentials is its own proof,
   * so this one proves nothing and is not checked.
   */
  const apiToken = (who: Permit) => csrfToken(`${who.client.id} ${who.user?.id}`).slice(0, 40);

  /**
   * For whom a request is made: a stranger, an app for itself, or a person, with no more rights
   * than what was lent (ADR 17).
   */
  function apiCallerOf(who: Permit | null): ApiCaller {
    if (who === null) return { person: null, rights: [...world.rights.rightsOf(null)] };
    const { user, scopes } = who;
    return {
      person: user && apiPersonOf(subjectOf(user, scopes)),
      rights: [...who.rights],
    };
  }

  app.route({
    method: ['GET', 'POST'],
    url: '/w/api.php',
    handler: async (request, reply) => {
      // Of a form of several parts nothing is signed, and its texts count as those of any other
      // (protocols 1.6).
      const texts = request.method === 'POST' ? await multipartTexts(request) : [];
      if (texts === undefined) return answerUnserved(world, request, reply, { kind: 'multipart' });
      const form = formValues([...texts.toReversed(), ...dialectParameters(sentRequest(request))]);
      const who = await caller(request);
      const answer =
        who !== null && 'key' in who
          ? apiError(apiProblemOf(who), form)
          : answerApi(
              form,
              apiCallerOf(who),
              {
                siteName: world.siteName,
                server: world.origin,
                siteId: world.site,
                now: new Date(world.clock.millis()),
                csrfToken: who?.user ? apiToken(who) : '',
              },
              { unread: hasUnreadBody(request) },
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

  mediawikiClientRoutes(app, world, guard);
  mediawikiRestRoutes(app, world, face, guard, subjectOf);
}
