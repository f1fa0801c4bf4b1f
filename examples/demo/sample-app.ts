import { createHash, randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { signedFetch } from './oauth1.ts';

interface Registered {
  readonly id: string;
  readonly secret: string;
}

/**
 * A sample app with two buttons, one for each protocol, for a person to click through. Its state is
 * in memory.
 */
export function sampleApp(place: {
  readonly issuer: string;
  readonly api: string;
  readonly self: string;
  readonly oauth2: Registered;
  readonly oauth1: Registered;
}): Server {
  const { issuer, api, self, oauth2, oauth1 } = place;
  const verifiers = new Map<string, string>();
  const temporary = new Map<string, string>();
  const escapeHtml = (text: string) =>
    text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);
  const page = (body: string) =>
    `<!doctype html><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Sample app</title><h1>Sample app</h1>${body}<p><a href="/">Start again</a></p>`;

  async function oauth2Back(query: URLSearchParams): Promise<string> {
    const verifier = verifiers.get(query.get('state') ?? '') ?? '';
    if (query.has('error'))
      return page(`<p>You said no: <code>${escapeHtml(query.get('error') ?? '')}</code></p>`);
    const form = {
      grant_type: 'authorization_code',
      code: query.get('code') ?? '',
      redirect_uri: `${self}/oauth2`,
      code_verifier: verifier,
    };
    const headers = {
      authorization: `Basic ${Buffer.from(`${oauth2.id}:${oauth2.secret}`).toString('base64')}`,
    };
    const token = (await (
      await fetch(`${issuer}/oauth2/token`, {
        method: 'POST',
        headers,
        body: new URLSearchParams(form),
      })
    ).json()) as {
      access_token?: string;
    };
    const called = await fetch(`${api}/notes`, {
      headers: { authorization: `Bearer ${token.access_token ?? ''}` },
    });
    return page(
      `<p>The API answered over OAuth 2:</p><pre>${escapeHtml(await called.text())}</pre>`,
    );
  }

  async function oauth1Back(query: URLSearchParams): Promise<string> {
    const token = {
      key: query.get('oauth_token') ?? '',
      secret: temporary.get(query.get('oauth_token') ?? '') ?? '',
    };
    const client = { key: oauth1.id, secret: oauth1.secret };
    const bought = new URLSearchParams(
      await (
        await signedFetch('POST', `${issuer}/oauth1/token`, client, token, {
          oauth_verifier: query.get('oauth_verifier') ?? '',
        })
      ).text(),
    );
    const pair = {
      key: bought.get('oauth_token') ?? '',
      secret: bought.get('oauth_token_secret') ?? '',
    };
    return page(
      `<p>The API answered over OAuth 1.0a:</p><pre>${escapeHtml(await (await signedFetch('GET', `${issuer}/notes`, client, pair, {}, api)).text())}</pre>`,
    );
  }

  return createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', self);
    const html = (text: string) =>
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(text);
    const go = (location: string) => response.writeHead(303, { location }).end();
    try {
      switch (url.pathname) {
        case '/start2': {
          const [state, verifier] = [
            randomBytes(16).toString('hex'),
            randomBytes(32).toString('base64url'),
          ];
          verifiers.set(state, verifier);
          const challenge = createHash('sha256').update(verifier).digest('base64url');
          const query = {
            response_type: 'code',
            client_id: oauth2.id,
            redirect_uri: `${self}/oauth2`,
            scope: 'basic editpage',
            state,
            code_challenge: challenge,
            code_challenge_method: 'S256',
          };
          return go(`${issuer}/oauth2/authorize?${new URLSearchParams(query)}`);
        }
        case '/start1': {
          const answer = await signedFetch(
            'POST',
            `${issuer}/oauth1/initiate`,
            { key: oauth1.id, secret: oauth1.secret },
            null,
            {
              oauth_callback: `${self}/oauth1`,
            },
          );
          const pair = new URLSearchParams(await answer.text());
          temporary.set(pair.get('oauth_token') ?? '', pair.get('oauth_token_secret') ?? '');
          return go(`${issuer}/oauth1/authorize?oauth_token=${pair.get('oauth_token')}`);
        }
        case '/oauth2':
          return html(await oauth2Back(url.searchParams));
        case '/oauth1':
          return html(await oauth1Back(url.searchParams));
        default:
          return html(
            page(
              '<p><a href="/start2">Connect with OAuth 2</a></p><p><a href="/start1">Connect with OAuth 1.0a</a></p>',
            ),
          );
      }
    } catch (fault) {
      return response.writeHead(500).end((fault as Error).message);
    }
  });
}
