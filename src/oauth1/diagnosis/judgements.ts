import type { RawRequest } from '#encoding/raw-request.ts';
import { hmac } from '#keys/hmac.ts';
import { recoverRsaContent, verifyRsaPssSignature } from '#keys/rsa.ts';
import { buildBaseStringUri } from '../base-string.ts';
import { isSignatureValid, signatureMethods } from '../signature.ts';
import { addressMistakes } from './addresses.ts';
import type { DiagnosisContext, Judgement, SignatureCase } from './diagnosis.ts';
import { type Finding, type FindingKind, makeFinding } from './finding.ts';
import { correctKey, keyMistakes, signatureSpellings } from './keys.ts';
import { parameterMistakes } from './parameters.ts';
import {
  type BaseStringParts,
  isDigestOf,
  type SearchResult,
  searchHmac,
  searchRsa,
} from './search.ts';

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

export function judgeSignature(
  found: SignatureCase,
  { secretMissing }: DiagnosisContext,
): Judgement {
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
