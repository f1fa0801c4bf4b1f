import { html } from 'hono/html';
import type { Html } from './frame.ts';
import type { Words } from './words.ts';

// How every form of the pages says what is wrong with it: a summary above, whose entries lead to
// their fields, and the words again at each field.

/** One thing that is wrong with a form. */
export interface FormProblem {
  /** Name of the field it is about, which is the id of its control; null: the form as a whole. */
  readonly field: string | null;
  /** What is wrong, as it is said at the field. */
  readonly text: string;
  /** The same as a sentence of its own, for the summary; absent: `text` is one. */
  readonly sentence?: string;
  /** Advice, which the person may wave through. */
  readonly ignorable?: boolean;
}

export const noProblems: readonly FormProblem[] = [];

/** What is said at a field, or at a control that stands for several of them; null: nothing. */
export function problemAt(
  problems: readonly FormProblem[],
  ...fields: readonly string[]
): string | null {
  const texts = problems
    .filter(({ field }) => field !== null && fields.includes(field))
    .map(({ text }) => text);
  return texts.length === 0 ? null : [...new Set(texts)].join(' ');
}

/** A problem of the form as a whole; null: none. */
export const formLevelProblem = (text: string | null): readonly FormProblem[] =>
  text === null ? noProblems : [{ field: null, text }];

/**
 * The same problems at the controls of a form: `controls` has the id for what is called otherwise
 * there, or null where there is none.
 */
export const mapToControls = (
  problems: readonly FormProblem[],
  controls: Readonly<Record<string, string | null>>,
): readonly FormProblem[] =>
  problems.map((problem) => {
    const to = problem.field === null ? null : controls[problem.field];
    return to === undefined ? problem : { ...problem, field: to };
  });

/** Everything that is wrong, above the page. It takes the focus, so that it is read first. */
export function problemSummary(words: Words, problems: readonly FormProblem[]): Html {
  if (problems.length === 0) return html``;
  const advice = problems.every(({ ignorable }) => ignorable === true);
  return html`<div class="summary ${advice ? 'advice' : 'problem'}" role="alert" tabindex="-1" autofocus aria-labelledby="problems">
<h2 id="problems">${advice ? words.say('frame.advice') : words.say('frame.problems', { count: problems.length })}</h2>
<ul>${problems.map(({ field, text, sentence = text }) =>
    field === null
      ? html`<li>${sentence}</li>`
      : html`<li><a href="#${field}">${sentence}</a></li>`,
  )}</ul></div>`;
}
