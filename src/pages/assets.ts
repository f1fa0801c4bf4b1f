import { readFileSync } from 'node:fs';
import type { FastifyInstance } from 'fastify';
import { serveAsset } from '#http/assets.ts';
import { webauthnScript } from './assets/webauthn-script.ts';

/** A file of `assets/`, which the build puts beside the program. */
const readAsset = (name: 'style.css' | 'page.js' | 'passkeys.js'): string =>
  readFileSync(new URL(`./assets/${name}`, import.meta.url), 'utf8');

/** The stylesheet and the scripts of the pages, read once. */
export function assetRoutes(app: FastifyInstance): void {
  serveAsset(app, '/assets/gatehouse.css', 'text/css', readAsset('style.css'));
  serveAsset(app, '/assets/gatehouse.js', 'text/javascript', readAsset('page.js'));
  // One script of the library that asks browsers for passkeys, and our lines that use it.
  serveAsset(
    app,
    '/assets/passkeys.js',
    'text/javascript',
    webauthnScript() + readAsset('passkeys.js'),
  );
}
