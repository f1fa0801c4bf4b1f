import { after, before, describe } from 'node:test';
import { makeTokenScene, type TokenScene } from '#harness/token-scene.ts';
import { transcriptTest } from '#harness/transcript.ts';

describe('authorization requests and answers (RFC 9700)', () => {
  let scene: TokenScene;
  before(async () => {
    scene = await makeTokenScene();
  });
  after(() => scene.world.close());

  transcriptTest(
    'redirect URIs are compared as texts; nobody is sent to another one (RFC 9700 §4.1.3)',
    () => scene.world,
    () => scene.values(),
    `
  > GET /oauth2/authorize?response_type=code&client_id={webId}&redirect_uri=https%3A%2F%2Fapp.example%2Fcb%2F&state=xyz&code_challenge={challenge}&code_challenge_method=S256
  > Cookie: {session}
  < 400

  > GET /oauth2/authorize?response_type=code&client_id={webId}&redirect_uri=https%3A%2F%2Fapp.example%2Fcb%3Fa%3D1&state=xyz&code_challenge={challenge}&code_challenge_method=S256
  > Cookie: {session}
  < 400

  > GET /oauth2/authorize?response_type=code&client_id={webId}&redirect_uri=https%3A%2F%2Fapp.example%3A443%2Fcb&state=xyz&code_challenge={challenge}&code_challenge_method=S256
  > Cookie: {session}
  < 400

  > GET /oauth2/authorize?response_type=code&client_id={webId}&redirect_uri=http%3A%2F%2Fapp.example%2Fcb&state=xyz&code_challenge={challenge}&code_challenge_method=S256
  > Cookie: {session}
  < 400

  > GET /oauth2/authorize?response_type=code&client_id={webId}&redirect_uri=https%3A%2F%2Fapp.example%2Fcb%2F..%2Fcb&state=xyz&code_challenge={challenge}&code_challenge_method=S256
  > Cookie: {session}
  < 400

  > GET /oauth2/authorize?response_type=code&client_id={webId}&redirect_uri=https%3A%2F%2Fapp.example.evil.example%2Fcb&state=xyz&code_challenge={challenge}&code_challenge_method=S256
  > Cookie: {session}
  < 400`,
  );

  transcriptTest(
    'the implicit grant and hybrid answers do not exist (RFC 9700 §2.1.2)',
    () => scene.world,
    () => scene.values(),
    `
  > GET /oauth2/authorize?response_type=token&client_id={webId}&redirect_uri={redirect}&state=xyz&code_challenge={challenge}&code_challenge_method=S256
  > Cookie: {session}
  < 303
  < Location: https://app.example/cb?error=unsupported_response_type&…

  > GET /oauth2/authorize?response_type=id_token&client_id={webId}&redirect_uri={redirect}&state=xyz&code_challenge={challenge}&code_challenge_method=S256
  > Cookie: {session}
  < 303
  < Location: https://app.example/cb?error=unsupported_response_type&…

  > GET /oauth2/authorize?response_type=code%20token&client_id={webId}&redirect_uri={redirect}&state=xyz&code_challenge={challenge}&code_challenge_method=S256
  > Cookie: {session}
  < 303
  < Location: https://app.example/cb?error=unsupported_response_type&…`,
  );

  transcriptTest(
    'the password grant does not exist (RFC 9700 §2.4)',
    () => scene.world,
    () => scene.values(),
    `
  > POST /oauth2/token
  > Authorization: {web}
  >
  > grant_type=password&username=Ben&password=x
  < 400
  <
  < {"error":"unsupported_grant_type",…}`,
  );

  transcriptTest(
    'a code that was asked for with PKCE is not redeemed without it (RFC 9700 §4.8.2)',
    () => scene.world,
    () => scene.values(),
    `
  > POST /oauth2/token
  > Authorization: {web}
  >
  > grant_type=authorization_code&code={code}&redirect_uri={redirect}
  < 400
  <
  < {"error":"invalid_request",…}

  > POST /oauth2/token
  > Authorization: {web}
  >
  > grant_type=authorization_code&code={plainCode}&redirect_uri={redirect}&code_verifier={verifier}
  < 400
  <
  < {"error":"invalid_grant",…}`,
  );

  transcriptTest(
    'an access token in an address is not taken (RFC 9700 §4.3.2)',
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

  > GET /api/v1/me?access_token={token}
  < 401`,
  );

  transcriptTest(
    'pages cannot be framed, and addresses stay here (RFC 9700 §4.2.4, §4.16)',
    () => scene.world,
    () => scene.values(),
    `
  > GET /sign-in
  < 200
  < X-Frame-Options: DENY
  < Content-Security-Policy: …frame-ancestors 'none'…
  < Referrer-Policy: {policy}`,
  );
});
