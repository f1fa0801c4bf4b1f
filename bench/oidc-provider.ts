// npm oidc-provider with its own in-memory adapter, configured for the same work: ES256 JWT access
// tokens, PKCE, rotation.
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import Provider from 'oidc-provider';
import { type Ready, reportCpu } from './ready.ts';

const port = 4491;
const issuer = `http://localhost:${port}`;
const resource = 'https://api.example';
const jwk = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });
const redirectUri = 'https://app.example/cb';
const clientId = 'web';
const clientSecret = 'a-secret-of-forty-characters-0123456789ab';
/**
 * Everything in one map: the library's own memory adapter keeps a thousand things and forgets the
 * rest.
 */
const kept = new Map<string, Record<string, unknown>>();
class MapAdapter {
  readonly #kind: string;
  constructor(kind: string) {
    this.#kind = kind;
  }
  async upsert(id: string, payload: Record<string, unknown>) {
    kept.set(`${this.#kind} ${id}`, payload);
    if (payload.uid) kept.set(`uid ${payload.uid}`, payload);
  }
  async find(id: string) {
    return kept.get(`${this.#kind} ${id}`);
  }
  async findByUid(uid: string) {
    return kept.get(`uid ${uid}`);
  }
  async consume(id: string) {
    const payload = kept.get(`${this.#kind} ${id}`);
    if (payload) payload.consumed = Math.floor(Date.now() / 1000);
  }
  async destroy(id: string) {
    kept.delete(`${this.#kind} ${id}`);
  }
  async revokeByGrantId() {}
}

// biome-ignore lint/suspicious/noExplicitAny: the library carries no types here
let grant: any;
const provider = new Provider(issuer, {
  adapter: MapAdapter,
  clients: [
    {
      client_id: clientId,
      client_secret: clientSecret,
      redirect_uris: [redirectUri],
      grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
      response_types: ['code'],
      id_token_signed_response_alg: 'ES256',
    },
  ],
  jwks: { keys: [{ ...jwk, alg: 'ES256', use: 'sig' }] },
  cookies: { keys: ['a key'] },
  scopes: ['openid', 'offline_access'],
  findAccount: (_context: unknown, id: string) => ({
    accountId: id,
    claims: async () => ({ sub: id }),
  }),
  rotateRefreshToken: true,
  issueRefreshToken: async () => true,
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: () => ({
        scope: 'read',
        audience: resource,
        accessTokenTTL: 3600,
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg: 'ES256' } },
      }),
    },
  },
  // The person is known and asked before: no interaction, as on the other server.
  loadExistingGrant: () => grant,
});
provider.on('server_error', (_context: unknown, fault: Error) => console.error(fault));

grant = new provider.Grant({ clientId, accountId: 'ada' });
grant.addOIDCScope('openid offline_access');
const grantId = await grant.save();

// A browser session, made as its own sign-in would.
const session = new provider.Session({});
session.loginAccount({ accountId: 'ada' });
session.ensureClientContainer(clientId);
session.grantIdFor(clientId, grantId);
await session.save(86_400);
const keygrip = (await import('node:crypto'))
  .createHmac('sha1', 'a key')
  .update(`_session=${session.jti}`)
  .digest('base64url');

const opaque: string[] = [];
for (let index = 0; index < 1000; index++) {
  const token = new provider.ClientCredentials({
    client: await provider.Client.find(clientId),
    scope: '',
  });
  opaque.push(await token.save());
}
reportCpu();
createServer(provider.callback()).listen(port, '127.0.0.1', () => {
  const ready: Ready = {
    port,
    clientId,
    clientSecret,
    redirectUri,
    codeScope: 'openid offline_access',
    apiScope: 'read',
    resource,
    cookie: `_session=${session.jti}; _session.sig=${keygrip}`,
    codes: [],
    opaque,
    paths: { token: '/token', introspect: '/token/introspection', authorize: '/auth' },
    oauth1: null,
  };
  process.send?.(ready);
});
