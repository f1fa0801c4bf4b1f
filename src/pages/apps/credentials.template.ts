import { html } from 'hono/html';
import { bidiIsolate, copyableText, messageWithHtml } from '../components.ts';
import type { Frame, Html } from '../frame.ts';
import { layout } from '../layout.ts';
import type { Words } from '../words.ts';
import { type AppKind, isOAuth1, isOwnerOnly, isService } from './app.template.ts';
import { authorizeQuery, type SampleFacts, samplesFor } from './samples.ts';

/** Code for this app, in each language. */
const sampleSections = (words: Words, facts: SampleFacts): Html =>
  html`${samplesFor(words, facts).map(
    ([what, { curl, javascript, python }]) => html`<h3>${words.say(`sample.what.${what}`)}</h3>
${[
  ['curl', curl] as const,
  ['JavaScript (Node.js)', javascript] as const,
  ['Python', python] as const,
].map(([language, text]) => html`<h4>${language}</h4>${copyableText(words, text, language)}`)}`,
  )}`;

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

export interface TestView {
  readonly appName: string;
  readonly samples: SampleFacts;
  /** Nobody but the owner can use it yet. */
  readonly proposed: boolean;
  /** A fresh verifier and its challenge, for the link. */
  readonly pkce: { readonly verifier: string; readonly challenge: string; readonly state: string };
}

/** How the owner tries an app, before anybody reviewed it. */
export function testPage(frame: Frame, { appName, samples, proposed, pkce }: TestView): Html {
  const { words } = frame;
  const { kind, issuer, clientId, redirectUri } = samples;
  const secret = kind === 'device' ? '' : ` -u "${clientId}:$CLIENT_SECRET"`;
  const link = `${issuer}/oauth2/authorize?${authorizeQuery(samples)}&state=${pkce.state}&code_challenge=${pkce.challenge}`;
  const steps =
    kind === 'server' || kind === 'device'
      ? html`<ol>
<li><p>${messageWithHtml(words, 'test.open', { link: html`<a href="${link}">${words.say('test.link')}</a>` })}</p></li>
<li><p>${messageWithHtml(words, 'test.returned', { place: html`<code>${redirectUri}</code>` })}</p></li>
<li><p>${words.say('test.exchange')}</p>${copyableText(
          words,
          `curl -sS${secret} ${issuer}/oauth2/token -d grant_type=authorization_code${
            kind === 'device' ? ` -d client_id=${clientId}` : ''
          } -d code_verifier=${pkce.verifier} --data-urlencode 'redirect_uri=${redirectUri.replaceAll("'", "'\\''")}' -d "code=$CODE"`,
          words.say('test.exchange'),
        )}</li>
<li><p>${words.say('test.use')}</p>${copyableText(words, `curl -sS -H "Authorization: Bearer $ACCESS_TOKEN" ${samples.probeUrl}`, words.say('test.use'))}</li>
</ol>`
      : html``;
  return layout(
    frame,
    words.say('test.title', { app: appName }),
    html`<p>${words.say(proposed ? 'test.intro-proposed' : 'test.intro')}</p>
${steps}
<h2>${words.say('test.programs')}</h2>
<p class="quiet">${words.say('test.environment')}</p>
${sampleSections(words, samples)}
<p><a href="/my/apps/${clientId}">${words.say('apps.back')}</a></p>`,
    { wide: true },
  );
}
