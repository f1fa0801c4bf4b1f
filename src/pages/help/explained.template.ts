import { html } from 'hono/html';
import type { Diagnosis } from '#oauth1/diagnosis/diagnosis.ts';
import type { Difference } from '#oauth1/diagnosis/differences.ts';
import { copyableText, descriptionList } from '../components.ts';
import type { Html } from '../frame.ts';
import type { Words } from '../words.ts';
import { findingText, profileText } from './explained-texts.ts';

/** What the server makes of a signed request. */
export interface ExplainedView extends Diagnosis {
  /** Why it was refused, in a sentence; null: that is not known. */
  readonly refusalReason: string | null;
  /** Null: the client's base string was not given. */
  readonly differences: readonly Difference[] | null;
}

/** How grave the findings look. */
function findingKind({ verdict, findings }: ExplainedView): 'done' | 'advice' | 'problem' {
  if (verdict === 'right' && findings.length === 1) return 'done';
  return verdict === 'not-checked' || verdict === 'no-signature' ? 'advice' : 'problem';
}

function differencePart(words: Words, rows: readonly Difference[]): Html {
  if (rows.length === 0)
    return html`<h3>${words.say('help.differences')}</h3><p>${words.say('help.same')}</p>`;
  return html`<table class="difference"><caption>${words.say('help.differences')}</caption>
<thead><tr><th scope="col">${words.say('help.part')}</th><th scope="col">${words.say('help.yours')}</th><th scope="col">${words.say('help.ours')}</th></tr></thead>
<tbody>${rows.map(
    ({ part, ours, theirs }) =>
      html`<tr><td data-label="${words.say('help.part')}">${words.say(`help.${part}`)}</td><td data-label="${words.say('help.yours')}"><code>${theirs || '–'}</code></td><td data-label="${words.say('help.ours')}"><code>${ours || '–'}</code></td></tr>`,
  )}</tbody></table>`;
}

function signedPart(
  words: Words,
  signed: NonNullable<ExplainedView['signed']>,
  profile: ExplainedView['profile'],
): Html {
  return html`${descriptionList([
    [words.say('help.reading'), html`${profileText(words, profile)}`],
    [words.say('help.method'), html`<code>${signed.method}</code>`],
    [words.say('help.uri'), html`<code>${signed.baseStringUri}</code>`],
  ])}
<h3>${words.say('help.parameters')}</h3>
<pre tabindex="0"><code>${signed.normalizedParams.replaceAll('&', '\n&')}</code></pre>
<h3>${words.say('help.whole')}</h3>
${copyableText(words, signed.baseString, words.say('help.whole'))}`;
}

/** What is wrong with a request, and what the server signs over. */
export function explainedPart(words: Words, view: ExplainedView): Html {
  const kind = findingKind(view);
  return html`<section class="card" aria-labelledby="explained">
<h2 id="explained">${words.say('help.base')}</h2>
${view.refusalReason === null ? '' : html`<p class="advice">${words.say('help.refused-for', { why: view.refusalReason })}</p>`}
<div role="status">${view.findings.map((one) => html`<p class="${kind}">${findingText(words, one)}</p>`)}</div>
${view.signed === null ? '' : signedPart(words, view.signed, view.profile)}
${view.differences === null ? '' : differencePart(words, view.differences)}
</section>`;
}
