import { html } from 'hono/html';
import { csrfField } from '../components.ts';
import type { Frame, Html } from '../frame.ts';

/** A form of one button on an app. */
export const singleButtonForm = (
  frame: Frame,
  view: {
    readonly appId: string;
    readonly action: string;
    readonly etag: string;
    readonly label: string;
    readonly tone?: 'second' | 'danger';
    readonly id?: number;
    /** Asked again, where there is a script. */
    readonly confirmation?: string;
  },
): Html =>
  html`<form method="post" action="/my/apps/${view.appId}/${view.action}"${view.confirmation === undefined ? '' : html` data-confirm="${view.confirmation}"`}>${csrfField(frame)}<input type="hidden" name="change_token" value="${view.etag}">${
    view.id === undefined ? '' : html`<input type="hidden" name="id" value="${view.id}">`
  }<button name="do" value="1"${view.tone === undefined ? '' : html` class="${view.tone}"`}>${view.label}</button></form>`;
