import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { describe, test } from 'node:test';
import { type Io, parseArguments, UsageError } from '#cli/command.ts';
import { explainOAuth1 } from '#cli/explain.ts';
import {
  type FaultyRequest,
  rfc5849Encode,
  type SignerCredentials,
  signWithMistake,
} from '#harness/mistakes.ts';
import { parsePastedRequest } from '#oauth1/pasted-request.ts';
import type { PastedRequest } from '#oauth1/pasted-text.ts';
import { mistakes } from './explainer-mistakes.ts';
import { rightRequests } from './explainer-right.ts';

// `gatehouse explain oauth1`: the same engine as the page, over whatever a developer can copy.

const now = 1_800_000_000;
const origin = 'https://gate.example';
const signer: SignerCredentials = {
  origin,
  client: { key: 'a'.repeat(32), secret: 'cl&ient+/' },
  token: { key: 'b'.repeat(32), secret: 'to/ken ü' },
  now,
};

interface Told {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}
const files: Record<string, string> = {
  client: `${signer.client.secret}\n`,
  token: signer.token.secret,
};

async function explain(
  text: string,
  argv: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<Told> {
  let [out, err] = ['', ''];
  const io = {
    out: (piece: string) => {
      out += piece;
    },
    err: (piece: string) => {
      err += piece;
    },
    stdin: async () => text,
    readFile: (path: string) => files[path] ?? assert.fail(path),
    env,
  } as unknown as Io;
  const code = await explainOAuth1.run(parseArguments(explainOAuth1, argv), io);
  return { code, out, err };
}
const known = ['--client-secret-file', 'client', '--token-secret-file', 'token'];
const noSecretIn = ({ out, err }: Told) => {
  for (const secret of [signer.client.secret, signer.token.secret])
    for (const text of [secret, rfc5849Encode(secret)]) assert.ok(!(out + err).includes(text));
};

describe('every mistake', () => {
  // Of the time nobody is asked here, and every token is taken for the app's.
  for (const { name, recipe, says, dialect } of mistakes.filter(
    (one) => !['future', 'token-unknown'].includes(one.found[0] ?? ''),
  ))
    test(name, async () => {
      const made: FaultyRequest = typeof recipe === 'function' ? recipe(now) : recipe;
      const { text } = signWithMistake(made, signer);
      // Without a token its secret is none.
      const isTokenless = 'oauth_token' in (made.overrides ?? {}) && !made.overrides?.oauth_token;
      const secrets = isTokenless ? known.slice(0, 2) : known;
      const told = await explain(text, [
        '--origin',
        origin,
        ...secrets,
        ...(dialect ? ['--dialect'] : []),
      ]);
      for (const part of says) assert.ok((told.out + told.err).includes(part), told.out + told.err);
      // What cannot be read is refused; everything else is explained.
      assert.deepEqual([told.code, told.out === ''], told.err === '' ? [0, false] : [1, true]);
      noSecretIn(told);
    });
});

test('right requests, in prose and as JSON', async () => {
  for (const { recipe, reading } of rightRequests.filter((_, index) => index % 9 === 0)) {
    const isTokenless = 'oauth_token' in (recipe.overrides ?? {}) && !recipe.overrides?.oauth_token;
    const argv = [
      '--origin',
      origin,
      ...(isTokenless ? known.slice(0, 2) : known),
      ...(reading === 'mediawiki' ? ['--dialect'] : []),
    ];
    const { text, base } = signWithMistake(recipe, signer);
    const told = await explain(text, argv);
    assert.match(told.out, /^The signature is right\.\n/);
    const json = JSON.parse((await explain(text, [...argv, '--json'])).out);
    assert.deepEqual(
      [json.valid, json.verdict, json.findings.length, json.reading],
      [true, 'right', 1, reading],
    );
    if (reading === 'rfc5849') assert.equal(json.baseString, base);
  }
});

/** A signed request, as the program that sends it would be told of it. */
const { authorization } = signWithMistake(
  {
    method: 'POST',
    target: '/x?q=1',
    body: 'a=b%20c&d=%26',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
  },
  signer,
);
const get = signWithMistake({ target: '/x?q=a%20b&r=1' }, signer).authorization;
const json = signWithMistake({ method: 'POST', target: '/x' }, signer).authorization;
const single = `'${authorization}'`;
const escaped = authorization.replaceAll('"', '\\"');
const forms: Readonly<Record<string, string>> = {
  'a message of HTTP/1.1': `POST /x?q=1 HTTP/1.1\nHost: gate.example\nAuthorization: ${authorization}\nContent-Type: application/x-www-form-urlencoded\n\na=b%20c&d=%26`,
  'the whole address in the first line': `POST https://gate.example/x?q=1\nAuthorization: ${authorization}\nContent-Type: application/x-www-form-urlencoded\n\na=b%20c&d=%26`,
  'a field that goes on in the next line': `POST https://gate.example/x?q=1\r\nAuthorization: ${authorization.replaceAll(', ', ',\r\n  ')}\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\na=b%20c&d=%26`,
  'fields of HTTP/2': `:method: POST\n:scheme: https\n:authority: gate.example\n:path: /x?q=1\nauthorization: ${authorization}\ncontent-type: application/x-www-form-urlencoded\n\na=b%20c&d=%26`,
  'fields of HTTP/2 in another order': `:authority: gate.example\n:path: /x?q=1\n:method: POST\ncontent-type: application/x-www-form-urlencoded\nauthorization: ${authorization}\n\na=b%20c&d=%26`,
  'curl, data escaped': `curl -X POST 'https://gate.example/x?q=1' -H 'Authorization: ${authorization}' -d 'a=b%20c' -d d=%26`,
  'curl, double quotation marks': `curl "https://gate.example/x?q=1" -H "Authorization: ${escaped}" --data "a=b%20c&d=%26"`,
  'curl over several lines': `$ curl --request POST \\\n  --url 'https://gate.example/x?q=1' \\\n  --header ${single.replace("'", "'Authorization: ")} \\\n  --data-urlencode 'a=b c' \\\n  --data-urlencode 'd=&'`,
  "curl as a browser's tools write it": `curl 'https://gate.example/x?q=1' \\\n  -H 'accept: */*' \\\n  -H $'authorization: ${authorization}' \\\n  --data-raw 'a=b%20c&d=%26' \\\n  --compressed`,
  'curl, short options together': `curl -sSLkX POST -H'Authorization: ${authorization}' --data-binary 'a=b%20c&d=%26' -o /dev/null https://gate.example/x?q=1 | jq .`,
  'curl and what -v printed': `$ curl -v 'https://gate.example/x?q=1' -H "Authorization: OAuth $HEADER" -d 'a=b%20c&d=%26'\n* Connected\n> POST /x?q=1 HTTP/1.1\n> Host: gate.example\n> Authorization: ${authorization}\n> Content-Length: 13\n> Content-Type: application/x-www-form-urlencoded\n>\n< HTTP/1.1 401 Unauthorized\n<\n{}`,
};

describe('a request as it is copied', () => {
  for (const [name, text] of Object.entries(forms))
    test(name, async () => {
      // What only the shell knows is in the command of the last; its body is taken from nowhere
      // else.
      const told = await explain(
        name.includes('-v printed')
          ? text.replace('"Authorization: OAuth $HEADER"', "'A: b'")
          : text,
        ['--origin', origin, ...known],
      );
      assert.match(told.out, /^The signature is right\./, told.out + told.err);
    });

  test('curl -v of a request without a body: the address is the one it was sent to', async () => {
    const text = `* Trying 127.0.0.1:443...\n* SSL connection using TLSv1.3\n> GET /x?q=a%20b&r=1 HTTP/1.1\n> Host: gate.example\n> Authorization: ${get}\n> Accept: */*\n> \n* Request completely sent off\n< HTTP/1.1 200 OK\n`;
    assert.match((await explain(text, known)).out, /^The signature is right\./);
    assert.match(
      (await explain(text.replace('* SSL connection using TLSv1.3\n', ''), known)).out,
      /^Another scheme was signed: https:/,
    );
  });

  test('curl -v of a form: its bytes are not printed, and that is said', async () => {
    const text = `> POST /x HTTP/1.1\n> Host: gate.example\n> Content-Length: 7\n> Content-Type: application/x-www-form-urlencoded\n> Authorization: ${json}\n>\n`;
    const told = await explain(text, ['--origin', origin, ...known]);
    assert.deepEqual([told.code, told.out], [1, '']);
    assert.match(told.err, /its bytes are not here/);
  });

  const reads: Readonly<Record<string, (read: PastedRequest) => unknown>> = {
    "curl -G https://a.example/b?c=d -d e=f --data-urlencode 'g=h i' ": ({ method, target }) =>
      assert.deepEqual([method, target], ['GET', '/b?c=d&e=f&g=h%20i']),
    'curl a.example:8080': ({ method, target, typedOrigins: typed }) =>
      assert.deepEqual([method, target, typed], ['GET', '/', ['http://a.example:8080']]),
    'curl -I https://u:p@a.example#x': ({ method, target, typedOrigins: typed }) =>
      assert.deepEqual([method, target, typed], ['HEAD', '/', ['https://a.example']]),
    'curl -T file https://a.example/f': ({ method, body }) =>
      assert.deepEqual([method, body], ['PUT', undefined]),
    "curl https://a.example -d @file -H 'Content-Type: text/plain'": ({ body, headers }) =>
      assert.deepEqual([body, headers['content-type']], [undefined, ['text/plain']]),
    'curl https://a.example --json \'{"a":1}\'': ({ method, headers, body }) =>
      assert.deepEqual(
        [method, headers['content-type'], String(body)],
        ['POST', ['application/json'], '{"a":1}'],
      ),
    "curl https://a.example -F a=b -F 'c=@d.txt;type=x/y'": ({ headers, body }) => {
      assert.match(String(headers['content-type']), /^multipart\/form-data; boundary=/);
      assert.match(String(body), /name="a"\r\n\r\nb\r\n[\s\S]*name="c"; filename="d\.txt"/);
    },
    'curl -u me:secret https://a.example': ({ headers }) =>
      assert.deepEqual(headers.authorization, ['Basic bWU6c2VjcmV0']),
    'curl -u me:secret https://a.example -H \'Authorization: OAuth a="b"\'': ({ headers }) =>
      assert.deepEqual(headers.authorization, ['OAuth a="b"']),
    "curl https://a.example -H 'X;' -H 'Y:' -H 'Z: 1' -H 'z: 2'": ({ headers }) =>
      assert.deepEqual({ ...headers }, { x: [''], z: ['1', '2'] }),
    "curl https://a.example -d $'it\\'s\\x41\\u00e9\\n' ": ({ body }) =>
      assert.equal(String(body), "it'sAé\n"),
    'curl https://a.example --request-target /raw -X OPTIONS': ({ method, target }) =>
      assert.deepEqual([method, target], ['OPTIONS', '/raw']),
    'curl "https://a.example/$1?a=\\$b"': ({ target }) => assert.equal(target, '/$1?a=$b'),
  };
  for (const [text, judge] of Object.entries(reads))
    test(text, () => {
      const read = parsePastedRequest(text);
      assert.ok(read.ok, JSON.stringify(read));
      judge(read.value);
    });

  const refusedTexts: Readonly<Record<string, RegExp>> = {
    '': /nothing is there/,
    'hello world out there': /the first line must be like POST/,
    'GET / HTTP/1.1\nnot a header': /a header line must be like Name: value\. It is not a header/,
    'curl https://a.example --frobnicate x': /the option --frobnicate of curl is not known/,
    "curl 'https://a.example": /a quotation mark is not closed/,
    'curl -X POST': /there is no address/,
    'curl https://a.example -H "Authorization: ${HEADER}"':
      /a variable or command of the shell[\s\S]*\$\{HEADER\}/,
    'curl https://a.example/`date`': /a variable or command of the shell/,
    [`GET / HTTP/1.1\nx: ${'y'.repeat(17_000)}`]: /longer than 16384 bytes/,
  };
  for (const [text, says] of Object.entries(refusedTexts))
    test(`refused: ${text.slice(0, 60)}`, async () => {
      const told = await explain(text, ['--origin', origin]);
      assert.deepEqual([told.code, told.out], [1, '']);
      assert.match(told.err, says);
    });
});

test('JSON, with a reading, an address and a base string of its own', async () => {
  const { authorization: header, base } = signWithMistake(
    { target: '/w/api.php?a=1', uri: `${origin}/api.php` },
    signer,
  );
  const request = {
    method: 'GET',
    url: 'http://localhost:4400/w/api.php?a=1',
    headers: { authorization: header },
    clientSecret: signer.client.secret,
    tokenSecret: signer.token.secret,
    origin,
    reading: 'mediawiki',
    baseString: base,
  };
  const told = await explain(JSON.stringify(request), ['--json']);
  const answer = JSON.parse(told.out);
  assert.deepEqual(
    [answer.reading, answer.origin, answer.valid, answer.verdict],
    ['mediawiki', origin, false, 'wrong'],
  );
  assert.deepEqual(answer.findings[0].kind, 'path-prefix');
  assert.match(answer.findings[0].sentence, /Another path was signed: \/api\.php/);
  assert.deepEqual(answer.differences, [
    { part: 'uri', ours: `${origin}/w/api.php`, theirs: `${origin}/api.php` },
  ]);
  noSecretIn(told);
  await assert.rejects(explain(JSON.stringify({ ...request, reading: 'other' })), UsageError);
  await assert.rejects(explain(JSON.stringify({ ...request, url: 'nowhere' })), UsageError);
  await assert.rejects(explain('GET /x HTTP/1.1\nHost: a.example\n'), /--origin is missing/);
  await assert.rejects(
    explain('GET /x HTTP/1.1\n', ['--origin', 'nowhere']),
    /--origin nowhere is no address/,
  );
});

test('secrets come from files and the environment, and are never printed; without them that is said', async () => {
  const { text } = signWithMistake({}, signer);
  const env = {
    GATEHOUSE_EXPLAIN_CLIENT_SECRET: signer.client.secret,
    GATEHOUSE_EXPLAIN_TOKEN_SECRET: signer.token.secret,
  };
  const told = await explain(text, ['--origin', origin], env);
  assert.match(told.out, /The signature is right/);
  noSecretIn(told);
  assert.match((await explain(text, ['--origin', origin])).out, /no client secret was given/);
  const plain = signWithMistake(
    {
      overrides: { oauth_signature_method: 'PLAINTEXT' },
      sign: () => `${rfc5849Encode(signer.client.secret)}&${rfc5849Encode(signer.token.secret)}`,
    },
    signer,
  ).text;
  for (const more of [[], ['--json']]) {
    const shown = await explain(plain, ['--origin', origin, '--plaintext', ...known, ...more]);
    assert.match(shown.out, /The signature is right/);
    noSecretIn(shown);
  }
  assert.match(
    (await explain(plain, ['--origin', origin, ...known])).out,
    /PLAINTEXT is not served here/,
  );
});

test('a path in front of the server, named with its address or seen in the request', async () => {
  const { text } = signWithMistake(
    { method: 'POST', target: '/oauth1/initiate', uri: `${origin}/in/side/oauth1/initiate` },
    signer,
  );
  assert.match(
    (await explain(text, ['--origin', `${origin}/in/side`, ...known])).out,
    /Another path was signed: \/in\/side\/oauth1\/initiate/,
  );
  const typed = text.replace('/oauth1/initiate', `${origin}/in/side/oauth1/initiate`);
  assert.match(
    (await explain(typed, ['--origin', origin, ...known])).out,
    /Another path was signed: \/in\/side\/oauth1\/initiate/,
  );
});

test('RSA, with the public key', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  files['key.pem'] = publicKey.export({ type: 'spki', format: 'pem' }) as string;
  const made = (digest: string) =>
    signWithMistake(
      {
        overrides: { oauth_signature_method: 'RSA-SHA1' },
        sign: (base) => sign(digest, Buffer.from(base), privateKey).toString('base64'),
      },
      signer,
    ).text;
  const argv = ['--origin', origin, '--public-key', 'key.pem'];
  assert.match(
    (await explain(made('sha1'), argv)).out,
    /The signature is right: it was made with the private key/,
  );
  assert.match(
    (await explain(made('sha256'), argv)).out,
    /SHA-256 was signed with it; oauth_signature_method asks for SHA-1/,
  );
});
