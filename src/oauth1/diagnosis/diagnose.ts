import type { RawRequest } from '#encoding/raw-request.ts';
import type { Instant } from '#kernel/time.ts';
import { hmac } from '#keys/hmac.ts';
import { recoverRsaContent, verifyRsaPssSignature } from '#keys/rsa.ts';
import {
  buildBaseString,
  buildBaseStringUri,
  candidateBaseStrings,
  normalizeParameters,
} from '../base-string.ts';
import { parseSignedRequest, type SignedRequest } from '../parse.ts';
import type { OAuth1Profile } from '../profile.ts';
import {
  isBodyHashValid,
  isSignatureValid,
  type SignatureMethod,
  signatureMethods,
} from '../signature.ts';
import type { OAuth1Settings } from '../verify.ts';
import { addressMistakes } from './addresses.ts';
import { type Finding, type FindingKind, makeFinding } from './finding.ts';
import { correctKey, keyMistakes, signatureSpellings } from './keys.ts';
import { parameterMistakes } from './parameters.ts';
import { protocolProblem, unreadableRequestProblem } from './problems.ts';
import {
  type BaseStringParts,
  isDigestOf,
  type SearchResult,
  searchHmac,
  searchRsa,
} from './search.ts';

/** A request to be explained, and what is known of the way it went. */
export interface RequestToDiagnose {
  readonly rawRequest: RawRequest;
  /** Scheme, host and port that somebody typed, as they stood there; none: nobody did. */
  readonly typedOrigins?: readonly string[];
  /** Paths that a proxy may have put in front or taken away. */
  readonly prefixes?: readonly string[];
  /** When it came; null: not known, as of one that was pasted. */
  readonly receivedAt?: Instant | null;
  /** The base string of the developer's own library; empty: not given. */
  readonly clientBaseString?: string;
  /** What it was refused for, when it was. */
  readonly refusal?: string | null;
}

/** What signatures are checked with. */
export interface DiagnosisSecrets {
  /** None: the app has no secret now, or it was not given. */
  readonly clientSecrets: readonly string[];
  /** Empty without a token; null: the token is not known. */
  readonly tokenSecret: string | null;
  readonly publicKeyPem: string | null;
}

/** What the server signs over, step by step (RFC 5849 §3.4.1). */
export interface SignedParts {
  readonly method: string;
  readonly baseStringUri: string;
  readonly normalizedParams: string;
  readonly baseString: string;
}

/** What the server makes of a request. Never a secret. */
export interface Diagnosis {
  /** The name of the profile it was read by. */
  readonly profile: string;
  /** Null: the request cannot be read. */
  readonly signed: SignedParts | null;
  /** 'not-checked': the secret or key is not known, or the method is not served. */
  readonly verdict: 'right' | 'wrong' | 'no-signature' | 'not-checked' | 'not-read';
  /**
   * What is to be said, each of it true: what refuses the request first, then what is known of the
   * signature.
   */
  readonly findings: readonly Finding[];
}

/** What of a diagnosis depends on who asks. */
export interface DiagnosisContext {
  /** Null: there is no clock to compare with. */
  readonly now: Instant | null;
  /** What it means that there is no client secret. */
  readonly secretMissing: 'no-secret' | 'secret-not-given';
}

type Judgement = Pick<Diagnosis, 'verdict' | 'findings'>;
const makeJudgement = (
  verdict: Judgement['verdict'],
  ...kinds: readonly (FindingKind | Finding)[]
): Judgement => ({
  verdict,
  findings: kinds.map((kind) => (typeof kind === 'string' ? makeFinding(kind) : kind)),
});

const forwardedPrefixes = ({ headers }: RawRequest): readonly string[] =>
  [headers['x-forwarded-prefix'] ?? []].flat().filter((text) => /^\/[^?#\s]{0,200}$/.test(text));

function candidateParts({ request, signed, origin, profile }: SignatureCase): BaseStringParts {
  const { rawRequest: sent, typedOrigins = [], prefixes = [] } = request;
  const uri = buildBaseStringUri(origin, signed.path);
  const question = sent.target.indexOf('?');
  const query = question < 0 ? '' : (sent.target.slice(question + 1).split('#', 1)[0] ?? '');
  const ways = {
    origin,
    path: uri.slice(origin.length),
    headers: sent.headers,
    typedOrigins,
    prefixes: [...forwardedPrefixes(sent), ...prefixes],
  };
  return {
    method: signed.method.toUpperCase(),
    uri,
    signed,
    addresses: addressMistakes(ways, query),
    parameters: () => parameterMistakes(sent, signed, profile),
  };
}

interface SignatureCase {
  readonly request: RequestToDiagnose;
  readonly signed: SignedRequest;
  readonly given: string;
  readonly method: SignatureMethod;
  readonly texts: readonly string[];
  readonly origin: string;
  readonly profile: OAuth1Profile;
  readonly secrets: DiagnosisSecrets;
}

const hashAlgorithm = (method: string) =>
  method.endsWith('SHA256') ? ('sha256' as const) : ('sha1' as const);
const incompleteSearchNote = ({ isExhaustive: all }: SearchResult): readonly FindingKind[] =>
  all ? [] : ['not-all-tried'];

/** What the developer's own base string tells of a signature that is wrong. */
function compareClientBaseString(
  { request, texts }: SignatureCase,
  fits: (theirs: string) => boolean,
): readonly FindingKind[] {
  const clientBaseString = (request.clientBaseString ?? '').trim();
  if (clientBaseString === '') return [];
  if (fits(clientBaseString)) return ['theirs-signed'];
  return texts.includes(clientBaseString) ? ['theirs-same'] : ['theirs-not-signed'];
}

/**
 * RSA: the public key opens the signature, so that of key, digest and text each it can be said
 * whether it is right.
 */
function judgeRsa(found: SignatureCase): Judgement {
  const { given, method, texts, secrets } = found;
  const pem = secrets.publicKeyPem;
  if (pem === null) return makeJudgement('not-checked', 'rsa-no-key');
  const hash = hashAlgorithm(method);
  const ours = hash === 'sha1' ? 'SHA-1' : 'SHA-256';
  if (
    texts.some((text) =>
      isSignatureValid(
        method,
        text,
        { clientSecret: '', tokenSecret: '', publicKeyPem: pem },
        given,
      ),
    )
  )
    return makeJudgement('right', makeFinding('rsa-right', { digest: ours }));
  for (const [text, spellingFindings] of signatureSpellings(given)) {
    const content = recoverRsaContent(pem, text);
    if (content.kind === 'unreadable') continue;
    const theirs =
      content.kind === 'digest'
        ? content.algorithm
        : content.digest.length === 40
          ? 'SHA-1'
          : 'SHA-256';
    const made = [
      ...(theirs === ours ? [] : [makeFinding('rsa-other-digest', { ours, theirs })]),
      ...(content.kind === 'bare' ? [makeFinding('rsa-bare-digest')] : []),
      ...spellingFindings,
    ];
    if (theirs !== 'SHA-1' && theirs !== 'SHA-256') return makeJudgement('wrong', ...made);
    const algorithm = theirs === 'SHA-1' ? 'sha1' : 'sha256';
    const searched = searchRsa(algorithm, content.digest, texts, candidateParts(found));
    if (searched.fits && searched.causes.length + made.length > 0)
      return makeJudgement('wrong', ...searched.causes, ...made);
    const notes = compareClientBaseString(found, (text) =>
      isDigestOf(algorithm, content.digest, text),
    ).filter((note) => note !== 'theirs-same');
    return makeJudgement(
      'wrong',
      ...made,
      makeFinding('rsa-other-text', { digest: theirs }),
      ...notes,
      ...incompleteSearchNote(searched),
    );
  }
  return makeJudgement(
    'wrong',
    texts.some((text) => verifyRsaPssSignature(hash, pem, text, given))
      ? 'rsa-pss'
      : 'rsa-other-key',
  );
}

/**
 * PLAINTEXT: the signature is the two secrets, and nothing of the request is signed (RFC 5849
 * §3.4.4).
 */
function judgePlaintext({ signed, given, secrets }: SignatureCase, token: string): Judgement {
  const spellings = signatureSpellings(given);
  for (const client of secrets.clientSecrets) {
    const parts = {
      client,
      token,
      consumerKey: signed.oauth.get('oauth_consumer_key') ?? '',
      tokenName: signed.oauth.get('oauth_token') ?? '',
    };
    const spellingFindings = spellings.get(correctKey(parts));
    if (spellingFindings !== undefined)
      return spellingFindings.length === 0
        ? makeJudgement('right', 'right')
        : makeJudgement('wrong', ...spellingFindings);
    for (const { found, key } of keyMistakes(parts)) {
      const other = spellings.get(key);
      if (other !== undefined) return makeJudgement('wrong', found, ...other);
    }
  }
  return makeJudgement('wrong', 'plaintext-other-secret');
}

function judgeHmac(found: SignatureCase, token: string): Judgement {
  const { signed, given, method, texts, secrets } = found;
  const { clientSecrets: clients } = secrets;
  const holds = (text: string) =>
    clients.some((clientSecret) =>
      isSignatureValid(
        method,
        text,
        { clientSecret, tokenSecret: token, publicKeyPem: null },
        given,
      ),
    );
  if (texts.some(holds)) return makeJudgement('right', 'right');
  const hash = hashAlgorithm(method);
  const search = {
    hash,
    correctTexts: texts,
    spellings: signatureSpellings(given),
    clients,
    token,
    consumerKey: signed.oauth.get('oauth_consumer_key') ?? '',
    tokenName: signed.oauth.get('oauth_token') ?? '',
  };
  const searched = searchHmac(search, candidateParts(found));
  if (searched.causes.length > 0) return makeJudgement('wrong', ...searched.causes);
  const made = (text: string) =>
    clients.some((client) => search.spellings.has(hmac(hash, correctKey({ client, token }), text)));
  return makeJudgement(
    'wrong',
    'unexplained',
    ...compareClientBaseString(found, made),
    ...incompleteSearchNote(searched),
  );
}

function judgeSignature(found: SignatureCase, { secretMissing }: DiagnosisContext): Judgement {
  const { given, method, secrets } = found;
  if (given === '') return makeJudgement('no-signature', 'no-signature');
  if (!signatureMethods.some((known) => known === method))
    return makeJudgement('not-checked', 'not-checked-method');
  if (method === 'RSA-SHA1' || method === 'RSA-SHA256') {
    const judgement = judgeRsa(found);
    return secrets.tokenSecret === null
      ? { ...judgement, findings: [...judgement.findings, makeFinding('token-unknown')] }
      : judgement;
  }
  if (secrets.clientSecrets.length === 0) return makeJudgement('not-checked', secretMissing);
  if (secrets.tokenSecret === null) return makeJudgement('not-checked', 'token-unknown');
  return method === 'PLAINTEXT'
    ? judgePlaintext(found, secrets.tokenSecret)
    : judgeHmac(found, secrets.tokenSecret);
}

/** `oauth_body_hash` of a body that is at hand, when the signature covers it. */
function bodyHashProblem(
  signed: SignedRequest,
  method: SignatureMethod,
  { receivedAt }: RequestToDiagnose,
): Finding | undefined {
  const given = signed.oauth.get('oauth_body_hash');
  if (
    given === undefined ||
    signed.body === undefined ||
    (signed.body.length === 0 && (receivedAt ?? null) === null)
  )
    return undefined;
  return isBodyHashValid(method, signed.body, given) ? undefined : makeFinding('body-hash');
}

/** The verdict in the light of everything else that is known. */
function combineFindings(
  judgement: Judgement,
  others: readonly Finding[],
  refusal: string | null,
): readonly Finding[] {
  const isOnly = others.length === 0;
  if (
    judgement.verdict === 'no-signature' &&
    others.some(({ values }) => values.parameter === 'oauth_signature')
  )
    return judgement.findings;
  // It has to be made anew, or there is none.
  if (others.some(({ kind }) => kind === 'method-not-served' || kind === 'header-not-oauth'))
    return others;
  if (judgement.verdict !== 'right' || (isOnly && refusal !== 'signature_invalid'))
    return [...others, ...judgement.findings];
  return [
    ...others,
    makeFinding(isOnly ? 'right-now' : 'right-otherwise'),
    ...judgement.findings.filter(({ kind }) => kind === 'token-unknown'),
  ];
}

/**
 * Explains a request to its own developer: the base string as the server builds it in the reading
 * the request went to, what refuses it, and which mistakes make the very signature that came. Work
 * is bounded (`MOST_TRIED`), and nothing is written.
 */
export function diagnose(
  request: RequestToDiagnose,
  settings: OAuth1Settings,
  secrets: DiagnosisSecrets,
  context: DiagnosisContext = { now: null, secretMissing: 'no-secret' },
): Diagnosis {
  const { profile, origin } = settings;
  const parsed = parseSignedRequest(request.rawRequest, profile);
  if (!parsed.ok)
    return {
      profile: profile.name,
      signed: null,
      verdict: 'not-read',
      findings: [unreadableRequestProblem(request.rawRequest, parsed.refusal)],
    };
  const signed = parsed.value;
  const problem = protocolProblem(request.rawRequest, signed, settings, {
    receivedAt: request.receivedAt ?? null,
    now: context.now,
  });
  const method = (signed.oauth.get('oauth_signature_method') ?? '') as SignatureMethod;
  const given = signed.oauth.get('oauth_signature') ?? '';
  const judgement = judgeSignature(
    {
      request,
      signed,
      given,
      method,
      texts: candidateBaseStrings(signed, origin),
      origin,
      profile,
      secrets,
    },
    context,
  );
  const bodyHash =
    judgement.verdict === 'right' ? bodyHashProblem(signed, method, request) : undefined;
  const others = [problem, bodyHash].filter((one) => one !== undefined);
  return {
    profile: profile.name,
    signed: {
      method: signed.method.toUpperCase(),
      baseStringUri: buildBaseStringUri(origin, signed.path),
      normalizedParams: normalizeParameters(signed.params),
      baseString: buildBaseString(signed, origin),
    },
    verdict: problem?.kind === 'method-not-served' ? 'not-checked' : judgement.verdict,
    findings: combineFindings(judgement, others, request.refusal ?? null),
  };
}
