import type { SentRequest } from '#encoding/raw-request.ts';
import type { Instant } from '#kernel/time.ts';
import { hmac } from '#keys/hmac.ts';
import { rsaContent, rsaPssHolds } from '#keys/rsa.ts';
import { baseString, baseStrings, baseStringUri, normalizeParams } from '../base-string.ts';
import { parseSignedRequest, type Reading, type SignedRequest } from '../parse.ts';
import {
  bodyHashHolds,
  type SignatureMethod,
  signatureHolds,
  signatureMethods,
} from '../signature.ts';
import type { OAuth1Settings } from '../verify.ts';
import { addressMistakes } from './addresses.ts';
import { type Finding, type FindingKind, finding } from './finding.ts';
import { keyMistakes, rightKey, spellingsOf } from './keys.ts';
import { parameterMistakes } from './parameters.ts';
import { protocolProblem, readingProblem } from './problems.ts';
import { isDigestOf, type Parts, type Searched, searchHmac, searchRsa } from './search.ts';

/** A request to be explained, and what is known of the way it went. */
export interface Asked {
  readonly sent: SentRequest;
  /** Scheme, host and port that somebody typed, as they stood there; none: nobody did. */
  readonly typed?: readonly string[];
  /** Paths that a proxy may have put in front or taken away. */
  readonly prefixes?: readonly string[];
  /** When it came; null: not known, as of one that was pasted. */
  readonly at?: Instant | null;
  /** The base string of the developer's own library; empty: not given. */
  readonly theirs?: string;
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
export interface Signed {
  readonly method: string;
  readonly baseStringUri: string;
  readonly normalizedParams: string;
  readonly baseString: string;
}

/** What the server makes of a request. Never a secret. */
export interface Diagnosis {
  readonly reading: Reading;
  /** Null: the request cannot be read. */
  readonly signed: Signed | null;
  /** 'not-checked': the secret or key is not known, or the method is not served. */
  readonly verdict: 'right' | 'wrong' | 'no-signature' | 'not-checked' | 'not-read';
  /**
   * What is to be said, each of it true: what refuses the request first, then what is known of the
   * signature.
   */
  readonly findings: readonly Finding[];
}

/** What of a diagnosis depends on who asks. */
export interface Circumstances {
  /** Null: there is no clock to compare with. */
  readonly now: Instant | null;
  /** What it means that there is no client secret. */
  readonly secretMissing: 'no-secret' | 'secret-not-given';
}

type Judged = Pick<Diagnosis, 'verdict' | 'findings'>;
const say = (verdict: Judged['verdict'], ...kinds: readonly (FindingKind | Finding)[]): Judged => ({
  verdict,
  findings: kinds.map((kind) => (typeof kind === 'string' ? finding(kind) : kind)),
});

const forwardedPrefixes = ({ headers }: SentRequest): readonly string[] =>
  [headers['x-forwarded-prefix'] ?? []].flat().filter((text) => /^\/[^?#\s]{0,200}$/.test(text));

function partsOf({ asked, signed, origin, reading }: Case): Parts {
  const { sent, typed = [], prefixes = [] } = asked;
  const uri = baseStringUri(origin, signed.path);
  const question = sent.target.indexOf('?');
  const query = question < 0 ? '' : (sent.target.slice(question + 1).split('#', 1)[0] ?? '');
  const ways = {
    origin,
    path: uri.slice(origin.length),
    headers: sent.headers,
    typed,
    prefixes: [...forwardedPrefixes(sent), ...prefixes],
  };
  return {
    method: signed.method.toUpperCase(),
    uri,
    signed,
    addresses: addressMistakes(ways, query),
    parameters: () => parameterMistakes(sent, signed, reading),
  };
}

interface Case {
  readonly asked: Asked;
  readonly signed: SignedRequest;
  readonly given: string;
  readonly method: SignatureMethod;
  readonly texts: readonly string[];
  readonly origin: string;
  readonly reading: Reading;
  readonly secrets: DiagnosisSecrets;
}

const hashOf = (method: string) =>
  method.endsWith('SHA256') ? ('sha256' as const) : ('sha1' as const);
const notAll = ({ all }: Searched): readonly FindingKind[] => (all ? [] : ['not-all-tried']);

/** What the developer's own base string tells of a signature that is wrong. */
function ofTheirs(
  { asked, texts }: Case,
  fits: (theirs: string) => boolean,
): readonly FindingKind[] {
  const theirs = (asked.theirs ?? '').trim();
  if (theirs === '') return [];
  if (fits(theirs)) return ['theirs-signed'];
  return texts.includes(theirs) ? ['theirs-same'] : ['theirs-not-signed'];
}

/**
 * RSA: the public key opens the signature, so that of key, digest and text each it can be said
 * whether it is right.
 */
function judgeRsa(found: Case): Judged {
  const { given, method, texts, secrets } = found;
  const pem = secrets.publicKeyPem;
  if (pem === null) return say('not-checked', 'rsa-no-key');
  const hash = hashOf(method);
  const ours = hash === 'sha1' ? 'SHA-1' : 'SHA-256';
  if (
    texts.some((text) =>
      signatureHolds(method, text, { clientSecret: '', tokenSecret: '', publicKeyPem: pem }, given),
    )
  )
    return say('right', finding('rsa-right', { digest: ours }));
  for (const [text, spelt] of spellingsOf(given)) {
    const content = rsaContent(pem, text);
    if (content.kind === 'unreadable') continue;
    const theirs =
      content.kind === 'digest'
        ? content.algorithm
        : content.digest.length === 40
          ? 'SHA-1'
          : 'SHA-256';
    const made = [
      ...(theirs === ours ? [] : [finding('rsa-other-digest', { ours, theirs })]),
      ...(content.kind === 'bare' ? [finding('rsa-bare-digest')] : []),
      ...spelt,
    ];
    if (theirs !== 'SHA-1' && theirs !== 'SHA-256') return say('wrong', ...made);
    const algorithm = theirs === 'SHA-1' ? 'sha1' : 'sha256';
    const searched = searchRsa(algorithm, content.digest, texts, partsOf(found));
    if (searched.fits && searched.causes.length + made.length > 0)
      return say('wrong', ...searched.causes, ...made);
    const notes = ofTheirs(found, (text) => isDigestOf(algorithm, content.digest, text)).filter(
      (note) => note !== 'theirs-same',
    );
    return say(
      'wrong',
      ...made,
      finding('rsa-other-text', { digest: theirs }),
      ...notes,
      ...notAll(searched),
    );
  }
  return say(
    'wrong',
    texts.some((text) => rsaPssHolds(hash, pem, text, given)) ? 'rsa-pss' : 'rsa-other-key',
  );
}

/**
 * PLAINTEXT: the signature is the two secrets, and nothing of the request is signed (RFC 5849
 * §3.4.4).
 */
function judgePlaintext({ signed, given, secrets }: Case, token: string): Judged {
  const spellings = spellingsOf(given);
  for (const client of secrets.clientSecrets) {
    const parts = {
      client,
      token,
      consumerKey: signed.oauth.get('oauth_consumer_key') ?? '',
      tokenName: signed.oauth.get('oauth_token') ?? '',
    };
    const spelt = spellings.get(rightKey(parts));
    if (spelt !== undefined)
      return spelt.length === 0 ? say('right', 'right') : say('wrong', ...spelt);
    for (const { found, key } of keyMistakes(parts)) {
      const other = spellings.get(key);
      if (other !== undefined) return say('wrong', found, ...other);
    }
  }
  return say('wrong', 'plaintext-other-secret');
}

function judgeHmac(found: Case, token: string): Judged {
  const { signed, given, method, texts, secrets } = found;
  const { clientSecrets: clients } = secrets;
  const holds = (text: string) =>
    clients.some((clientSecret) =>
      signatureHolds(method, text, { clientSecret, tokenSecret: token, publicKeyPem: null }, given),
    );
  if (texts.some(holds)) return say('right', 'right');
  const hash = hashOf(method);
  const search = {
    hash,
    rights: texts,
    spellings: spellingsOf(given),
    clients,
    token,
    consumerKey: signed.oauth.get('oauth_consumer_key') ?? '',
    tokenName: signed.oauth.get('oauth_token') ?? '',
  };
  const searched = searchHmac(search, partsOf(found));
  if (searched.causes.length > 0) return say('wrong', ...searched.causes);
  const made = (text: string) =>
    clients.some((client) => search.spellings.has(hmac(hash, rightKey({ client, token }), text)));
  return say('wrong', 'unexplained', ...ofTheirs(found, made), ...notAll(searched));
}

function judge(found: Case, { secretMissing }: Circumstances): Judged {
  const { given, method, secrets } = found;
  if (given === '') return say('no-signature', 'no-signature');
  if (!signatureMethods.some((known) => known === method))
    return say('not-checked', 'not-checked-method');
  if (method === 'RSA-SHA1' || method === 'RSA-SHA256') {
    const judged = judgeRsa(found);
    return secrets.tokenSecret === null
      ? { ...judged, findings: [...judged.findings, finding('token-unknown')] }
      : judged;
  }
  if (secrets.clientSecrets.length === 0) return say('not-checked', secretMissing);
  if (secrets.tokenSecret === null) return say('not-checked', 'token-unknown');
  return method === 'PLAINTEXT'
    ? judgePlaintext(found, secrets.tokenSecret)
    : judgeHmac(found, secrets.tokenSecret);
}

/** `oauth_body_hash` of a body that is at hand, when the signature covers it. */
function bodyHashProblem(
  signed: SignedRequest,
  method: SignatureMethod,
  { at }: Asked,
): Finding | undefined {
  const given = signed.oauth.get('oauth_body_hash');
  if (
    given === undefined ||
    signed.body === undefined ||
    (signed.body.length === 0 && (at ?? null) === null)
  )
    return undefined;
  return bodyHashHolds(method, signed.body, given) ? undefined : finding('body-hash');
}

/** The verdict in the light of everything else that is known. */
function inContext(
  judged: Judged,
  others: readonly Finding[],
  refusal: string | null,
): readonly Finding[] {
  const isOnly = others.length === 0;
  if (
    judged.verdict === 'no-signature' &&
    others.some(({ values }) => values.parameter === 'oauth_signature')
  )
    return judged.findings;
  // It has to be made anew, or there is none.
  if (others.some(({ kind }) => kind === 'method-not-served' || kind === 'header-not-oauth'))
    return others;
  if (judged.verdict !== 'right' || (isOnly && refusal !== 'signature_invalid'))
    return [...others, ...judged.findings];
  return [
    ...others,
    finding(isOnly ? 'right-now' : 'right-otherwise'),
    ...judged.findings.filter(({ kind }) => kind === 'token-unknown'),
  ];
}

/**
 * Explains a request to its own developer: the base string as the server builds it in the reading
 * the request went to, what refuses it, and which mistakes make the very signature that came. Work
 * is bounded (`MOST_TRIED`), and nothing is written.
 */
export function diagnose(
  asked: Asked,
  settings: OAuth1Settings,
  secrets: DiagnosisSecrets,
  circumstances: Circumstances = { now: null, secretMissing: 'no-secret' },
): Diagnosis {
  const { reading, origin } = settings;
  const parsed = parseSignedRequest(asked.sent, reading);
  if (!parsed.ok)
    return {
      reading,
      signed: null,
      verdict: 'not-read',
      findings: [readingProblem(asked.sent, parsed.refusal)],
    };
  const signed = parsed.value;
  const problem = protocolProblem(asked.sent, signed, settings, {
    at: asked.at ?? null,
    now: circumstances.now,
  });
  const method = (signed.oauth.get('oauth_signature_method') ?? '') as SignatureMethod;
  const given = signed.oauth.get('oauth_signature') ?? '';
  const judged = judge(
    { asked, signed, given, method, texts: baseStrings(signed, origin), origin, reading, secrets },
    circumstances,
  );
  const bodyHash = judged.verdict === 'right' ? bodyHashProblem(signed, method, asked) : undefined;
  const others = [problem, bodyHash].filter((one) => one !== undefined);
  return {
    reading,
    signed: {
      method: signed.method.toUpperCase(),
      baseStringUri: baseStringUri(origin, signed.path),
      normalizedParams: normalizeParams(signed.params),
      baseString: baseString(signed, origin),
    },
    verdict: problem?.kind === 'method-not-served' ? 'not-checked' : judged.verdict,
    findings: inContext(judged, others, asked.refusal ?? null),
  };
}
