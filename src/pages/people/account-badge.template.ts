import { html } from 'hono/html';
import type { Html } from '../frame.ts';
import type { Words } from '../words.ts';

/** Whether somebody is blocked. */
export const accountBadge = (words: Words, blocked: boolean): Html =>
  blocked
    ? html`<span class="badge bad">${words.say('admin.blocked')}</span>`
    : html`<span class="badge good">${words.say('admin.active')}</span>`;
