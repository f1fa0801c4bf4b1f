import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestServer } from './world.ts';

/**
 * Values filled into a transcript as `{name}`, and captured from it by `{name}` where the answer
 * has something else.
 */
export type TranscriptValues = Record<string, string>;

const fill = (text: string, names: TranscriptValues) =>
  text.replace(/\{(\w+)\}/g, (whole, name: string) => names[name] ?? whole);
const pattern = (text: string) =>
  new RegExp(
    `^${text
      .replace(/[.*+?^$()|[\]\\]/g, '\\$&')
      .replace(/\{(\w+)\}/g, '(?<$1>.+?)')
      .replace(/…/g, '[\\s\\S]*')}$`,
  );

/**
 * One or more exchanges as HTTP: `>` is said, `<` is heard. Headers named must be there, others
 * may. `{name}` is filled in, or captured the first time it is heard; `…` stands for anything.
 */
export function transcriptTest(
  title: string,
  world: () => TestServer,
  names: () => TranscriptValues | Promise<TranscriptValues>,
  text: string,
): void {
  test(title, async () => {
    const known = { ...(await names()) };
    const exchanges = text.trim().split(/\n\s*\n(?=\s*>)/);
    for (const exchange of exchanges) {
      const lines = exchange.split('\n').map((line) => line.trim());
      const side = (mark: string) =>
        lines.filter((line) => line.startsWith(mark)).map((line) => line.slice(1).trim());
      const [requestLine = '', ...requestLines] = side('>');
      const [status = '', ...expectedLines] = side('<');
      const split = (part: readonly string[]) => {
        const blank = part.indexOf('');
        return blank < 0
          ? { headers: part, body: '' }
          : { headers: part.slice(0, blank), body: part.slice(blank + 1).join('\n') };
      };
      const [request, wanted] = [split(requestLines), split(expectedLines)];
      const [method = 'GET', url = '/'] = fill(requestLine, known).split(' ');
      const headers = Object.fromEntries(
        request.headers.map((line) => [
          line.slice(0, line.indexOf(':')).toLowerCase(),
          fill(line.slice(line.indexOf(':') + 1).trim(), known),
        ]),
      );
      const payload = fill(request.body, known);
      const answer = await world().app.inject({
        method: method as 'GET',
        url,
        headers: {
          ...(payload && !headers['content-type']
            ? { 'content-type': 'application/x-www-form-urlencoded' }
            : {}),
          ...headers,
        },
        ...(payload ? { payload } : {}),
      });
      assert.equal(String(answer.statusCode), status, `${requestLine}: ${answer.body}`);
      for (const line of wanted.headers)
        assertMatches(
          String(answer.headers[line.slice(0, line.indexOf(':')).toLowerCase()]),
          line.slice(line.indexOf(':') + 1).trim(),
          known,
          line,
        );
      if (wanted.body !== '') assertMatches(answer.body, wanted.body, known, requestLine);
    }
  });
}

function assertMatches(found: string, wanted: string, known: TranscriptValues, what: string): void {
  const filled = fill(wanted, known);
  const match = pattern(filled).exec(found);
  assert.ok(match, `${what}\n  wanted ${filled}\n  got    ${found}`);
  Object.assign(known, match.groups ?? {});
}
