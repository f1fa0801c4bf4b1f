import { parseForm } from '#encoding/form.ts';
import { utf8 } from '#encoding/percent.ts';
import { header, type SentRequest } from '#encoding/raw-request.ts';
import { type Instant, instant } from '#kernel/time.ts';
import type { SignedRequest } from '../parse.ts';
import type { OAuth1Refusal, ParameterRejected } from '../refusals.ts';
import { type OAuth1Settings, parameterProblem } from '../verify.ts';
import { type Finding, type FindingKind, finding } from './finding.ts';

// What is wrong with a request before its signature counts, in the same order as it is refused,
// said so that one can mend it.

/** The first piece of a form or query that nobody can read, and why. */
function unreadablePiece(text: string, where: 'query' | 'form'): Finding | undefined {
  const reasons = { escape: 'percent', 'utf-8': 'not-utf8', nul: 'nul' } as const;
  for (const piece of text.split('&')) {
    const read = parseForm(piece);
    if (!read.ok) return finding(`${where}-${reasons[read.refusal.problem]}`, { piece });
  }
  return undefined;
}

const isForm = (sent: SentRequest) =>
  /^[ \t]*application\/x-www-form-urlencoded/i.test(header(sent, 'content-type') ?? '');

/** What stands in place of the scheme; of another scheme no credentials. */
const schemeOf = (authorization: string): string =>
  (authorization.trim().split(/[ \t=]/, 1)[0] ?? '').slice(0, 30);

/** Where the header stops being readable: what stands there. */
function headerProblem(authorization: string, refusal: ParameterRejected): Finding {
  if (/^[ \t]*oauth(?:$|[^ \t])/i.test(authorization))
    return finding('header-not-oauth', { piece: schemeOf(authorization) });
  const broken = /%(?![0-9A-Fa-f]{2})[^",\s]{0,20}/.exec(authorization)?.[0];
  const isOpen = authorization.split('"').length % 2 === 0;
  const last = isOpen ? authorization.slice(authorization.lastIndexOf('"')) : '';
  const piece = broken ?? (refusal.parameter === 'Authorization' ? last : refusal.parameter);
  return finding('header-unreadable', {
    piece: piece === '' ? `${authorization.slice(0, 40)}…` : piece.slice(0, 40),
  });
}

/** Why a request cannot be read. */
export function readingProblem(sent: SentRequest, refusal: OAuth1Refusal): Finding {
  if (refusal.kind === 'body_unavailable') return finding('form-missing');
  if (refusal.kind !== 'parameter_rejected')
    return finding('parameter-unreadable', { parameter: refusal.kind });
  const { parameter, problem } = refusal;
  if (problem === 'repeated') return finding('parameter-repeated', { parameter });
  if (problem === 'too-long') return finding('parameter-too-long', { parameter });
  const question = sent.target.indexOf('?');
  const inQuery =
    question < 0
      ? undefined
      : unreadablePiece(sent.target.slice(question + 1).split('#', 1)[0] ?? '', 'query');
  const form = isForm(sent) ? (utf8(sent.body ?? new Uint8Array()) ?? null) : '';
  const inForm =
    form === null ? finding('form-not-utf8', { piece: '–' }) : unreadablePiece(form, 'form');
  const authorization = header(sent, 'authorization');
  // The header is read before query and form.
  const isHeader =
    authorization !== undefined &&
    (parameter === 'Authorization' || parameter.startsWith('oauth_'));
  const elsewhere = inQuery ?? inForm;
  if (elsewhere !== undefined && !(isHeader && !elsewhere.values.piece?.startsWith(parameter)))
    return elsewhere;
  return isHeader
    ? headerProblem(authorization, refusal)
    : finding('parameter-unreadable', { parameter });
}

/**
 * What is wrong with a timestamp, as far as that can be told. `ours` null: nobody knows when the
 * request came.
 */
export function timestampProblem(yours: string, ours: Instant | null): Finding {
  const values = { yours, ours: String(ours ?? '–') };
  if (/^\d{13}(?:\.\d+)?$|^\d{16}$/.test(yours)) return finding('milliseconds', values);
  if (!/^\d{1,12}$/.test(yours) || ours === null) return finding('timestamp-unreadable', values);
  return finding('clock', { ...values, seconds: String(Math.abs(ours - Number(yours))) });
}

/**
 * The time at which a request is judged: when it came, or, pasted later, when it says it was made,
 * unless that is still to come.
 */
function judgedAt(signed: SignedRequest, at: Instant | null, now: Instant | null): Instant {
  const yours = signed.oauth.get('oauth_timestamp') ?? '';
  const made = /^\d{1,10}(?:\.\d{1,9})?$/.test(yours) ? Math.trunc(Number(yours)) : undefined;
  if (at !== null || made === undefined) return at ?? now ?? instant(0);
  return instant(now === null ? made : Math.min(made, now));
}

const asked = (
  refusal: OAuth1Refusal,
  signed: SignedRequest,
  at: Instant | null,
  now: Instant | null,
): Finding => {
  const kinds: Readonly<Record<string, FindingKind>> = {
    malformed: 'parameter-unreadable',
    repeated: 'parameter-repeated',
    'too-long': 'parameter-too-long',
  };
  switch (refusal.kind) {
    case 'parameter_absent':
      return finding('parameter-absent', { parameter: refusal.parameter });
    case 'parameter_rejected':
      if (refusal.parameter === 'oauth_timestamp' && refusal.problem === 'malformed')
        return timestampProblem(signed.oauth.get('oauth_timestamp') ?? '', at ?? now);
      return finding(kinds[refusal.problem] ?? 'parameter-unreadable', {
        parameter: refusal.parameter,
      });
    case 'version_rejected':
      return finding('version', { asked: refusal.asked });
    case 'signature_method_rejected':
      return finding('method-not-served', {
        asked: refusal.asked,
        supported: refusal.supported.join(', '),
      });
    case 'insecure_transport':
      return finding('plaintext-over-http');
    case 'timestamp_refused': {
      const found = timestampProblem(refusal.yours, at ?? now);
      // Of a request that was pasted later, a clock that is behind cannot be told from the time
      // that went by.
      return found.kind === 'clock' && at === null ? finding('future', found.values) : found;
    }
    default:
      return finding('parameter-unreadable', { parameter: refusal.kind });
  }
};

/** What is wrong with the protocol parameters of a request that can be read; undefined: nothing. */
export function protocolProblem(
  sent: SentRequest,
  signed: SignedRequest,
  settings: OAuth1Settings,
  { at, now }: { readonly at: Instant | null; readonly now: Instant | null },
): Finding | undefined {
  const refusal = parameterProblem(signed, settings, judgedAt(signed, at, now));
  if (refusal === undefined) return undefined;
  const authorization = header(sent, 'authorization');
  const nothingRead =
    refusal.kind === 'parameter_absent' &&
    ![...signed.oauth.keys()].some((name) => name !== 'oauth_callback');
  if (nothingRead && authorization !== undefined)
    return finding('header-not-oauth', { piece: schemeOf(authorization) });
  return asked(refusal, signed, at, now);
}
