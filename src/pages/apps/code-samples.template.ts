import { html } from 'hono/html';
import { copyableText } from '../components.ts';
import type { Html } from '../frame.ts';
import type { Words } from '../words.ts';
import type { SampleFacts } from './sample-values.ts';
import { samplesFor } from './samples.ts';

/** Code for this app, in each language. */
export const sampleSections = (words: Words, facts: SampleFacts): Html =>
  html`${samplesFor(words, facts).map(
    ([what, { curl, javascript, python }]) => html`<h3>${words.say(`sample.what.${what}`)}</h3>
${[
  ['curl', curl] as const,
  ['JavaScript (Node.js)', javascript] as const,
  ['Python', python] as const,
].map(([language, text]) => html`<h4>${language}</h4>${copyableText(words, text, language)}`)}`,
  )}`;
