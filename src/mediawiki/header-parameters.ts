import { nameEnd, parseQuotedString, skipBlanks } from '#encoding/auth-params.ts';
import { trimHttpWhitespace } from '#encoding/authorization.ts';
import { percentDecodeBytes } from '#encoding/percent.ts';
import type { HeaderParameters } from '#oauth1/strict-parameters.ts';

/** Where the next comma stands, or the text ends. */
function findComma(text: string, start: number): number {
  let at = start;
  while (at < text.length && text[at] !== ',') at += 1;
  return at;
}

/**
 * Reads the parameters as the reference does, which looks for every `oauth_name="value"` and takes
 * whatever stands between them: commas, blanks, semicolons, nothing. Unlike there a quoted string
 * is always one whole, so that no value can pass for another parameter. A value outside quotation
 * marks goes up to the next comma. `+` is a space, and of two of the same name the last one counts
 * (protocols 1.6).
 */
export function parseLenientHeaderParameters(text: string): HeaderParameters {
  const found = new Map<string, string>();
  let realm: string | null = null;
  const decode = (raw: string) => percentDecodeBytes(raw.replaceAll('+', ' '));
  for (let at = 0; at < text.length; ) {
    if (text[at] === '"') {
      const quoted = parseQuotedString(text, at);
      if (quoted === undefined) break;
      at = quoted.next;
      continue;
    }
    const end = nameEnd(text, at);
    const name = text.slice(at, end);
    const equals = name === '' ? end : skipBlanks(text, end);
    if (name === '' || text[equals] !== '=') {
      at = Math.max(end, at + 1);
      continue;
    }
    at = skipBlanks(text, equals + 1);
    if (text[at] === ':' && text[at + 1] === '"') at += 1;
    let given: { readonly value: string; readonly next: number } | undefined;
    if (text[at] === '"') given = parseQuotedString(text, at);
    else {
      const bare = text.slice(at, findComma(text, at));
      const value = trimHttpWhitespace(bare);
      given = bare.includes('"') ? undefined : { value, next: at + bare.length };
    }
    // A quotation mark without its other half: what follows cannot be told apart.
    if (given === undefined) break;
    at = given.next;
    if (name.toLowerCase() === 'realm') realm = given.value;
    if (!/^oauth_[a-z_-]*$/.test(name)) continue;
    found.set(name, decode(given.value));
  }
  return { realm, params: [...found] };
}
