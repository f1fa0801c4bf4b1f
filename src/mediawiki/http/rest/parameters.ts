import type { NameValuePair } from '#encoding/form.ts';

/** A code and a refresh token have one spelling. */
const untrimmedFields = new Set(['code', 'refresh_token']);

/** Values without blanks around them; empty ones count as absent (protocols 2.1). */
export const trimPairs = (pairs: readonly NameValuePair[]): readonly NameValuePair[] =>
  pairs
    .map(([name, value]): NameValuePair => [name, untrimmedFields.has(name) ? value : value.trim()])
    .filter(([, value]) => value.trim() !== '');
