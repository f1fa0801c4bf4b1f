import type { Words } from '../words.ts';
import {
  authorizeQuery,
  doubleQuoted,
  javascriptEnvImport,
  javascriptValue,
  pythonOsImport,
  pythonValue,
  type SampleFacts,
  type Samples,
  shellGroup,
  shellQuote,
  shellValue,
} from './sample-values.ts';

// Programs of OAuth 2 apps.

const isConfidential = ({ kind }: SampleFacts): boolean => kind === 'server';
/** Where the person is sent, without `state` and `code_challenge`. */
const authorizationUrl = (facts: SampleFacts): string =>
  `${facts.issuer}/oauth2/authorize?${authorizeQuery(facts)}`;

function authorizationCodeInShell(words: Words, facts: SampleFacts): string {
  const { issuer, clientId, redirectUri, probeUrl } = facts;
  return shellGroup(`verifier=$(openssl rand -hex 32)
challenge=$(printf %s "$verifier" | openssl dgst -sha256 -binary | base64 | tr '+/' '-_' | tr -d '=')
# ${words.say('sample.open')}
echo '${authorizationUrl(facts)}'"&state=$(openssl rand -hex 8)&code_challenge=$challenge"
# ${words.say('sample.code')}
read -r code
curl -sS ${isConfidential(facts) ? `-u "${clientId}:${shellValue(facts, 'secret')}" ` : ''}${issuer}/oauth2/token \\
  -d grant_type=authorization_code -d "code=$code" -d "code_verifier=$verifier" \\
  --data-urlencode ${shellQuote(`redirect_uri=${redirectUri}`)}${isConfidential(facts) ? '' : ` -d client_id=${clientId}`}
# ${words.say('sample.use')}
# curl -H "Authorization: Bearer $access_token" ${probeUrl}`);
}

function authorizationCodeInJavascript(words: Words, facts: SampleFacts): string {
  const { issuer, clientId, redirectUri, probeUrl } = facts;
  return `import { createHash } from 'node:crypto';
${isConfidential(facts) ? javascriptEnvImport(facts, 'secret') : ''}import { createInterface } from 'node:readline/promises';

const chance = (bytes) => Buffer.from(crypto.getRandomValues(new Uint8Array(bytes))).toString('hex');
const [verifier, state] = [chance(32), chance(8)];
const challenge = createHash('sha256').update(verifier).digest('base64url');
// ${words.say('sample.open')}
console.log(${doubleQuoted(authorizationUrl(facts))} + \`&state=\${state}&code_challenge=\${challenge}\`);
// ${words.say('sample.code')}
const terminal = createInterface({ input: process.stdin });
const code = (await terminal[Symbol.asyncIterator]().next()).value;
terminal.close();
const answer = await fetch(${doubleQuoted(`${issuer}/oauth2/token`)}, {
  method: 'POST',${
    isConfidential(facts)
      ? `\n  headers: { authorization: 'Basic ' + btoa(${doubleQuoted(`${clientId}:`)} + ${javascriptValue(facts, 'secret')}) },`
      : ''
  }
  body: new URLSearchParams({
    grant_type: 'authorization_code',
    code,
    code_verifier: verifier,
    redirect_uri: ${doubleQuoted(redirectUri)},${isConfidential(facts) ? '' : `\n    client_id: ${doubleQuoted(clientId)},`}
  }),
});
const { access_token, refresh_token } = await answer.json();
const used = await fetch(${doubleQuoted(probeUrl)}, { headers: { authorization: \`Bearer \${access_token}\` } });
console.log(await used.json());`;
}

function authorizationCodeInPython(words: Words, facts: SampleFacts): string {
  const { issuer, clientId, redirectUri, probeUrl } = facts;
  return `# pip install requests
import base64, hashlib, secrets
${isConfidential(facts) ? pythonOsImport(facts, 'secret') : ''}import requests

verifier = secrets.token_hex(32)
state = secrets.token_hex(8)
challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
# ${words.say('sample.open')}
print(${doubleQuoted(authorizationUrl(facts))} + f"&state={state}&code_challenge={challenge}")
# ${words.say('sample.code')}
code = input()
answer = requests.post(
    ${doubleQuoted(`${issuer}/oauth2/token`)},${isConfidential(facts) ? `\n    auth=(${doubleQuoted(clientId)}, ${pythonValue(facts, 'secret')}),` : ''}
    data={
        "grant_type": "authorization_code",
        "code": code,
        "code_verifier": verifier,
        "redirect_uri": ${doubleQuoted(redirectUri)},${isConfidential(facts) ? '' : `\n        "client_id": ${doubleQuoted(clientId)},`}
    },
).json()
used = requests.get(${doubleQuoted(probeUrl)}, headers={"Authorization": f"Bearer {answer['access_token']}"})
print(used.json())`;
}

/** An app that acts for people: RFC 6749 §4.1 with PKCE (RFC 7636). */
export const authorizationCodeSamples = (words: Words, facts: SampleFacts): Samples => ({
  curl: authorizationCodeInShell(words, facts),
  javascript: authorizationCodeInJavascript(words, facts),
  python: authorizationCodeInPython(words, facts),
});

/** An app that acts for itself (RFC 6749 §4.4). */
export function clientCredentialsSamples(facts: SampleFacts): Samples {
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
export function ownerOnlySamples(facts: SampleFacts): Samples {
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
