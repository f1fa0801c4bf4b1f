import { parseForm } from '#encoding/form.ts';
import { decodeUtf8 } from '#encoding/percent.ts';
import { type RawRequest, singleHeader } from '#encoding/raw-request.ts';
import { type Instant, instant } from '#kernel/time.ts';
import type { SignedRequest } from '../parse.ts';
import type { OAuth1Refusal, ParameterRejected } from '../refusals.ts';
import { findParameterProblem, type OAuth1Settings } from '../verify.ts';
import { type Finding, type FindingKind, makeFinding } from './finding.ts';

// What is wrong with a request before its signature counts, in the same order as it is refused,
// said so that one can mend it.

/** The first piece of a form or query that nobody can read, and why. */
function unreadablePiece(text: string, where: 'query' | 'form'): Finding | undefined {
  const reasons = { escape: 'percent', 'utf-8': 'not-utf8', nul: 'nul' } as const;
  for (const piece of text.split('&')) {
    const parsed = parseForm(piece);
    if (!parsed.ok) return makeFinding(`${where}-${reasons[parsed.refusal.problem]}`, { piece });
  }
  return undefined;
}

const isForm = (rawRequest: RawRequest) =>
  /^[ \t]*application\/x-www-form-urlencoded/i.test(singleHeader(rawRequest, 'content-type') ?? '');

/** What stands in place of the scheme; of another scheme no credentials. */
const authorizationScheme = (authorization: string): string =>
  (authorization.trim().split(/[ \t=]/, 1)[0] ?? '').slice(0, 30);

/** Where the header stops being readable: what stands there. */
function headerProblem(authorization: string, refusal: ParameterRejected): Finding {
  if (/^[ \t]*oauth(?:$|[^ \t])/i.test(authorization))
    return makeFinding('header-not-oauth', { piece: authorizationScheme(authorization) });
  const broken = /%(?![0-9A-Fa-f]{2})[^",\s]{0,20}/.exec(authorization)?.[0];
  const isOpen = authorization.split('"').length % 2 === 0;
  const last = isOpen ? authorization.slice(authorization.lastIndexOf('"')) : '';
  const piece = broken ?? (refusal.parameter === 'Authorization' ? last : refusal.parameter);
  return makeFinding('header-unreadable', {
    piece: piece === '' ? `${authorization.slice(0, 40)}…` : piece.slice(0, 40),
  });
}

/** Why a request cannot be read. */
export function unreadableRequestProblem(rawRequest: RawRequest, refusal: OAuth1Refusal): Finding {
  if (refusal.kind === 'body_unavailable') return makeFinding('form-missing');
  if (refusal.kind !== 'parameter_rejected')
    return makeFinding('parameter-unreadable', { parameter: refusal.kind });
  const { parameter, problem } = refusal;
  if (problem === 'repeated') return makeFinding('parameter-repeated', { parameter });
  if (problem === 'too-long') return makeFinding('parameter-too-long', { parameter });
  const question = rawRequest.target.indexOf('?');
  const inQuery =
    question < 0
      ? undefined
      : unreadablePiece(rawRequest.target.slice(question + 1).split('#', 1)[0] ?? '', 'query');
  const form = isForm(rawRequest) ? (decodeUtf8(rawRequest.body ?? new Uint8Array()) ?? null) : '';
  const inForm =
    form === null ? makeFinding('form-not-utf8', { piece: '–' }) : unreadablePiece(form, 'form');
  const authorization = singleHeader(rawRequest, 'authorization');
  // The header is read before query and form.
  const isHeader =
    authorization !== undefined &&
    (parameter === 'Authorization' || parameter.startsWith('oauth_'));
  const elsewhere = inQuery ?? inForm;
  if (elsewhere !== undefined && !(isHeader && !elsewhere.values.piece?.startsWith(parameter)))
    return elsewhere;
  return isHeader
    ? headerProblem(authorization, refusal)
    : makeFinding('parameter-unreadable', { parameter });
}

/**
 * What is wrong with a timestamp, as far as that can be told. `ours` null: nobody knows when the
 * request came.
 */
export function timestampProblem(requestTimestamp: string, serverTime: Instant | null): Finding {
  const values = { yours: requestTimestamp, ours: String(serverTime ?? '–') };
  if (/^\d{13}(?:\.\d+)?$|^\d{16}$/.test(requestTimestamp))
    return makeFinding('milliseconds', values);
  if (!/^\d{1,12}$/.test(requestTimestamp) || serverTime === null)
    return makeFinding('timestamp-unreadable', values);
  return makeFinding('clock', {
    ...values,
    seconds: String(Math.abs(serverTime - Number(requestTimestamp))),
  });
}

/**
 * The time at which a request is judged: when it came, or, pasted later, when it says it was made,
 * unless that is still to come.
 */
function verificationTime(
  signed: SignedRequest,
  receivedAt: Instant | null,
  now: Instant | null,
): Instant {
  const requestTimestamp = signed.oauth.get('oauth_timestamp') ?? '';
  const made = /^\d{1,10}(?:\.\d{1,9})?$/.test(requestTimestamp)
    ? Math.trunc(Number(requestTimestamp))
    : undefined;
  if (receivedAt !== null || made === undefined) return receivedAt ?? now ?? instant(0);
  return instant(now === null ? made : Math.min(made, now));
}

const describeRefusal = (
  refusal: OAuth1Refusal,
  signed: SignedRequest,
  receivedAt: Instant | null,
  now: Instant | null,
): Finding => {
  const kinds: Readonly<Record<string, FindingKind>> = {
    malformed: 'parameter-unreadable',
    repeated: 'parameter-repeated',
    'too-long': 'parameter-too-long',
  };
  switch (refusal.kind) {
    case 'parameter_absent':
      return makeFinding('parameter-absent', { parameter: refusal.parameter });
    case 'parameter_rejected':
      if (refusal.parameter === 'oauth_timestamp' && refusal.problem === 'malformed')
        return timestampProblem(signed.oauth.get('oauth_timestamp') ?? '', receivedAt ?? now);
      return makeFinding(kinds[refusal.problem] ?? 'parameter-unreadable', {
        parameter: refusal.parameter,
      });
    case 'version_rejected':
      return makeFinding('version', { asked: refusal.requested });
    case 'signature_method_rejected':
      return makeFinding('method-not-served', {
        asked: refusal.requested,
        supported: refusal.supported.join(', '),
      });
    case 'insecure_transport':
      return makeFinding('plaintext-over-http');
    case 'timestamp_refused': {
      const found = timestampProblem(refusal.requestTimestamp, receivedAt ?? now);
      // Of a request that was pasted later, a clock that is behind cannot be told from the time
      // that went by.
      return found.kind === 'clock' && receivedAt === null
        ? makeFinding('future', found.values)
        : found;
    }
    default:
      return makeFinding('parameter-unreadable', { parameter: refusal.kind });
  }
};

/** What is wrong with the protocol parameters of a request that can be read; undefined: nothing. */
export function protocolProblem(
  rawRequest: RawRequest,
  signed: SignedRequest,
  settings: OAuth1Settings,
  { receivedAt, now }: { readonly receivedAt: Instant | null; readonly now: Instant | null },
): Finding | undefined {
  const refusal = findParameterProblem(signed, settings, verificationTime(signed, receivedAt, now));
  if (refusal === undefined) return undefined;
  const authorization = singleHeader(rawRequest, 'authorization');
  const nothingRead =
    refusal.kind === 'parameter_absent' &&
    ![...signed.oauth.keys()].some((name) => name !== 'oauth_callback');
  if (nothingRead && authorization !== undefined)
    return makeFinding('header-not-oauth', { piece: authorizationScheme(authorization) });
  return describeRefusal(refusal, signed, receivedAt, now);
}
