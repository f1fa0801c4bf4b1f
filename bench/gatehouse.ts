// This server as it is, on a SQLite file, with one person signed in and one app that only learns
// who they are (so that nobody is asked).
import { join } from 'node:path';
import { loadConfig } from '#config/load.ts';
import { rawRequestOf } from '#http/request.ts';
import type { Actor } from '#registry/actor.ts';
import { makeAdminCommands } from '#registry/admin-commands.ts';
import type { Client } from '#registry/model/client.ts';
import type { Consent } from '#registry/model/consent.ts';
import { composeServer } from '#server/compose.ts';
import { composeHttpServer } from '#server/http-server.ts';
import { createPlatform } from '#server/platform.ts';
import { type Ready, reportCpu } from './ready.ts';

const port = 4490;
const config = await loadConfig(
  {
    port: String(port),
    data: join(process.argv[2] ?? '.', 'gatehouse'),
    issuer: `http://localhost:${port}`,
  },
  process.env,
);
const { services: world, guard } = composeServer(config, await createPlatform(config));
const must = <T>(answer: { ok: true; value: T } | { ok: false; refusal: unknown }): T => {
  if (!answer.ok) throw new Error(JSON.stringify(answer.refusal));
  return answer.value;
};
const person = {
  emailConfirmed: true,
  realName: '',
  groups: [],
  password: 'correct horse battery',
};
const ada = must(
  await world.accounts.createAccount({ ...person, name: 'Ada', email: 'ada@example.org' }),
);
const session = must(
  await world.accounts.signIn('Ada', person.password, { address: '127.0.0.1', agent: '' }),
);
const clients = makeAdminCommands(world.registry);
const actor: Actor = {
  kind: 'person',
  account: ada,
  rights: world.rights.rightsOf(ada),
  address: null,
  via: 'api',
  authentication: { kind: 'session', proof: { at: world.clock.now(), method: 'password' } },
};
const yes = async (client: Client): Promise<Consent> => {
  const { consent } = must(
    await world.registry.submit(actor, 'accept', { clientId: client.id, scopes: client.scopes }),
  );
  if (consent === null) throw new Error('no consent came back');
  return consent;
};
const redirectUri = 'http://127.0.0.1:9/cb';
const app = must(
  await clients.create(
    {
      name: 'web',
      protocol: 'oauth2',
      redirectUri,
      grantTypes: ['authorization_code', 'refresh_token', 'client_credentials'],
      scopes: ['mwoauth-authonly'],
    },
    ada,
    { approve: true },
  ),
);
await yes(app.client);
const handshake = must(
  await clients.create(
    { name: 'classic', protocol: 'oauth1', redirectUri, grantTypes: [], scopes: ['editpage'] },
    ada,
    { approve: true },
  ),
);
const consent = await yes(handshake.client);
const server = composeHttpServer(world);
server.get('/bench-api', async (request, reply) => {
  const permit = await guard.permit(rawRequestOf(request), world.site);
  return permit.ok
    ? reply.send({ user: permit.value.user?.name })
    : reply.code(permit.refusal.status).send({});
});
await server.listen({ port, host: '127.0.0.1' });

// The permanent pair, through the handshake itself.
const temporary = await import('../examples/demo/oauth1.ts');
const client = { key: handshake.client.id, secret: handshake.secret ?? '' };
const url = `http://localhost:${port}`;
const first = new URLSearchParams(
  await (
    await temporary.signedFetch('POST', `${url}/oauth1/initiate`, client, null, {
      oauth_callback: 'oob',
    })
  ).text(),
);
const pair = { key: first.get('oauth_token') ?? '', secret: first.get('oauth_token_secret') ?? '' };
const done = must(
  await world.protocols.core.oauth1.authorizeUnderConsent(pair.key, handshake.client, consent),
);
const verifier = done.kind === 'show-verifier' ? done.verifier : '';
const bought = new URLSearchParams(
  await (
    await temporary.signedFetch('POST', `${url}/oauth1/token`, client, pair, {
      oauth_verifier: verifier,
    })
  ).text(),
);

const ready: Ready = {
  port,
  clientId: app.client.id,
  clientSecret: app.secret ?? '',
  redirectUri,
  codeScope: 'mwoauth-authonly',
  apiScope: null,
  resource: null,
  cookie: `gatehouse=${session.sessionSecret}`,
  codes: [],
  opaque: [],
  paths: {
    token: '/oauth2/token',
    introspect: '/oauth2/introspect',
    authorize: '/oauth2/authorize',
  },
  oauth1: {
    ...client,
    origin: url,
    api: {
      path: '/bench-api',
      ...client,
      token: bought.get('oauth_token') ?? '',
      tokenSecret: bought.get('oauth_token_secret') ?? '',
    },
  },
};
reportCpu();
process.send?.(ready);
