import { html } from 'hono/html';
import { messageWithHtml } from '../components.ts';
import type { Frame, Html } from '../frame.ts';
import { layout } from '../layout.ts';

/** What the first page shows. */
export interface HomeView {
  /** Apps that wait for a review; null: not this person's business. */
  readonly pendingReviews: number | null;
  /** Strangers may make themselves an account. */
  readonly registrationOpen: boolean;
  /** The administrator is alone here: what comes after the set-up. */
  readonly firstSteps: boolean;
}

const homeItem = (href: string, text: string): Html => html`<li><a href="${href}">${text}</a></li>`;

const firstSteps = ({ words, user }: Frame): Html =>
  html`<section class="card" aria-labelledby="next"><h2 id="next">${words.say('home.next')}</h2><ul>
${homeItem('/account', words.say('home.next.profile'))}
${homeItem('/admin', words.say('home.next.state'))}
${homeItem('/admin/scopes', words.say('home.next.scopes'))}
${homeItem('/admin/people', words.say('home.next.people'))}
${user?.mayPropose ? homeItem('/my/apps/new', words.say('home.next.app')) : ''}
</ul><p class="quiet">${words.say('home.next.until')}</p></section>`;

/** The first page: what is this place, what can I do here. */
export function homePage(frame: Frame, view: HomeView): Html {
  const { words, user, siteName } = frame;
  return layout(
    frame,
    user === null
      ? words.say('home.welcome', { site: siteName })
      : words.say('home.hello', { name: user.name }),
    html`<p>${words.say('home.what', { site: siteName })}</p>
${view.firstSteps ? firstSteps(frame) : ''}
<ul class="card">
${user === null ? homeItem('/sign-in', words.say('home.sign-in')) : homeItem('/consents', words.say('home.user'))}
${user === null && view.registrationOpen ? homeItem('/register', words.say('home.register')) : ''}
${homeItem('/apps', words.say('home.directory'))}
${user?.mayPropose ? homeItem('/my/apps', words.say('home.developer')) : ''}
${user?.mayReview && view.pendingReviews !== null ? homeItem('/review', words.say('home.reviewer', { count: view.pendingReviews })) : ''}
${user?.mayAdminister ? homeItem('/admin', words.say('home.admin')) : ''}
</ul>
${user !== null && !user.mayPropose ? html`<p class="quiet">${words.say('home.developer-wanted')}</p>` : ''}
<p class="quiet">${messageWithHtml(words, 'home.technical', { link: html`<a href="/.well-known/oauth-authorization-server">/.well-known/oauth-authorization-server</a>` })}</p>`,
  );
}
