import { after, before, describe } from 'node:test';
import { makeTokenScene, type TokenScene } from '#harness/token-scene.ts';
import { transcriptTest } from '#harness/transcript.ts';

describe('token revocation (RFC 7009)', () => {
  let scene: TokenScene;
  before(async () => {
    scene = await makeTokenScene();
  });
  after(() => scene.world.close());

  transcriptTest(
    'an access token is revoked alone; the refresh token of the same grant lives on (RFC 7009 §2.1)',
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
  < {"active":false}

  > POST /oauth2/introspect
  > Authorization: {web}
  >
  > token={refresh}
  < 200
  <
  < {"active":true,…}`,
  );

  transcriptTest(
    'a refresh token takes the access tokens of its grant with it, whatever the hint says (RFC 7009 §2.1)',
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

  > POST /oauth2/revoke
  > Authorization: {web}
  >
  > token={refresh}&token_type_hint=access_token
  < 200

  > POST /oauth2/introspect
  > Authorization: {web}
  >
  > token={token}
  < 200
  <
  < {"active":false}

  > POST /oauth2/token
  > Authorization: {web}
  >
  > grant_type=refresh_token&refresh_token={refresh}
  < 400
  <
  < {"error":"invalid_grant",…}`,
  );

  transcriptTest(
    'an unknown token, and one that was revoked before, are answered as revoked (RFC 7009 §2.2)',
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

  > POST /oauth2/revoke
  > Authorization: {web}
  >
  > token=nothing
  < 200

  > POST /oauth2/revoke
  > Authorization: {web}
  >
  > token={token}
  < 200

  > POST /oauth2/revoke
  > Authorization: {web}
  >
  > token={token}&token_type_hint=unheard_of
  < 200`,
  );

  transcriptTest(
    'the client proves itself first, and revokes tokens of its own alone (RFC 7009 §2.1)',
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

  > POST /oauth2/revoke
  >
  > token={token}
  < 401
  < WWW-Authenticate: Basic realm="gatehouse", charset="UTF-8"
  <
  < {"error":"invalid_client",…}

  > POST /oauth2/revoke
  > Authorization: {wrong}
  >
  > token={token}
  < 401

  > POST /oauth2/revoke
  > Authorization: {service}
  >
  > token={token}
  < 400
  <
  < {"error":"invalid_request"}

  > POST /oauth2/introspect
  > Authorization: {web}
  >
  > token={token}
  < 200
  <
  < {"active":true,…}`,
  );

  transcriptTest(
    'a public client names itself and revokes what it was given (RFC 7009 §2.1, §5)',
    () => scene.world,
    () => scene.values(),
    `
  > POST /oauth2/token
  >
  > grant_type=authorization_code&client_id={spaId}&code={spaCode}&redirect_uri={redirect}&code_verifier={verifier}
  < 200
  <
  < {"access_token":"{token}",…}

  > POST /oauth2/revoke
  >
  > client_id={spaId}&token={token}
  < 200`,
  );

  transcriptTest(
    'a request without a token, with two, or by GET is malformed (RFC 7009 §2.1; RFC 6749 §3.2)',
    () => scene.world,
    () => scene.values(),
    `
  > POST /oauth2/revoke
  > Authorization: {web}
  >
  > token_type_hint=access_token
  < 400
  <
  < {"error":"invalid_request","error_description":"token is missing."}

  > POST /oauth2/revoke
  > Authorization: {web}
  >
  > token=one&token=two
  < 400
  <
  < {"error":"invalid_request",…}

  > GET /oauth2/revoke?token=one
  > Authorization: {web}
  < 405
  < Allow: POST`,
  );
});
