import type { Words } from '../words.ts';
import {
  doubleQuoted,
  javascriptEnvImport,
  javascriptValue,
  pythonOsImport,
  pythonValue,
  type SampleFacts,
  type Samples,
  type SecretName,
  shellGroup,
  shellValue,
} from './sample-values.ts';

// Programs of OAuth 1.0a apps.

/** Signs with HMAC-SHA1 in a shell (RFC 5849 §3.4). */
const shellSigner = (
  facts: SampleFacts,
) => `encode() { printf %s "$1" | sed 's/%/%25/g; s/:/%3A/g; s,/,%2F,g; s/&/%26/g; s/=/%3D/g; s/+/%2B/g'; }
signed() { # METHOD URL TOKEN_SECRET name=value…
  params=$(printf '%s\\n' oauth_consumer_key=${facts.clientId} "oauth_nonce=$(openssl rand -hex 16)" oauth_signature_method=HMAC-SHA1 \\
    "oauth_timestamp=$(date +%s)" oauth_version=1.0 "\${@:4}" | LC_ALL=C sort | paste -sd '&' -)
  signature=$(printf %s "$1&$(encode "$2")&$(encode "$params")" | openssl dgst -sha1 -hmac "${shellValue(facts, 'secret')}&$3" -binary | base64)
  fields=$(printf %s "$params" | sed 's/=/="/g; s/&/", /g')
  curl -sS -X "$1" -H "Authorization: OAuth $fields\\", oauth_signature=\\"$(encode "$signature")\\"" "$2"
}`;
const javascriptSigner = (
  facts: SampleFacts,
  ...secretNames: readonly SecretName[]
) => `// npm install oauth-1.0a
import { createHmac } from 'node:crypto';
${javascriptEnvImport(facts, 'secret', ...secretNames)}import OAuth from 'oauth-1.0a';

const oauth = new OAuth({
  consumer: { key: ${doubleQuoted(facts.clientId)}, secret: ${javascriptValue(facts, 'secret')} },
  signature_method: 'HMAC-SHA1',
  hash_function: (text, key) => createHmac('sha1', key).update(text).digest('base64'),
});
const send = async (method, url, token, data = {}) =>
  (await fetch(url, { method, headers: oauth.toHeader(oauth.authorize({ url, method, data }, token)) })).text();`;

/** An app that acts for people, with an OAuth 1.0a library (RFC 5849 §2). */
export function oauth1Samples(words: Words, facts: SampleFacts): Samples {
  const { issuer, clientId, probeUrl } = facts;
  const [initiate, authorize, token] = [
    `${issuer}/oauth1/initiate`,
    `${issuer}/oauth1/authorize`,
    `${issuer}/oauth1/token`,
  ];
  return {
    curl: shellGroup(`${shellSigner(facts)}
field() { printf %s "$1" | tr '&' '\\n' | sed -n "s/^$2=//p"; }
first=$(signed POST ${initiate} '' oauth_callback=oob)
# ${words.say('sample.open')}
echo "${authorize}?oauth_token=$(field "$first" oauth_token)"
# ${words.say('sample.verifier')}
read -r verifier
last=$(signed POST ${token} "$(field "$first" oauth_token_secret)" "oauth_token=$(field "$first" oauth_token)" "oauth_verifier=$verifier")
signed GET ${probeUrl} "$(field "$last" oauth_token_secret)" "oauth_token=$(field "$last" oauth_token)"`),
    javascript: `${javascriptSigner(facts)}
const pair = (text) => {
  const form = new URLSearchParams(text);
  return { key: form.get('oauth_token'), secret: form.get('oauth_token_secret') };
};

const first = pair(await send('POST', ${doubleQuoted(initiate)}, undefined, { oauth_callback: 'oob' }));
// ${words.say('sample.open')}
console.log(\`${authorize}?oauth_token=\${first.key}\`);
// ${words.say('sample.verifier')}
const { createInterface } = await import('node:readline/promises');
const terminal = createInterface({ input: process.stdin });
const oauth_verifier = (await terminal[Symbol.asyncIterator]().next()).value;
terminal.close();
const last = pair(await send('POST', ${doubleQuoted(token)}, first, { oauth_verifier }));
console.log(await send('GET', ${doubleQuoted(probeUrl)}, last));`,
    python: `# pip install requests-oauthlib
${pythonOsImport(facts, 'secret')}from requests_oauthlib import OAuth1Session

key, secret = ${doubleQuoted(clientId)}, ${pythonValue(facts, 'secret')}
session = OAuth1Session(key, secret, callback_uri="oob")
first = session.fetch_request_token(${doubleQuoted(initiate)})
# ${words.say('sample.open')}
print(session.authorization_url(${doubleQuoted(authorize)}))
# ${words.say('sample.verifier')}
session = OAuth1Session(key, secret, first["oauth_token"], first["oauth_token_secret"], verifier=input())
last = session.fetch_access_token(${doubleQuoted(token)})
session = OAuth1Session(key, secret, last["oauth_token"], last["oauth_token_secret"])
print(session.get(${doubleQuoted(probeUrl)}).json())`,
  };
}

/** An owner's own app with an OAuth 1.0a library: every request is signed with both pairs. */
export function ownerOnlyOAuth1Samples(facts: SampleFacts): Samples {
  const { clientId, probeUrl } = facts;
  return {
    curl: `${shellSigner(facts)}
signed GET ${probeUrl} "${shellValue(facts, 'tokenSecret')}" "oauth_token=${shellValue(facts, 'token')}"`,
    javascript: `${javascriptSigner(facts, 'token', 'tokenSecret')}
const token = { key: ${javascriptValue(facts, 'token')}, secret: ${javascriptValue(facts, 'tokenSecret')} };
console.log(await send('GET', ${doubleQuoted(probeUrl)}, token));`,
    python: `# pip install requests-oauthlib
${pythonOsImport(facts, 'secret', 'token', 'tokenSecret')}from requests_oauthlib import OAuth1Session

session = OAuth1Session(${doubleQuoted(clientId)}, ${pythonValue(facts, 'secret')}, ${pythonValue(facts, 'token')}, ${pythonValue(facts, 'tokenSecret')})
print(session.get(${doubleQuoted(probeUrl)}).json())`,
  };
}
