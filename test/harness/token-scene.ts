import { createHash } from 'node:crypto';
import type { Account } from '#accounts/account.ts';
import type { ActionOutcome } from '#registry/actions/context.ts';
import type { TranscriptValues } from './transcript.ts';
import { basicHeader, TestServer } from './world.ts';

type CreatedClient = ActionOutcome & { readonly secret: string };

/** A code verifier, its challenge, and where every app of the scene is sent back to. */
export const verifier = 'a'.repeat(43);
export const challenge = createHash('sha256').update(verifier).digest('base64url');
export const redirectUri = 'https://app.example/cb';

/** Members of an answer of the token endpoint, as far as it has them. */
type TokenResponse = Readonly<Record<'access_token' | 'refresh_token' | 'scope' | 'error', string>>;

/** A server with one app of each kind that asks the token endpoint, and a person who consents. */
export interface TokenScene {
  readonly world: TestServer;
  readonly user: Account;
  /** Confidential; `spa`: public; `service`: acts for itself. */
  readonly web: CreatedClient;
  readonly spa: CreatedClient;
  readonly service: CreatedClient;
  /** Values of a transcript: credentials as header fields, and codes made for this transcript. */
  values(): Promise<TranscriptValues>;
  /** Asks the token endpoint as the confidential app. */
  requestToken(
    form: Readonly<Record<string, string>>,
  ): Promise<{ readonly status: number; readonly body: TokenResponse }>;
  /** Redeems a new code of the confidential app. */
  issueTokens(): Promise<TokenResponse>;
  /** Whether an access token is good for an API request. */
  isActive(accessToken: string): Promise<boolean>;
}

export async function makeTokenScene(): Promise<TokenScene> {
  const world = new TestServer();
  const owner = await world.createPerson('Ada');
  const user = await world.createPerson('Ben');
  const web = await world.createClient(owner, { name: 'web' });
  const spa = await world.createClient(owner, { name: 'spa', confidential: false });
  const service = await world.createClient(owner, {
    name: 'service',
    grantTypes: ['client_credentials'],
  });
  const requestToken: TokenScene['requestToken'] = async (form) => {
    const answer = await world.app.inject({
      method: 'POST',
      url: '/oauth2/token',
      headers: {
        authorization: basicHeader(web.client.id, web.secret),
        'content-type': 'application/x-www-form-urlencoded',
      },
      payload: new URLSearchParams(form).toString(),
    });
    return { status: answer.statusCode, body: answer.json() };
  };
  return {
    world,
    user,
    web,
    spa,
    service,
    requestToken,
    values: async () => ({
      web: basicHeader(web.client.id, web.secret),
      wrong: basicHeader(web.client.id, 'wrong'),
      service: basicHeader(service.client.id, service.secret),
      session: await world.sessionCookie(user),
      webId: web.client.id,
      webSecret: web.secret,
      spaId: spa.client.id,
      code: await world.issueCode(web, user, challenge),
      spaCode: await world.issueCode(spa, user, challenge),
      plainCode: await world.issueCode(web, user),
      verifier,
      challenge,
      redirect: encodeURIComponent(redirectUri),
    }),
    async issueTokens() {
      const { body } = await requestToken({
        grant_type: 'authorization_code',
        code: await world.issueCode(web, user, challenge),
        redirect_uri: redirectUri,
        code_verifier: verifier,
      });
      return body;
    },
    isActive: async (accessToken) =>
      (await world.server.services.protocols.core.oauth2.authenticateToken(accessToken, {})).ok,
  };
}
