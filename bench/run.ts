// npm run bench: the hot operations of this server beside npm `oidc-provider` with its tokens in memory, in one run, interleaved.
// Operations for each second of processor time of the server. Bounded: about a minute. Ratios hold from day to day, absolute figures do not.
import { type ChildProcess, fork } from 'node:child_process';
import { createHash, createHmac } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { percentEncode } from '../src/wire/percent.ts';
import type { Ready } from './ready.ts';

const cpuOf = (child: ChildProcess): Promise<number> =>
  new Promise((resolve) => {
    child.once('message', (message) => resolve((message as { cpu: number }).cpu));
    child.send('cpu');
  });

const SECONDS = Number(process.env.BENCH_SECONDS ?? '3');
const ROUNDS = 2;
const IN_FLIGHT = 32;
const agent = new Agent({ keepAlive: true, maxSockets: IN_FLIGHT });
const verifier = 'b'.repeat(43);
const challenge = createHash('sha256').update(verifier).digest('base64url');

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

const send = (port: number, method: string, path: string, headers: Record<string, string>, body = ''): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const sent = request(
      { port, host: '127.0.0.1', method, path, agent, headers: { ...headers, 'content-length': String(Buffer.byteLength(body)) } },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8');
        answer.on('data', (piece) => {
          text += piece;
        });
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text }));
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });

const form = { 'content-type': 'application/x-www-form-urlencoded' };

/**
 * Runs `once` from 32 places at a time for a while; answers operations for each second of the server's processor time, so that the load
 * generator's own speed does not matter. A wrong answer ends the run.
 */
async function rate(child: ChildProcess, once: () => Promise<void>): Promise<number> {
  const until = Date.now() + SECONDS * 1000;
  let done = 0;
  const before = await cpuOf(child);
  await Promise.all(
    Array.from({ length: IN_FLIGHT }, async () => {
      while (Date.now() < until) {
        await once();
        done += 1;
      }
    }),
  );
  return done / (((await cpuOf(child)) - before) / 1e6);
}

const expect = (answer: Answer, status: number) => {
  if (answer.status !== status) throw new Error(`wanted ${status}, got ${answer.status}: ${answer.text.slice(0, 300)}`);
  return answer;
};

type Operations = Readonly<Record<string, () => Promise<void>>>;

function shared(server: Ready): Operations {
  const basic = { ...form, authorization: `Basic ${Buffer.from(`${server.clientId}:${server.clientSecret}`).toString('base64')}` };
  const token = async (body: string) =>
    JSON.parse(expect(await send(server.port, 'POST', server.paths.token, basic, body), 200).text) as Record<string, string>;
  const scope = server.apiScope === null ? '' : `&scope=${encodeURIComponent(server.apiScope)}`;
  const resource = server.resource === null ? '' : `&resource=${encodeURIComponent(server.resource)}`;
  const codes = server.codes.values();
  const refreshTokens: string[] = [];
  const introspected: string[] = [];
  return {
    'client_credentials, ES256 JWT': async () => {
      const { access_token: made } = await token(`grant_type=client_credentials${scope}${resource}`);
      if (introspected.length < 1000 && made) introspected.push(made);
    },
    introspection: async () => {
      const one =
        server.opaque[Math.floor(Math.random() * server.opaque.length)] ?? introspected[Math.floor(Math.random() * introspected.length)];
      const answer = expect(await send(server.port, 'POST', server.paths.introspect, basic, `token=${one}`), 200);
      if (!answer.text.includes('"active":true')) throw new Error(answer.text);
    },
    'code + PKCE, both requests': async () => {
      const query = `response_type=code&client_id=${server.clientId}&redirect_uri=${encodeURIComponent(server.redirectUri)}&scope=${encodeURIComponent(server.codeScope)}&code_challenge=${challenge}&code_challenge_method=S256&state=s`;
      const asked = await send(server.port, 'GET', `${server.paths.authorize}?${query}`, { cookie: server.cookie });
      const code = /[?&]code=([^&]+)/.exec(String(asked.headers.location))?.[1];
      if (code === undefined) throw new Error(`no code: ${asked.status} ${asked.headers.location} ${asked.text.slice(0, 300)}`);
      const { refresh_token: refresh } = await token(
        `grant_type=authorization_code&code=${code}&redirect_uri=${encodeURIComponent(server.redirectUri)}&code_verifier=${verifier}`,
      );
      if (refresh) refreshTokens.push(refresh);
    },
    refresh: async () => {
      const refresh = refreshTokens.pop() ?? codes.next().value;
      if (refresh === undefined) throw new Error('no refresh token left: run longer flows first');
      const { refresh_token: next } = await token(`grant_type=refresh_token&refresh_token=${refresh}`);
      if (next) refreshTokens.push(next);
    },
  };
}

function ours(server: Ready): Operations {
  const { oauth1 } = server;
  if (oauth1 === null) return {};
  let counter = 0;
  const signed = (method: string, path: string, extra: Record<string, string>, tokenSecret: string) => {
    const parameters: [string, string][] = Object.entries({
      oauth_consumer_key: oauth1.key,
      oauth_nonce: `${process.pid}${counter++}`,
      oauth_signature_method: 'HMAC-SHA1',
      oauth_timestamp: String(Math.floor(Date.now() / 1000)),
      ...extra,
    });
    const normal = parameters
      .map(([name, value]) => `${percentEncode(name)}=${percentEncode(value)}`)
      .sort()
      .join('&');
    const base = `${method}&${percentEncode(`http://localhost:${server.port}${path}`)}&${percentEncode(normal)}`;
    parameters.push(['oauth_signature', createHmac('sha1', `${oauth1.secret}&${tokenSecret}`).update(base).digest('base64')]);
    return { authorization: `OAuth ${parameters.map(([name, value]) => `${name}="${percentEncode(value)}"`).join(',')}` };
  };
  return {
    'OAuth 1 request token, HMAC-SHA1': async () => {
      expect(await send(server.port, 'POST', '/oauth1/initiate', signed('POST', '/oauth1/initiate', { oauth_callback: 'oob' }, '')), 200);
    },
    'OAuth 1 signed API call through the guard': async () => {
      expect(
        await send(server.port, 'GET', '/bench-api', signed('GET', '/bench-api', { oauth_token: oauth1.token }, oauth1.tokenSecret)),
        200,
      );
    },
  };
}

const started: ChildProcess[] = [];
const boot = (file: string, data: string): Promise<Ready> =>
  new Promise((resolve, reject) => {
    const child = fork(new URL(file, import.meta.url), [data], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    started.push(child);
    child.once('message', (message) => resolve(message as Ready));
    child.once('exit', (code) => reject(new Error(`${file} ended with ${code}`)));
  });

const data = mkdtempSync(join(tmpdir(), 'gatehouse-bench-'));
try {
  const [gatehouse, peer] = [await boot('./gatehouse.ts', data), await boot('./oidc-provider.ts', data)];
  const [mine, theirs] = [{ ...shared(gatehouse), ...ours(gatehouse) }, shared(peer)];
  const best = (figures: readonly number[]) => Math.max(...figures);
  console.log(`${'operation'.padEnd(44)}${'gatehouse/s'.padStart(12)}${'peer/s'.padStart(10)}${'ratio'.padStart(8)}`);
  for (const [name, once] of Object.entries(mine)) {
    const peerOnce = theirs[name];
    const figures: { own: number[]; peer: number[] } = { own: [], peer: [] };
    for (let round = 0; round < ROUNDS; round++) {
      figures.own.push(await rate(started[0] as ChildProcess, once));
      if (peerOnce) figures.peer.push(await rate(started[1] as ChildProcess, peerOnce));
    }
    const [own, other] = [best(figures.own), figures.peer.length > 0 ? best(figures.peer) : undefined];
    console.log(
      `${name.padEnd(44)}${own.toFixed(0).padStart(12)}${(other?.toFixed(0) ?? '–').padStart(10)}${(other ? (own / other).toFixed(2) : '–').padStart(8)}`,
    );
  }
} finally {
  for (const child of started) child.kill();
  agent.destroy();
  rmSync(data, { recursive: true, force: true });
}
