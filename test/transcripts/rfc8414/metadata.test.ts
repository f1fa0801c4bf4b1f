import { after, before, describe } from 'node:test';
import { makeTokenScene, type TokenScene } from '#harness/token-scene.ts';
import { transcriptTest } from '#harness/transcript.ts';

describe('authorization server metadata (RFC 8414)', () => {
  let scene: TokenScene;
  before(async () => {
    scene = await makeTokenScene();
  });
  after(() => scene.world.close());

  transcriptTest(
    'the document names the issuer as it is configured, and every endpoint (RFC 8414 §2, §3.2)',
    () => scene.world,
    () => scene.values(),
    `
  > GET /.well-known/oauth-authorization-server
  < 200
  < Content-Type: application/json; charset=utf-8
  < Access-Control-Allow-Origin: *
  <
  < {"issuer":"https://gate.example","authorization_endpoint":"https://gate.example/oauth2/authorize","token_endpoint":"https://gate.example/oauth2/token","revocation_endpoint":"https://gate.example/oauth2/revoke","introspection_endpoint":"https://gate.example/oauth2/introspect","jwks_uri":"https://gate.example/oauth2/jwks",…"response_types_supported":["code"],"response_modes_supported":["query"],"grant_types_supported":["authorization_code","refresh_token","client_credentials"],"token_endpoint_auth_methods_supported":["client_secret_basic","client_secret_post","none"],…"code_challenge_methods_supported":["S256"],…}`,
  );

  transcriptTest(
    'the key set it names holds public keys alone (RFC 8414 §2; RFC 7517 §5)',
    () => scene.world,
    () => scene.values(),
    `
  > GET /oauth2/jwks
  < 200
  <
  < {"keys":[{…"kty":"…}]}`,
  );
});
