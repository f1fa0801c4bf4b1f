import { after, before, describe } from 'node:test';
import { makeTokenScene, type TokenScene } from '#harness/token-scene.ts';
import { transcriptTest } from '#harness/transcript.ts';

describe('issuer identification (RFC 9207)', () => {
  let scene: TokenScene;
  before(async () => {
    scene = await makeTokenScene();
  });
  after(() => scene.world.close());

  transcriptTest(
    'an error that is sent to the app names the issuer (RFC 9207 §2)',
    () => scene.world,
    () => scene.values(),
    `
  > GET /oauth2/authorize?response_type=token&client_id={webId}&redirect_uri={redirect}&state=xyz&code_challenge={challenge}&code_challenge_method=S256
  > Cookie: {session}
  < 303
  < Location: https://app.example/cb?error=unsupported_response_type&error_description={text}&state=xyz&iss=https%3A%2F%2Fgate.example

  > GET /oauth2/authorize?response_type=code&client_id={webId}&redirect_uri={redirect}&state=xyz&code_challenge={challenge}&code_challenge_method=S256&prompt=none
  < 303
  < Location: https://app.example/cb?error=login_required&error_description={words}&state=xyz&iss=https%3A%2F%2Fgate.example`,
  );

  transcriptTest(
    'so does a code (RFC 9207 §2)',
    () => scene.world,
    async () => {
      // An app that only learns who somebody is, and that they allowed before: nobody is asked.
      const { client } = await scene.world.createClient(scene.user, {
        name: 'sign-in',
        scopes: ['mwoauth-authonly'],
      });
      await scene.world.consents.accept(client, scene.user, client.scopes);
      return { ...(await scene.values()), webId: client.id };
    },
    `
  > GET /oauth2/authorize?response_type=code&client_id={webId}&redirect_uri={redirect}&state=xyz&code_challenge={challenge}&code_challenge_method=S256&prompt=none
  > Cookie: {session}
  < 303
  < Location: https://app.example/cb?code={given}&state=xyz&iss=https%3A%2F%2Fgate.example`,
  );

  transcriptTest(
    'the metadata promises it (RFC 9207 §3)',
    () => scene.world,
    () => scene.values(),
    `
  > GET /.well-known/oauth-authorization-server
  < 200
  <
  < {…"authorization_response_iss_parameter_supported":true,…}`,
  );
});
