import * as z from 'zod';
import { accept, type Result, refuse } from '#kernel/result.ts';
import { stripProxyPrefix } from '#oauth1/diagnosis/arrival.ts';
import { compareBaseStrings } from '#oauth1/diagnosis/differences.ts';
import {
  explainSignedRequest,
  type SignatureExplanation,
  splitUrl,
  toRawRequest,
} from '#oauth1/explain.ts';
import { parsePastedRequest } from '#oauth1/pasted-request.ts';
import { MAX_PASTED_BYTES, type PastedRequest } from '#oauth1/pasted-text.ts';
import { coreOAuth1Profile, type OAuth1Profile } from '#oauth1/profile.ts';
import { findingText, profileText, unreadableText } from '#pages/help/explained-texts.ts';
import { wordsOf } from '#pages/words.ts';
import { installedDialect } from '#server/installed-dialect.ts';
import {
  type ExitCode,
  type Io,
  type ParsedArguments,
  printRefusal,
  printResult,
  UsageError,
} from './command.ts';

const words = wordsOf('en');

/** The core's profile, and the dialect's. */
const profiles = [coreOAuth1Profile, installedDialect?.oauth1Profile ?? []].flat();

const requestSchema = z.strictObject({
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
  reading: z.enum(profiles.map(({ name }) => name)).nullish(),
});
type RequestDescription = z.infer<typeof requestSchema>;

/** The request and what is known of it, from either form of input. */
interface ExplainInput {
  readonly pasted: PastedRequest;
  readonly description: Partial<RequestDescription>;
}

/** JSON that describes a request. Throws UsageError when it does not fit. */
function parseJsonInput(text: string): ExplainInput {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new UsageError(
      'standard input is not JSON: pipe in {"method": …, "url": …, "headers": …}, or a request as it was sent.',
    );
  }
  const parsed = requestSchema.safeParse(json);
  if (!parsed.success) {
    const [problem] = parsed.error.issues;
    throw new UsageError(
      `the request on standard input does not fit at "${problem?.path.join('.') ?? ''}": ${problem?.message ?? ''}.`,
    );
  }
  const address = splitUrl(parsed.data.url);
  if (address === undefined)
    throw new UsageError(
      '"url" on standard input is no address with a scheme and a host, such as https://api.example/path.',
    );
  return {
    pasted: { ...toRawRequest(parsed.data, address.target), typedOrigins: [address.typedOrigin] },
    description: parsed.data,
  };
}

/** A request as it was sent, a curl command, or what `curl -v` printed. */
function parseTextInput(text: string): Result<ExplainInput, string> {
  const read = parsePastedRequest(text);
  if (read.ok) return accept({ pasted: read.value, description: {} });
  return refuse(
    read.refusal.kind === 'too-long'
      ? `the request is longer than ${MAX_PASTED_BYTES} bytes.`
      : `it is not read as a request: ${unreadableText(words, read.refusal)}`,
  );
}

/**
 * Scheme, host and port of the server, and the path in front of it. Throws UsageError when no
 * address is known.
 */
function resolveServer(
  args: ParsedArguments,
  { pasted, description: { origin } }: ExplainInput,
): { readonly origin: string; readonly prefixes: readonly string[] } {
  const givenOrigin = args.value('origin') ?? origin ?? undefined;
  const address = splitUrl(givenOrigin ?? pasted.typedOrigins[0] ?? '');
  if (address === undefined)
    throw new UsageError(
      givenOrigin === undefined
        ? '--origin is missing: the request does not name the public address of the server, such as https://api.example.'
        : `--origin ${givenOrigin} is no address with a scheme and a host, such as https://api.example.`,
    );
  const prefix = address.target.split('?', 1)[0]?.replace(/\/$/, '') ?? '';
  return {
    origin: address.origin,
    prefixes: givenOrigin === undefined || prefix === '' ? [] : [prefix],
  };
}

/**
 * A secret, from a file or the environment: never from the command line, which other users of the
 * machine see.
 */
const readSecret = (args: ParsedArguments, io: Io, option: string, variable: string): string =>
  (args.value(option) === undefined
    ? io.env[variable]
    : io.readFile(args.value(option) as string)
  )?.replace(/\r?\n$/, '') ?? '';

/** The profile that a request is read by: the dialect's by its option, or one by its name. */
function selectProfile(asDialect: boolean, name: string | null): OAuth1Profile {
  if (asDialect && installedDialect === null) throw new UsageError('this server has no dialect.');
  const selected = asDialect ? installedDialect?.oauth1Profile.name : name;
  return profiles.find((profile) => profile.name === selected) ?? coreOAuth1Profile;
}

interface ExplainResult extends SignatureExplanation {
  readonly differences: ReturnType<typeof compareBaseStrings>;
}

/** What is printed as JSON: stable names, and the sentences as well. */
function toJsonResult({ diagnosis, differences: rows, ...signing }: ExplainResult, origin: string) {
  const { profile: reading, verdict, findings } = diagnosis;
  return {
    reading,
    origin,
    ...signing,
    verdict,
    findings: findings.map((one) => ({ ...one, sentence: findingText(words, one) })),
    differences: rows,
  };
}

/** What is printed for people. */
function toTextLines({
  diagnosis,
  differences: rows,
  signature,
  valid,
  ...signing
}: ExplainResult): readonly string[] {
  const difference = rows.map(
    ({ part, ours, theirs }) =>
      `  ${part}\n    yours   ${theirs || '–'}\n    server  ${ours || '–'}`,
  );
  return [
    ...diagnosis.findings.map((one) => findingText(words, one)),
    '',
    `${words.say('help.base')} (read ${profileText(words, diagnosis.profile)})`,
    `  method      ${diagnosis.signed?.method ?? ''}`,
    `  address     ${signing.baseStringUri}`,
    `  parameters  ${signing.normalizedParams.replaceAll('&', '\n            & ')}`,
    '',
    words.say('help.whole'),
    `  ${signing.baseString}`,
    ...(signature !== null && valid !== true
      ? ['', 'The signature of this text', `  ${signature}`]
      : []),
    ...(rows.length === 0 ? [] : ['', words.say('help.differences'), ...difference]),
  ];
}

/** Explains the request on standard input, and prints what was found. */
export async function explainRequest(args: ParsedArguments, io: Io): Promise<ExitCode> {
  const text = await io.stdin();
  const input = text.trimStart().startsWith('{')
    ? accept(parseJsonInput(text))
    : parseTextInput(text);
  if (!input.ok) return printRefusal(io, args, input.refusal);
  const { pasted, description } = input.value;
  const { origin, prefixes } = resolveServer(args, input.value);
  // What stands in front of an endpoint is a proxy's only where the server's own address is
  // known.
  const hasGivenOrigin =
    args.value('origin') !== undefined || (description.origin ?? null) !== null;
  const received = hasGivenOrigin
    ? stripProxyPrefix(pasted)
    : { rawRequest: pasted, typedOrigins: pasted.typedOrigins, prefixes: [] };
  const readOptionFile = (option: string) =>
    args.value(option) === undefined ? undefined : io.readFile(args.value(option) as string);
  const theirs = readOptionFile('base-string') ?? description.baseString ?? '';
  const answer = explainSignedRequest({
    rawRequest: { ...received.rawRequest, secure: origin.startsWith('https:') },
    typedOrigins: received.typedOrigins ?? [],
    prefixes: [...prefixes, ...(received.prefixes ?? [])],
    origin,
    clientBaseString: theirs,
    clientSecret:
      description.clientSecret ||
      readSecret(args, io, 'client-secret-file', 'GATEHOUSE_EXPLAIN_CLIENT_SECRET'),
    tokenSecret:
      description.tokenSecret ||
      readSecret(args, io, 'token-secret-file', 'GATEHOUSE_EXPLAIN_TOKEN_SECRET'),
    publicKeyPem: readOptionFile('public-key') ?? description.publicKeyPem ?? null,
    signatureMethod: description.signatureMethod,
    profile: selectProfile(args.isSet('dialect'), description.reading ?? null),
    plaintext: args.isSet('plaintext'),
  });
  if (!answer.ok) {
    const { kind, diagnosis } = answer.refusal;
    const why =
      kind === 'signature_method_rejected'
        ? `the signature method ${description.signatureMethod} is not known.`
        : diagnosis.findings.map((one) => findingText(words, one)).join(' ');
    return printRefusal(io, args, `the request cannot be signed as it is (${kind}): ${why}`);
  }
  const rows = theirs.trim() === '' ? [] : compareBaseStrings(answer.value.baseString, theirs);
  const result = { ...answer.value, differences: rows };
  printResult(io, args, toJsonResult(result, origin), toTextLines(result));
  return 0;
}
