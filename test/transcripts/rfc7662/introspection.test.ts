import { after, before, describe } from 'node:test';
import { makeTokenScene, type TokenScene } from '#harness/token-scene.ts';
import { transcriptTest } from '#harness/transcript.ts';

describe('token introspection (RFC 7662)', () => {
  let scene: TokenScene;
  before(async () => {
    scene = await makeTokenScene();
  });
  after(() => scene.world.close());

  transcriptTest(
    'what an active access token says (RFC 7662 §2.2)',
    () => scene.world,
    () => scene.values(),
    `
  > POST /oauth2/token
  > Authorization: {web}
  >
  > grant_type=authorization_code&code={code}&redirect_uri={redirect}&code_verifier={verifier}
  < 200
  <
  < {"access_token":"{token}",…"refresh_token":"{refresh}",…}

  > POST /oauth2/introspect
  > Authorization: {web}
  >
  > token={token}
  < 200
  < Content-Type: application/json; charset=utf-8
  < Cache-Control: no-store
  <
  < {"active":true,"client_id":"{webId}","scope":"basic editpage","token_type":"Bearer","exp":1800003600,"iat":1800000000,"sub":"2","iss":"https://gate.example","aud":"https://gate.example","jti":"{jti}","username":"Ben"}`,
  );

  transcriptTest(
    'a refresh token is introspected too, whatever the hint (RFC 7662 §2.1)',
    () => scene.world,
    () => scene.values(),
    `
  > POST /oauth2/token
  > Authorization: {web}
  >
  > grant_type=authorization_code&code={code}&redirect_uri={redirect}&code_verifier={verifier}
  < 200
  <
  < {"access_token":"{token}",…"refresh_token":"{refresh}",…}

  > POST /oauth2/introspect
  > Authorization: {web}
  >
  > token={refresh}&token_type_hint=access_token
  < 200
  <
  < {"active":true,"client_id":"{webId}","scope":"basic editpage","token_type":"refresh_token",…}`,
  );

  transcriptTest(
    'unknown, foreign and revoked tokens are inactive, and nothing more is said (RFC 7662 §2.2)',
    () => scene.world,
    () => scene.values(),
    `
  > POST /oauth2/token
  > Authorization: {web}
  >
  > grant_type=authorization_code&code={code}&redirect_uri={redirect}&code_verifier={verifier}
  < 200
  <
  < {"access_token":"{token}",…"refresh_token":"{refresh}",…}

  > POST /oauth2/introspect
  > Authorization: {web}
  >
  > token=nothing
  < 200
  <
  < {"active":false}

  > POST /oauth2/introspect
  > Authorization: {service}
  >
  > token={token}
  < 200
  <
  < {"active":false}

  > POST /oauth2/revoke
  > Authorization: {web}
  >
  > token={token}
  < 200

  > POST /oauth2/introspect
  > Authorization: {web}
  >
  > token={token}
  < 200
  <
  < {"active":false}`,
  );

  transcriptTest(
    'the caller has to prove itself, by POST (RFC 7662 §2.1, §4)',
    () => scene.world,
    () => scene.values(),
    `
  > POST /oauth2/introspect
  >
  > token=nothing
  < 401
  < WWW-Authenticate: Basic realm="gatehouse", charset="UTF-8"

  > POST /oauth2/introspect
  > Authorization: {wrong}
  >
  > token=nothing
  < 401

  > POST /oauth2/introspect
  >
  > client_id={spaId}&token=nothing
  < 400
  <
  < {"error":"unauthorized_client",…}

  > POST /oauth2/introspect
  > Authorization: {web}
  >
  > token_type_hint=access_token
  < 400
  <
  < {"error":"invalid_request","error_description":"token is missing."}

  > GET /oauth2/introspect?token=nothing
  > Authorization: {web}
  < 405
  < Allow: POST`,
  );
});
