import { createHmac, randomBytes } from 'node:crypto';
import { explainDescribedRequest } from '#oauth1/explain.ts';

const enc = (text: string) =>
  encodeURIComponent(text).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );

/** Sends one request signed with HMAC-SHA1 in the Authorization header (RFC 5849 §3.5.1). */
export async function signedFetch(
  method: string,
  url: string,
  client: { readonly key: string; readonly secret: string },
  token: { readonly key: string; readonly secret: string } | null,
  extra: Readonly<Record<string, string>> = {},
  /**
   * Where the request is really sent, when the signature names a public origin that a proxy stands
   * for.
   */
  through = new URL(url).origin,
): Promise<Response> {
  const parameters: Record<string, string> = {
    oauth_consumer_key: client.key,
    oauth_nonce: randomBytes(12).toString('hex'),
    oauth_signature_method: 'HMAC-SHA1',
    oauth_timestamp: String(Math.floor(Date.now() / 1000)),
    oauth_version: '1.0',
    ...(token ? { oauth_token: token.key } : {}),
    ...extra,
  };
  const header = () =>
    `OAuth ${Object.entries(parameters)
      .map(([name, value]) => `${name}="${enc(value)}"`)
      .join(', ')}`;
  const asked = explainDescribedRequest({
    method,
    url,
    headers: { authorization: header() },
    body: null,
    clientSecret: client.secret,
    tokenSecret: token?.secret ?? '',
    signatureMethod: 'HMAC-SHA1',
  });
  if (!asked.ok) throw new Error(`the request cannot be signed: ${JSON.stringify(asked.refusal)}`);
  const key = `${enc(client.secret)}&${enc(token?.secret ?? '')}`;
  parameters.oauth_signature = createHmac('sha1', key)
    .update(asked.value.baseString)
    .digest('base64');
  return fetch(url.replace(new URL(url).origin, through), {
    method,
    headers: { authorization: header() },
  });
}
