import type { Words } from '../words.ts';
import type { AppKind } from './app.template.ts';

// Programs that talk to this very server as this very app. They are run by tests: keep them
// working.

/**
 * What samples are made of. A value that is not known any more is null, and read from the
 * environment by the sample.
 */
export interface SampleFacts {
  readonly kind: AppKind;
  /** Without a slash at its end. */
  readonly issuer: string;
  readonly clientId: string;
  readonly secret: string | null;
  /** Owner-only apps: what they act with. */
  readonly token: string | null;
  readonly tokenSecret: string | null;
  readonly redirectUri: string;
  readonly scopes: readonly string[];
  /** It acts for itself, without a person. */
  readonly actsForItself: boolean;
  /** Who asks here is told who they act for; another address for apps of another site. */
  readonly probeUrl: string;
}

export interface Samples {
  readonly curl: string;
  readonly javascript: string;
  readonly python: string;
}

/** A text as one word of a shell. */
export const shellQuote = (text: string): string =>
  /^[\w./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
/**
 * Commands that a shell reads to their end before it runs the first: what asks for a line does not
 * take the next one of a text that is pasted.
 */
const shellGroup = (commands: string): string => `{\n${commands}\n}`;
/** A text in double quotes, as JavaScript and Python read it. */
const doubleQuoted = (text: string): string => JSON.stringify(text);
/** Names of the environment, where a value is not known any more. */
const environmentNames = {
  secret: 'CLIENT_SECRET',
  token: 'ACCESS_TOKEN',
  tokenSecret: 'TOKEN_SECRET',
} as const;
type SecretName = keyof typeof environmentNames;

const shellValue = (facts: SampleFacts, secretName: SecretName) =>
  facts[secretName] ?? `$${environmentNames[secretName]}`;
const javascriptValue = (facts: SampleFacts, secretName: SecretName) =>
  facts[secretName] === null
    ? `env.${environmentNames[secretName]}`
    : doubleQuoted(facts[secretName]);
const pythonValue = (facts: SampleFacts, secretName: SecretName) =>
  facts[secretName] === null
    ? `os.environ[${doubleQuoted(environmentNames[secretName])}]`
    : doubleQuoted(facts[secretName]);
/** `env` where a sample reads the environment. */
const javascriptEnvImport = (facts: SampleFacts, ...secretNames: readonly SecretName[]) =>
  secretNames.some((one) => facts[one] === null) ? "import { env } from 'node:process';\n" : '';
/** `import os` where a sample reads the environment. */
const pythonOsImport = (facts: SampleFacts, ...secretNames: readonly SecretName[]) =>
  secretNames.some((one) => facts[one] === null) ? 'import os\n' : '';

/** The query of an authorization request, without its `state` and `code_challenge`. */
export const authorizeQuery = ({
  clientId,
  redirectUri,
  scopes,
}: Pick<SampleFacts, 'clientId' | 'redirectUri' | 'scopes'>): string =>
  [
    ['response_type', 'code'],
    ['client_id', clientId],
    ['redirect_uri', redirectUri],
    ['scope', scopes.join(' ')],
    ['code_challenge_method', 'S256'],
  ]
    .map(([name, value]) => `${name}=${encodeURIComponent(value as string).replaceAll("'", '%27')}`)
    .join('&');

/** An app that acts for people: RFC 6749 §4.1 with PKCE (RFC 7636). */
function authorizationCodeSamples(words: Words, facts: SampleFacts): Samples {
  const { issuer, clientId, redirectUri, probeUrl, kind } = facts;
  const confidential = kind === 'server';
  const authorize = `${issuer}/oauth2/authorize?${authorizeQuery(facts)}`;
  const openComment = `# ${words.say('sample.open')}`;
  return {
    curl: shellGroup(`verifier=$(openssl rand -hex 32)
challenge=$(printf %s "$verifier" | openssl dgst -sha256 -binary | base64 | tr '+/' '-_' | tr -d '=')
${openComment}
echo '${authorize}'"&state=$(openssl rand -hex 8)&code_challenge=$challenge"
# ${words.say('sample.code')}
read -r code
curl -sS ${confidential ? `-u "${clientId}:${shellValue(facts, 'secret')}" ` : ''}${issuer}/oauth2/token \\
  -d grant_type=authorization_code -d "code=$code" -d "code_verifier=$verifier" \\
  --data-urlencode ${shellQuote(`redirect_uri=${redirectUri}`)}${confidential ? '' : ` -d client_id=${clientId}`}
# ${words.say('sample.use')}
# curl -H "Authorization: Bearer $access_token" ${probeUrl}`),
    javascript: `import { createHash } from 'node:crypto';
${confidential ? javascriptEnvImport(facts, 'secret') : ''}import { createInterface } from 'node:readline/promises';

const chance = (bytes) => Buffer.from(crypto.getRandomValues(new Uint8Array(bytes))).toString('hex');
const [verifier, state] = [chance(32), chance(8)];
const challenge = createHash('sha256').update(verifier).digest('base64url');
// ${words.say('sample.open')}
console.log(${doubleQuoted(authorize)} + \`&state=\${state}&code_challenge=\${challenge}\`);
// ${words.say('sample.code')}
const terminal = createInterface({ input: process.stdin });
const code = (await terminal[Symbol.asyncIterator]().next()).value;
terminal.close();
const answer = await fetch(${doubleQuoted(`${issuer}/oauth2/token`)}, {
  method: 'POST',${
    confidential
      ? `\n  headers: { authorization: 'Basic ' + btoa(${doubleQuoted(`${clientId}:`)} + ${javascriptValue(facts, 'secret')}) },`
      : ''
  }
  body: new URLSearchParams({
    grant_type: 'authorization_code',
    code,
    code_verifier: verifier,
    redirect_uri: ${doubleQuoted(redirectUri)},${confidential ? '' : `\n    client_id: ${doubleQuoted(clientId)},`}
  }),
});
const { access_token, refresh_token } = await answer.json();
const used = await fetch(${doubleQuoted(probeUrl)}, { headers: { authorization: \`Bearer \${access_token}\` } });
console.log(await used.json());`,
    python: `# pip install requests
import base64, hashlib, secrets
${confidential ? pythonOsImport(facts, 'secret') : ''}import requests

verifier = secrets.token_hex(32)
state = secrets.token_hex(8)
challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
${openComment}
print(${doubleQuoted(authorize)} + f"&state={state}&code_challenge={challenge}")
# ${words.say('sample.code')}
code = input()
answer = requests.post(
    ${doubleQuoted(`${issuer}/oauth2/token`)},${confidential ? `\n    auth=(${doubleQuoted(clientId)}, ${pythonValue(facts, 'secret')}),` : ''}
    data={
        "grant_type": "authorization_code",
        "code": code,
        "code_verifier": verifier,
        "redirect_uri": ${doubleQuoted(redirectUri)},${confidential ? '' : `\n        "client_id": ${doubleQuoted(clientId)},`}
    },
).json()
used = requests.get(${doubleQuoted(probeUrl)}, headers={"Authorization": f"Bearer {answer['access_token']}"})
print(used.json())`,
  };
}

/** An app that acts for itself (RFC 6749 §4.4). */
function clientCredentialsSamples(_words: Words, facts: SampleFacts): Samples {
  const { issuer, clientId } = facts;
  return {
    curl: `curl -sS -u "${clientId}:${shellValue(facts, 'secret')}" ${issuer}/oauth2/token -d grant_type=client_credentials`,
    javascript: `${javascriptEnvImport(facts, 'secret')}const answer = await fetch(${doubleQuoted(`${issuer}/oauth2/token`)}, {
  method: 'POST',
  headers: { authorization: 'Basic ' + btoa(${doubleQuoted(`${clientId}:`)} + ${javascriptValue(facts, 'secret')}) },
  body: new URLSearchParams({ grant_type: 'client_credentials' }),
});
console.log(await answer.json());`,
    python: `# pip install requests
${pythonOsImport(facts, 'secret')}import requests

answer = requests.post(
    ${doubleQuoted(`${issuer}/oauth2/token`)},
    auth=(${doubleQuoted(clientId)}, ${pythonValue(facts, 'secret')}),
    data={"grant_type": "client_credentials"},
)
print(answer.json())`,
  };
}

/** An owner's own app: one token, no dance. */
function ownerOnlySamples(_words: Words, facts: SampleFacts): Samples {
  const { probeUrl } = facts;
  return {
    curl: `curl -sS -H "Authorization: Bearer ${shellValue(facts, 'token')}" ${probeUrl}`,
    javascript: `${javascriptEnvImport(facts, 'token')}const token = ${javascriptValue(facts, 'token')};
const answer = await fetch(${doubleQuoted(probeUrl)}, { headers: { authorization: \`Bearer \${token}\` } });
console.log(await answer.json());`,
    python: `# pip install requests
${pythonOsImport(facts, 'token')}import requests

token = ${pythonValue(facts, 'token')}
answer = requests.get(${doubleQuoted(probeUrl)}, headers={"Authorization": f"Bearer {token}"})
print(answer.json())`,
  };
}

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
function oauth1Samples(words: Words, facts: SampleFacts): Samples {
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
function ownerOnlyOAuth1Samples(_words: Words, facts: SampleFacts): Samples {
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

/** What a sample shows, and the sample in each language. An app can work in more than one way. */
export function samplesFor(
  words: Words,
  facts: SampleFacts,
): readonly (readonly [what: 'people' | 'itself' | 'own', Samples])[] {
  switch (facts.kind) {
    case 'own':
      return [['own', ownerOnlySamples(words, facts)]];
    case 'own-oauth1':
      return [['own', ownerOnlyOAuth1Samples(words, facts)]];
    case 'oauth1':
      return [['people', oauth1Samples(words, facts)]];
    case 'service':
      return [['itself', clientCredentialsSamples(words, facts)]];
    case 'device':
      return [['people', authorizationCodeSamples(words, facts)]];
    case 'server':
      return [
        ['people', authorizationCodeSamples(words, facts)],
        ...(facts.actsForItself
          ? ([['itself', clientCredentialsSamples(words, facts)]] as const)
          : []),
      ];
  }
}
