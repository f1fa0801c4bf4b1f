import { html } from 'hono/html';
import { csrfField } from '../components.ts';
import type { FormProblem } from '../form-problems.ts';
import type { Frame, Html } from '../frame.ts';
import { layout } from '../layout.ts';
import { returnToField } from './return-path.template.ts';

/** A form that was filled in, or is empty. */
export interface LinkRequestView {
  readonly value: string;
  readonly problems: readonly FormProblem[];
  /** Where they were going. */
  readonly returnto: string;
}

/** Asks for the address that a link is mailed to, or for whatever names an account. */
export function linkRequestPage(
  frame: Frame,
  view: LinkRequestView,
  texts: {
    readonly title: string;
    readonly intro: string;
    readonly action: string;
    readonly button: string;
    readonly field: Html;
  },
): Html {
  return layout(
    frame,
    texts.title,
    html`<p>${texts.intro}</p>
<form method="post" action="${texts.action}">
${csrfField(frame)}
${returnToField(view.returnto)}
${texts.field}
<div class="buttons"><button type="submit" name="send" value="1">${texts.button}</button></div>
</form>`,
    { problems: view.problems },
  );
}
