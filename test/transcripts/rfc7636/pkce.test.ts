import { after, before, describe } from 'node:test';
import { makeTokenScene, type TokenScene } from '#harness/token-scene.ts';
import { transcriptTest } from '#harness/transcript.ts';

describe('proof key for code exchange (RFC 7636)', () => {
  let scene: TokenScene;
  before(async () => {
    scene = await makeTokenScene();
  });
  after(() => scene.world.close());

  transcriptTest(
    'the verifier must fit, and a wrong one does not burn the code (RFC 7636 §4.6)',
    () => scene.world,
    () => scene.values(),
    `
  > POST /oauth2/token
  > Authorization: {web}
  >
  > grant_type=authorization_code&code={code}&redirect_uri={redirect}&code_verifier=bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
  < 400
  <
  < {"error":"invalid_grant",…}

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
  < {"error":"invalid_grant",…}

  > POST /oauth2/token
  > Authorization: {web}
  >
  > grant_type=authorization_code&code={code}&redirect_uri={redirect}&code_verifier={verifier}
  < 200`,
  );

  transcriptTest(
    'S256 is the only method, and a challenge is required (RFC 7636 §4.3, §4.4.1; RFC 9700 §2.1.1)',
    () => scene.world,
    () => scene.values(),
    `
  > GET /oauth2/authorize?response_type=code&client_id={webId}&redirect_uri={redirect}&state=xyz
  > Cookie: {session}
  < 303
  < Location: https://app.example/cb?error=invalid_request&error_description={text}&state=xyz&iss=https%3A%2F%2Fgate.example

  > GET /oauth2/authorize?response_type=code&client_id={webId}&redirect_uri={redirect}&state=xyz&code_challenge={challenge}
  > Cookie: {session}
  < 303
  < Location: https://app.example/cb?error=invalid_request&…

  > GET /oauth2/authorize?response_type=code&client_id={webId}&redirect_uri={redirect}&state=xyz&code_challenge={challenge}&code_challenge_method=plain
  > Cookie: {session}
  < 303
  < Location: https://app.example/cb?error=invalid_request&…

  > GET /oauth2/authorize?response_type=code&client_id={webId}&redirect_uri={redirect}&state=xyz&code_challenge=short&code_challenge_method=S256
  > Cookie: {session}
  < 303
  < Location: https://app.example/cb?error=invalid_request&…

  > GET /oauth2/authorize?response_type=code&client_id={webId}&redirect_uri={redirect}&state=xyz&code_challenge={challenge}&code_challenge_method=S256&code_challenge={challenge}
  > Cookie: {session}
  < 303
  < Location: https://app.example/cb?error=invalid_request&…`,
  );

  transcriptTest(
    'a verifier has 43 to 128 unreserved characters (RFC 7636 §4.1)',
    () => scene.world,
    () => scene.values(),
    `
  > POST /oauth2/token
  > Authorization: {web}
  >
  > grant_type=authorization_code&code={code}&redirect_uri={redirect}&code_verifier=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
  < 400
  <
  < {"error":"invalid_request",…}

  > POST /oauth2/token
  > Authorization: {web}
  >
  > grant_type=authorization_code&code={code}&redirect_uri={redirect}&code_verifier=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
  < 400
  <
  < {"error":"invalid_request",…}

  > POST /oauth2/token
  > Authorization: {web}
  >
  > grant_type=authorization_code&code={code}&redirect_uri={redirect}&code_verifier=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa%2B
  < 400
  <
  < {"error":"invalid_request",…}`,
  );
});
