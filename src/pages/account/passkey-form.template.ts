import { html } from 'hono/html';
import { csrfField } from '../components.ts';
import type { Frame, Html } from '../frame.ts';

/**
 * A form that a browser fills in with its answer, and says until then what it needs. `optionsUrl`:
 * where the script asks for the options of `ceremony`.
 */
export const passkeyForm = (
  { words, csrfToken }: Frame,
  form: {
    readonly action: string;
    readonly optionsUrl: string;
    readonly ceremony: 'add' | 'use';
    readonly scriptNotice: string;
    readonly body: Html;
  },
): Html =>
  html`<p class="quiet" data-until-script>${form.scriptNotice}</p>
<form method="post" action="${form.action}" data-passkey="${form.optionsUrl}" data-does="${form.ceremony}" data-failed="${words.say('passkey.failed')}" hidden>${csrfField({ csrfToken })}
<input type="hidden" name="answer" value="">
<p class="problem" role="alert" hidden></p>
${form.body}
</form>
<script src="/assets/passkeys.js" defer></script>`;
