import { readFileSync } from 'node:fs';

/**
 * The library that asks browsers for passkeys, as a browser loads it. `scripts/build.ts` puts its
 * text in place of this file's reading.
 */
export const webauthnScript = (): string =>
  readFileSync(
    new URL('../dist/bundle/index.umd.min.js', import.meta.resolve('@simplewebauthn/browser')),
    'utf8',
  );
