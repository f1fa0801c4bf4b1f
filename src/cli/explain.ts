import { z } from 'zod';
import { accept, type Result, refuse } from '#kernel/result.ts';
import { withoutPrefix } from '#oauth1/diagnosis/arrival.ts';
import { differences } from '#oauth1/diagnosis/differences.ts';
import { type Explanation, explainRequest, sentOf, splitAddress } from '#oauth1/explain.ts';
import { readings } from '#oauth1/parse.ts';
import {
  MOST_PASTED_BYTES,
  type PastedRequest,
  readPastedRequest,
} from '#oauth1/pasted-request.ts';
import { findingText, unreadableText } from '#pages/help/explained-texts.ts';
import { wordsOf } from '#pages/words.ts';
import { type Command, type Given, type Io, print, refused, UsageError } from './command.ts';
import { explainHead } from './summaries.ts';

const words = wordsOf('en');

const described = z.strictObject({
  method: z.string().min(1).max(32),
  url: z.string().min(1).max(65_536),
  headers: z.record(z.string(), z.string()).default({}),
  body: z.string().max(1_048_576).nullish(),
  clientSecret: z.string().max(4096).default(''),
  tokenSecret: z.string().max(4096).default(''),
  signatureMethod: z.string().max(64).nullish(),
  publicKeyPem: z.string().max(65_536).nullish(),
  baseString: z.string().max(1_048_576).nullish(),
  origin: z.string().max(2048).nullish(),
  reading: z.enum(readings).nullish(),
});
type Described = z.infer<typeof described>;

/** The request and what is known of it, from either form of input. */
interface Input {
  readonly pasted: PastedRequest;
  readonly described: Partial<Described>;
}

/** JSON that describes a request. Throws UsageError when it does not fit. */
function fromJson(text: string): Input {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new UsageError(
      'standard input is not JSON: pipe in {"method": …, "url": …, "headers": …}, or a request as it was sent.',
    );
  }
  const read = described.safeParse(json);
  if (!read.success) {
    const [problem] = read.error.issues;
    throw new UsageError(
      `the request on standard input does not fit at "${problem?.path.join('.') ?? ''}": ${problem?.message ?? ''}.`,
    );
  }
  const address = splitAddress(read.data.url);
  if (address === undefined)
    throw new UsageError(
      '"url" on standard input is no address with a scheme and a host, such as https://api.example/path.',
    );
  return {
    pasted: { ...sentOf(read.data, address.target), typed: [address.typed] },
    described: read.data,
  };
}

/** A request as it was sent, a curl command, or what `curl -v` printed. */
function fromText(text: string): Result<Input, string> {
  const read = readPastedRequest(text);
  if (read.ok) return accept({ pasted: read.value, described: {} });
  return refuse(
    read.refusal.kind === 'too-long'
      ? `the request is longer than ${MOST_PASTED_BYTES} bytes.`
      : `it is not read as a request: ${unreadableText(words, read.refusal)}`,
  );
}

/**
 * Scheme, host and port of the server, and the path in front of it. Throws UsageError when no
 * address is known.
 */
function serverOf(
  given: Given,
  { pasted, described: { origin } }: Input,
): { readonly origin: string; readonly prefixes: readonly string[] } {
  const named = given.text('origin') ?? origin ?? undefined;
  const address = splitAddress(named ?? pasted.typed[0] ?? '');
  if (address === undefined)
    throw new UsageError(
      named === undefined
        ? '--origin is missing: the request does not name the public address of the server, such as https://api.example.'
        : `--origin ${named} is no address with a scheme and a host, such as https://api.example.`,
    );
  const prefix = address.target.split('?', 1)[0]?.replace(/\/$/, '') ?? '';
  return { origin: address.origin, prefixes: named === undefined || prefix === '' ? [] : [prefix] };
}

/**
 * A secret, from a file or the environment: never from the command line, which other users of the
 * machine see.
 */
const secretOf = (given: Given, io: Io, option: string, variable: string): string =>
  (given.text(option) === undefined
    ? io.env(variable)
    : io.readFile(given.text(option) as string)
  )?.replace(/\r?\n$/, '') ?? '';

interface Answer extends Explanation {
  readonly differences: ReturnType<typeof differences>;
}

/** What is printed as JSON: stable names, and the sentences as well. */
function document({ diagnosis, differences: rows, ...shown }: Answer, origin: string) {
  const { reading, verdict, findings } = diagnosis;
  return {
    reading,
    origin,
    ...shown,
    verdict,
    findings: findings.map((one) => ({ ...one, sentence: findingText(words, one) })),
    differences: rows,
  };
}

/** What is printed for people. */
function prose({
  diagnosis,
  differences: rows,
  signature,
  valid,
  ...shown
}: Answer): readonly string[] {
  const difference = rows.map(
    ({ part, ours, theirs }) =>
      `  ${part}\n    yours   ${theirs || '–'}\n    server  ${ours || '–'}`,
  );
  return [
    ...diagnosis.findings.map((one) => findingText(words, one)),
    '',
    `${words.say('help.base')} (read ${words.say(`help.reading-${diagnosis.reading}`)})`,
    `  method      ${diagnosis.signed?.method ?? ''}`,
    `  address     ${shown.baseStringUri}`,
    `  parameters  ${shown.normalizedParams.replaceAll('&', '\n            & ')}`,
    '',
    words.say('help.whole'),
    `  ${shown.baseString}`,
    ...(signature !== null && valid !== true
      ? ['', 'The signature of this text', `  ${signature}`]
      : []),
    ...(rows.length === 0 ? [] : ['', words.say('help.differences'), ...difference]),
  ];
}

/** `gatehouse explain oauth1`: the answer to "invalid signature" (RFC 5849 §3.4). */
export const explainOAuth1: Command = {
  ...explainHead,
  positionals: [],
  options: {
    origin: {
      type: 'string',
      value: 'URL',
      help: 'public address of the server; left out: the one in the request',
    },
    dialect: { type: 'boolean', help: 'read it as at the MediaWiki addresses' },
    plaintext: { type: 'boolean', help: 'the server takes PLAINTEXT (--oauth1-plaintext)' },
    'client-secret-file': {
      type: 'string',
      value: 'FILE',
      help: 'secret of the app (GATEHOUSE_EXPLAIN_CLIENT_SECRET)',
    },
    'token-secret-file': {
      type: 'string',
      value: 'FILE',
      help: 'secret of the token (GATEHOUSE_EXPLAIN_TOKEN_SECRET)',
    },
    'public-key': { type: 'string', value: 'FILE', help: 'RSA public key of the app, PEM' },
    'base-string': {
      type: 'string',
      value: 'FILE',
      help: "base string of the developer's own library, to be compared",
    },
  },
  async run(given, io) {
    const text = await io.stdin();
    const input = text.trimStart().startsWith('{') ? accept(fromJson(text)) : fromText(text);
    if (!input.ok) return refused(io, given, input.refusal);
    const { pasted, described: more } = input.value;
    const { origin, prefixes } = serverOf(given, input.value);
    // What stands in front of an endpoint is a proxy's only where the server's own address is
    // known.
    const isNamed = given.text('origin') !== undefined || (more.origin ?? null) !== null;
    const arrived = isNamed
      ? withoutPrefix(pasted)
      : { sent: pasted, typed: pasted.typed, prefixes: [] };
    const file = (option: string) =>
      given.text(option) === undefined ? undefined : io.readFile(given.text(option) as string);
    const theirs = file('base-string') ?? more.baseString ?? '';
    const answer = explainRequest({
      sent: { ...arrived.sent, secure: origin.startsWith('https:') },
      typed: arrived.typed ?? [],
      prefixes: [...prefixes, ...(arrived.prefixes ?? [])],
      origin,
      theirs,
      clientSecret:
        more.clientSecret ||
        secretOf(given, io, 'client-secret-file', 'GATEHOUSE_EXPLAIN_CLIENT_SECRET'),
      tokenSecret:
        more.tokenSecret ||
        secretOf(given, io, 'token-secret-file', 'GATEHOUSE_EXPLAIN_TOKEN_SECRET'),
      publicKeyPem: file('public-key') ?? more.publicKeyPem ?? null,
      signatureMethod: more.signatureMethod,
      reading: given.is('dialect') ? 'mediawiki' : (more.reading ?? 'rfc5849'),
      plaintext: given.is('plaintext'),
    });
    if (!answer.ok) {
      const { kind, diagnosis } = answer.refusal;
      const why =
        kind === 'signature_method_rejected'
          ? `the signature method ${more.signatureMethod} is not known.`
          : diagnosis.findings.map((one) => findingText(words, one)).join(' ');
      return refused(io, given, `the request cannot be signed as it is (${kind}): ${why}`);
    }
    const rows = theirs.trim() === '' ? [] : differences(answer.value.baseString, theirs);
    const whole = { ...answer.value, differences: rows };
    print(io, given, document(whole, origin), prose(whole));
    return 0;
  },
};
