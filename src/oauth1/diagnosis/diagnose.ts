import {
  buildBaseString,
  buildBaseStringUri,
  candidateBaseStrings,
  normalizeParameters,
} from '../base-string.ts';
import { parseSignedRequest, type SignedRequest } from '../parse.ts';
import { isBodyHashValid, type SignatureMethod } from '../signature.ts';
import type { OAuth1Settings } from '../verify.ts';
import type {
  Diagnosis,
  DiagnosisContext,
  DiagnosisSecrets,
  Judgement,
  RequestToDiagnose,
} from './diagnosis.ts';
import { type Finding, makeFinding } from './finding.ts';
import { judgeSignature } from './judgements.ts';
import { protocolProblem, unreadableRequestProblem } from './problems.ts';

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
