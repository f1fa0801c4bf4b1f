import { html } from 'hono/html';
import type { Frame, Html } from '../frame.ts';
import type { MessageKey } from '../words.ts';

const adminPages = [
  ['/admin', 'admin.title'],
  ['/admin/people', 'admin.people'],
  ['/admin/groups', 'admin.groups'],
  ['/admin/scopes', 'admin.scopes'],
  ['/admin/audit', 'admin.audit'],
] as const satisfies readonly (readonly [string, MessageKey])[];

/** The way through the pages of administration; nothing for reviewers who are no administrators. */
export const adminNav = (
  { words, user }: Frame,
  currentPath: (typeof adminPages)[number][0] | null,
): Html =>
  user?.mayAdminister
    ? html`<nav aria-label="${words.say('admin.menu')}"><ul class="tabs">${adminPages
        .filter(([path]) => path !== '/admin/audit' || user.mayReview)
        .map(
          ([path, key]) =>
            html`<li><a href="${path}"${path === currentPath ? html` aria-current="page"` : ''}>${words.say(key)}</a></li>`,
        )}</ul></nav>`
    : html``;
