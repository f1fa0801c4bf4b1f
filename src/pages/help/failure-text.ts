import type { Failure } from '#registry/refused-requests.ts';
import { catalogues, type MessageKey, type Words } from '../words.ts';

// What is said of a request that was refused.

const isMessageKey = (key: string): key is MessageKey => key in catalogues.en;

/** Why a request was refused, in a sentence. */
export function failureText(words: Words, { facts: failureFacts }: Failure): string {
  const text = (name: string) =>
    typeof failureFacts[name] === 'string' || typeof failureFacts[name] === 'number'
      ? String(failureFacts[name])
      : '';
  const kind = text('refusal');
  const problem = isMessageKey(`failed.grant-${text('problem')}`)
    ? words.say(`failed.grant-${text('problem')}` as MessageKey)
    : text('problem');
  const names = ['parameter', 'yours', 'ours', 'asked', 'supported'];
  const values: Record<string, string> = {
    kind,
    problem,
    ...Object.fromEntries(names.map((name) => [name, text(name)])),
  };
  if (kind === 'timestamp_refused' && !/^\d{1,12}$/.test(values.yours ?? ''))
    return words.say(
      /^\d{13,}/.test(values.yours ?? '')
        ? 'failed.timestamp-milliseconds'
        : 'failed.timestamp-unreadable',
      values,
    );
  return isMessageKey(`failed.${kind}`)
    ? words.say(`failed.${kind}` as MessageKey, values)
    : words.say('failed.other', values);
}

/** What was sent, as far as it tells requests apart. */
export function failureDetails({ facts: failureFacts }: Failure): string {
  const visibleFacts = Object.entries(failureFacts).filter(([name]) =>
    ['method', 'path', 'grant_type', 'authentication', 'redirect_uri', 'scope'].includes(name),
  );
  return visibleFacts
    .map(([name, value]) =>
      name === 'method' || name === 'path' ? String(value) : `${name}=${value}`,
    )
    .join(' ');
}
