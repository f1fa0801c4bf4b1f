import { html } from 'hono/html';
import { copyableText, messageWithHtml } from '../components.ts';
import type { Frame, Html } from '../frame.ts';
import { layout } from '../layout.ts';
import { sampleSections } from './code-samples.template.ts';
import { authorizeQuery, type SampleFacts } from './sample-values.ts';

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
