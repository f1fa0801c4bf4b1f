import { html } from 'hono/html';
import type { Html } from '../frame.ts';

/** A path of this server that carries along where its visitor goes afterwards. */
export const withReturnTo = (path: string, returnto: string): string =>
  returnto === '/' ? path : `${path}?${new URLSearchParams({ returnto })}`;

/** Carries along where the visitor of a form goes afterwards. */
export const returnToField = (returnto: string): Html =>
  returnto === '/' ? html`` : html`<input type="hidden" name="returnto" value="${returnto}">`;
