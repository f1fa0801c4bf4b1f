// What is asked of a server under load: the operations that are compared, and how they are sent.
import { createHash } from 'node:crypto';
import { Agent, request } from 'node:http';
import { signedAuthorization } from '#harness/inhabitants.ts';
import type { Ready } from './ready.ts';

export const IN_FLIGHT = 32;
export const agent = new Agent({ keepAlive: true, maxSockets: IN_FLIGHT });
const verifier = 'b'.repeat(43);
const challenge = createHash('sha256').update(verifier).digest('base64url');

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

export const send = (
  port: number,
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  body = '',
): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const sent = request(
      {
        port,
        host: '127.0.0.1',
        method,
        path,
        agent,
        headers: { ...headers, 'content-length': String(Buffer.byteLength(body)) },
      },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8');
        answer.on('data', (piece) => {
          text += piece;
        });
        answer.on('end', () =>
          resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text }),
        );
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });

const form = { 'content-type': 'application/x-www-form-urlencoded' };

export const expect = (answer: Answer, status: number) => {
  if (answer.status !== status)
    throw new Error(`wanted ${status}, got ${answer.status}: ${answer.text.slice(0, 300)}`);
  return answer;
};

export type Operations = Readonly<Record<string, () => Promise<void>>>;

/** What both servers can. */
export function shared(server: Ready): Operations {
  const basic = {
    ...form,
    authorization: `Basic ${Buffer.from(`${server.clientId}:${server.clientSecret}`).toString('base64')}`,
  };
  const token = async (body: string) =>
    JSON.parse(
      expect(await send(server.port, 'POST', server.paths.token, basic, body), 200).text,
    ) as Record<string, string>;
  const scope = server.apiScope === null ? '' : `&scope=${encodeURIComponent(server.apiScope)}`;
  const resource =
    server.resource === null ? '' : `&resource=${encodeURIComponent(server.resource)}`;
  const codes = server.codes.values();
  const refreshTokens: string[] = [];
  const introspected: string[] = [];
  return {
    'client_credentials, ES256 JWT': async () => {
      const { access_token: made } = await token(
        `grant_type=client_credentials${scope}${resource}`,
      );
      if (introspected.length < 1000 && made) introspected.push(made);
    },
    introspection: async () => {
      const one =
        server.opaque[Math.floor(Math.random() * server.opaque.length)] ??
        introspected[Math.floor(Math.random() * introspected.length)];
      const answer = expect(
        await send(server.port, 'POST', server.paths.introspect, basic, `token=${one}`),
        200,
      );
      if (!answer.text.includes('"active":true')) throw new Error(answer.text);
    },
    'code + PKCE, both requests': async () => {
      const query = `response_type=code&client_id=${server.clientId}&redirect_uri=${encodeURIComponent(server.redirectUri)}&scope=${encodeURIComponent(server.codeScope)}&code_challenge=${challenge}&code_challenge_method=S256&state=s`;
      const asked = await send(server.port, 'GET', `${server.paths.authorize}?${query}`, {
        cookie: server.cookie,
      });
      const code = /[?&]code=([^&]+)/.exec(String(asked.headers.location))?.[1];
      if (code === undefined)
        throw new Error(
          `no code: ${asked.status} ${asked.headers.location} ${asked.text.slice(0, 300)}`,
        );
      const { refresh_token: refresh } = await token(
        `grant_type=authorization_code&code=${code}&redirect_uri=${encodeURIComponent(server.redirectUri)}&code_verifier=${verifier}`,
      );
      if (refresh) refreshTokens.push(refresh);
    },
    refresh: async () => {
      const refresh = refreshTokens.pop() ?? codes.next().value;
      if (refresh === undefined) throw new Error('no refresh token left: run longer flows first');
      const { refresh_token: next } = await token(
        `grant_type=refresh_token&refresh_token=${refresh}`,
      );
      if (next) refreshTokens.push(next);
    },
  };
}

/** What only ours can. */
export function ours(server: Ready): Operations {
  const { oauth1 } = server;
  if (oauth1 === null) return {};
  const { api, origin } = oauth1;
  return {
    'OAuth 1 request token, HMAC-SHA1': async () => {
      const headers = signedAuthorization('POST', `${origin}/oauth1/initiate`, oauth1, null, {
        oauth_callback: 'oob',
      });
      expect(await send(server.port, 'POST', '/oauth1/initiate', headers), 200);
    },
    'OAuth 1 signed API call through the guard': async () => {
      const headers = signedAuthorization('GET', `${origin}${api.path}`, api, {
        key: api.token,
        secret: api.tokenSecret,
      });
      expect(await send(server.port, 'GET', api.path, headers), 200);
    },
  };
}
