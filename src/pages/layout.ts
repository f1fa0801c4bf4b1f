import { html } from 'hono/html';
import { csrfField } from './components.ts';
import { type FormProblem, noProblems, problemSummary } from './form-problems.ts';
import type { Frame, Html } from './frame.ts';
import { languageNames, languages, type MessageKey, type Words } from './words.ts';

export interface PageOptions {
  /** No navigation: a popup. */
  readonly bare?: boolean;
  /** Tables and side-by-side texts need more room. */
  readonly wide?: boolean;
  /** What is wrong with the forms of the page. */
  readonly problems?: readonly FormProblem[];
}

/** A whole document, in the language and direction of its reader. */
const htmlDocument = (words: Words, head: Html, body: Html): Html => html`<!doctype html>
<html lang="${words.language}" dir="${words.direction}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
${head}
</head>
<body>
${body}
</body>
</html>`;

/** The frame of every page. */
export function layout(
  frame: Frame,
  title: string,
  body: Html,
  { bare = false, wide = false, problems = noProblems }: PageOptions = {},
): Html {
  const { words } = frame;
  // A title that says so is what a screen reader says first after a form was sent.
  const hasErrors = problems.some(({ ignorable }) => ignorable !== true);
  const fullTitle = html`${hasErrors ? words.say('frame.error-title', { title }) : title} – ${frame.siteName}`;
  return htmlDocument(
    words,
    html`<title>${fullTitle}</title>
<link rel="stylesheet" href="/assets/gatehouse.css">
<script src="/assets/gatehouse.js" defer></script>`,
    html`<a class="skip" href="#content">${words.say('frame.skip')}</a>
${bare ? '' : navigation(frame)}
<main id="content"${wide ? html` class="wide"` : ''}>
<h1>${title}</h1>
${problemSummary(words, problems)}
${frame.flashMessage === null ? '' : html`<p class="done" role="status">${words.say(frame.flashMessage)}</p>`}
${body}
</main>
${bare ? '' : footer(frame)}`,
  );
}

const navLink = (frame: Frame, href: string, key: MessageKey): Html =>
  html`<li><a href="${href}"${frame.currentPath === href ? html` aria-current="page"` : ''}>${frame.words.say(key)}</a></li>`;

function navigation(frame: Frame): Html {
  const { words, user, siteName } = frame;
  return html`<header>
<a class="home" href="/">${siteName}</a>
<nav aria-label="${words.say('frame.menu')}"><ul>
${navLink(frame, '/apps', 'frame.directory')}
${
  user === null
    ? navLink(frame, '/sign-in', 'frame.sign-in')
    : html`${navLink(frame, '/consents', 'frame.consents')}
${user.mayPropose ? navLink(frame, '/my/apps', 'frame.my-apps') : ''}
${user.mayReview ? navLink(frame, '/review', 'frame.review') : ''}
${user.mayAdminister ? navLink(frame, '/admin', 'frame.admin') : ''}
<li><a href="/account"${frame.currentPath === '/account' ? html` aria-current="page"` : ''}>${words.say('frame.account', { name: user.name })}</a></li>
<li><form method="post" action="/sign-out">${csrfField(frame)}<button class="plain" name="sign-out" value="1">${words.say('frame.sign-out')}</button></form></li>`
}
</ul></nav>
</header>`;
}

function footer({ words, currentPath }: Frame): Html {
  if (currentPath === null) return html`<footer></footer>`;
  const languageHref = (language: string) => {
    const [path = '/', query = ''] = currentPath.split('?', 2);
    const params = new URLSearchParams(query);
    params.delete('done');
    params.set('uselang', language);
    return `${path}?${params}`;
  };
  return html`<footer><nav aria-label="${words.say('frame.language')}"><ul>${languages.map(
    (language) =>
      html`<li><a href="${languageHref(language)}" lang="${language}" hreflang="${language}"${language === words.language ? html` aria-current="true"` : ''}>${languageNames[language]}</a></li>`,
  )}</ul></nav></footer>`;
}

/**
 * Leads a browser on by itself, to an address that the header of an answer may be too small for;
 * without that, by a link.
 */
export const redirectPage = (words: Words, to: string): Html =>
  htmlDocument(
    words,
    html`<meta http-equiv="refresh" content="0; url=${to}">
<title>${words.say('frame.leaving')}</title>
<link rel="stylesheet" href="/assets/gatehouse.css">`,
    html`<main><h1>${words.say('frame.leaving')}</h1>
<p>${words.say('frame.leaving-text')} <a href="${to}">${words.say('frame.leaving')}</a></p></main>`,
  );
