import assert from 'node:assert/strict';
import { test } from 'node:test';
import { browserName } from '#pages/account/browser-name.ts';
import { wordsOf } from '#pages/words.ts';

const chrome = 'AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0.0.0';
for (const [agent, expected] of [
  ['Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0', 'Firefox on Linux'],
  [`Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${chrome} Safari/537.36`, 'Chrome on Windows'],
  [
    `Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${chrome} Safari/537.36 Edg/128.0.0.0`,
    'Edge on Windows',
  ],
  [`Mozilla/5.0 (X11; Linux x86_64) ${chrome} Safari/537.36 OPR/114.0`, 'Opera on Linux'],
  [`Mozilla/5.0 (Linux; Android 14; K) ${chrome} Mobile Safari/537.36`, 'Chrome on Android'],
  [
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/17.5 Safari/605.1.15',
    'Safari on macOS',
  ],
  [
    'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 CriOS/128.0 Mobile Safari/604.1',
    'Chrome on iPhone',
  ],
  [
    'Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Safari/604.1',
    'Safari on iPad',
  ],
  ['curl/8.9.1', 'A browser we do not know'],
  ['something on Linux', 'Linux'],
  ['', 'A browser we do not know'],
] as const)
  test(`a browser in plain words: ${expected}`, () =>
    assert.equal(browserName(wordsOf('en'), agent), expected));
