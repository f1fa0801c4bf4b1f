import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  documentedConfig,
  missingProgramReason,
  NGINX,
  startNginx,
  stopProxy,
  waitForProxy,
} from '#harness/proxy.ts';
import { password, TestServer } from '#harness/world.ts';
import { Browser } from '../../examples/demo/browser.ts';
import { freePort } from './server.ts';

// nginx as Debian delivers it: 8 KiB for a line of a request, 4 KiB for the header of an answer.
const challenge = createHash('sha256').update('v'.repeat(43)).digest('base64url');

for (const forwarded of [true, false])
  test(`through nginx with default buffers, ${forwarded ? 'by the documented lines' : 'with nothing but proxy_pass'}: a state of 2,048 bytes as sent comes back byte for byte`, {
    skip: missingProgramReason(NGINX),
    timeout: 60_000,
  }, async () => {
    const home = mkdtempSync(join(tmpdir(), 'gatehouse-nginx-'));
    const port = await freePort();
    const world = new TestServer({
      issuer: `http://localhost:${port}`,
      ...(forwarded ? { 'trust-proxy': '127.0.0.1' } : {}),
    });
    await world.app.listen({ port: 0, host: '127.0.0.1' });
    const upstream = (world.app.server.address() as AddressInfo).port;
    const location = forwarded
      ? documentedConfig('nginx', upstream)
      : `location / { proxy_pass http://127.0.0.1:${upstream}; }`;
    const proxy = startNginx(
      port,
      home,
      location,
      'large_client_header_buffers 4 8k; proxy_buffer_size 4k;',
    );
    const origin = `http://localhost:${port}`;
    try {
      await waitForProxy(proxy, port);
      const made = await world.server.services.accounts.createAccount({
        ...{
          name: 'Ben',
          email: 'ben@example.org',
          emailConfirmed: true,
          realName: '',
          groups: [],
          password,
        },
      });
      assert.ok(made.ok);
      const app = await world.createClient(made.value, { name: 'Reader' });
      const [core, dialect] = ['/oauth2/authorize', '/w/rest.php/oauth2/authorize'] as const;
      const ways: readonly (readonly [
        sent: string,
        state: string,
        path: string,
        button: 'accept' | 'cancel',
      ])[] = [
        ['s'.repeat(2048), 's'.repeat(2048), core, 'accept'],
        ['%25'.repeat(682), '%'.repeat(682), dialect, 'accept'],
        // An answer writes it with escapes: three times as long.
        ...([core, dialect] as const).map(
          (path) => ['\\'.repeat(2048), '\\'.repeat(2048), path, 'accept'] as const,
        ),
        ['\\'.repeat(2048), '\\'.repeat(2048), core, 'cancel'],
      ];
      for (const [sent, state, path, button] of ways) {
        const query = `response_type=code&client_id=${app.client.id}&code_challenge=${challenge}&code_challenge_method=S256&state=${sent}`;
        const browser = new Browser();
        const signIn = await browser.follow(`${origin}${path}?${query}`);
        assert.equal(signIn.status, 200, signIn.text.slice(0, 300));
        const consent = await browser.press(signIn, 'sign-in', { name: 'Ben', password });
        assert.equal(consent.status, 200, consent.text.slice(0, 300));
        const done = await browser.press(consent, button);
        const led = /http-equiv="refresh" content="0; url=([^"]+)"/
          .exec(done.text)?.[1]
          ?.replaceAll('&amp;', '&');
        const away = new URL(
          done.location ?? led ?? assert.fail(`${done.status} ${done.text.slice(0, 300)}`),
        );
        assert.equal(away.origin + away.pathname, 'https://app.example/cb');
        assert.equal(away.searchParams.get('state'), state);
        assert.ok(away.searchParams.get(button === 'accept' ? 'code' : 'error'));
        assert.equal(
          done.location === null,
          encodeURIComponent(state).length > 2600,
          'a redirect where it fits',
        );
      }
    } finally {
      await stopProxy(proxy);
      await world.close();
      rmSync(home, { recursive: true, force: true });
    }
  });
