import { html } from 'hono/html';
import type { HtmlEscapedString } from 'hono/utils/html';

/** HTML that is safe to send: everything put into a template is escaped unless it is itself Html. */
export type Html = HtmlEscapedString | Promise<HtmlEscapedString>;

/** What every page knows. */
export interface Frame {
  readonly siteName: string;
  /** Who is signed in; null: nobody. */
  readonly userName: string | null;
  /** Form proof for the sign-out button. */
  readonly csrf: string;
}

/** The frame of every page. A popup has no navigation. */
export function layout(frame: Frame, title: string, body: Html, bare = false): Html {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} – ${frame.siteName}</title>
<link rel="stylesheet" href="/assets/gatehouse.css">
</head>
<body>
${bare ? '' : navigation(frame)}
<main>
<h1>${title}</h1>
${body}
</main>
</body>
</html>`;
}

function navigation({ siteName, userName, csrf }: Frame): Html {
  return html`<header>
<a class="home" href="/">${siteName}</a>
${
  userName === null
    ? html`<nav><a href="/sign-in">Sign in</a></nav>`
    : html`<nav><a href="/consents">Apps I allowed</a>
<form method="post" action="/sign-out"><input type="hidden" name="csrf" value="${csrf}"><button class="plain" name="sign-out" value="1">Sign out ${userName}</button></form></nav>`
}
</header>`;
}
