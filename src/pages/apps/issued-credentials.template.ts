import { html } from 'hono/html';
import { bidiIsolate, copyableText } from '../components.ts';
import type { Frame, Html } from '../frame.ts';
import { layout } from '../layout.ts';
import { type AppKind, isOAuth1, isOwnerOnly, isService } from './app.template.ts';
import { sampleSections } from './code-samples.template.ts';
import type { SampleFacts } from './sample-values.ts';

/** What was made, shown this one time. */
export interface IssuedCredentialsView {
  readonly appName: string;
  readonly appId: string;
  readonly kind: AppKind;
  readonly issuedFor: 'registered' | 'secret' | 'reset';
  /** It can be used by everybody already. */
  readonly approved: boolean;
  readonly secret: string | null;
  readonly token: string | null;
  readonly tokenSecret: string | null;
  readonly samples: SampleFacts | null;
}

const titles = {
  registered: 'issued.registered',
  secret: 'issued.secret-of',
  reset: 'issued.reset',
} as const;

/** What comes after a registration. */
function nextStepKey({ kind, approved }: IssuedCredentialsView) {
  if (isOwnerOnly(kind)) return 'issued.next-own';
  if (isService(kind))
    return approved ? 'issued.next-approved-service' : 'issued.next-proposed-service';
  return approved ? 'issued.next-approved' : 'issued.next-proposed';
}

/** The answer to the form that made credentials: they are in no other page. */
export function issuedCredentialsPage(frame: Frame, view: IssuedCredentialsView): Html {
  const { words } = frame;
  const usesOAuth1 = isOAuth1(view.kind);
  const ownerOnly = isOwnerOnly(view.kind);
  const row = (label: string, value: string | null, parameterName: string): Html | string =>
    value === null
      ? ''
      : html`<div><dt>${label} <code>${parameterName}</code></dt><dd>${copyableText(words, value, label)}</dd></div>`;
  const next = view.issuedFor === 'registered' ? nextStepKey(view) : null;
  const hasSecret = view.secret !== null || view.token !== null;
  return layout(
    frame,
    words.say(titles[view.issuedFor], { app: view.appName }),
    html`${next === null ? '' : html`<p class="done" role="status">${words.say(next)}</p>`}
${hasSecret ? html`<p class="advice">${words.say('issued.once')}</p>` : ''}
<section class="card" aria-label="${words.say('issued.credentials')}"><dl>
<div><dt>${words.say('issued.app')}</dt><dd>${bidiIsolate(view.appName)}</dd></div>
${row(words.say('apps.id'), view.appId, usesOAuth1 ? 'oauth_consumer_key' : 'client_id')}
${row(words.say('issued.secret'), view.secret, usesOAuth1 ? 'oauth_consumer_secret' : 'client_secret')}
${row(words.say('issued.token'), view.token, usesOAuth1 ? 'oauth_token' : 'access_token')}
${row(words.say('issued.token-secret'), view.tokenSecret, 'oauth_token_secret')}
</dl>${view.secret === null && !ownerOnly ? html`<p>${words.say('issued.no-secret')}</p>` : ''}</section>
<div class="buttons"><a class="button" href="/my/apps/${view.appId}">${words.say(hasSecret ? 'issued.kept' : 'apps.manage')}</a>
${view.issuedFor === 'registered' && !ownerOnly && (view.approved || !isService(view.kind)) ? html`<a class="button second" href="/my/apps/${view.appId}/test">${words.say('apps.test')}</a>` : ''}</div>
${view.samples === null ? '' : html`<h2>${words.say('issued.samples')}</h2><p class="quiet">${words.say('issued.samples-help')}</p>${sampleSections(words, view.samples)}`}`,
    { wide: true },
  );
}
