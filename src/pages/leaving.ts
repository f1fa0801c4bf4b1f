import { html } from 'hono/html';
import type { Html } from './layout.ts';
import type { Words } from './words.ts';

/**
 * Leads a browser on by itself, to an address that the header of an answer may be too small for;
 * without that, by a link.
 */
export const redirectPage = (words: Words, to: string): Html => html`<!doctype html>
<html lang="${words.language}" dir="${words.direction}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="0; url=${to}">
<title>${words.say('frame.leaving')}</title>
<link rel="stylesheet" href="/assets/gatehouse.css">
</head>
<body><main><h1>${words.say('frame.leaving')}</h1>
<p>${words.say('frame.leaving-text')} <a href="${to}">${words.say('frame.leaving')}</a></p></main></body>
</html>`;
