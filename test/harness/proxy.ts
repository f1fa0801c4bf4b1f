import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

// Real proxies in front of a server of a test, by the lines that docs/operations/proxies.md gives
// to operators.

export const NGINX = '/usr/sbin/nginx';
export const CADDY = '/usr/bin/caddy';

const documented = readFileSync(
  new URL('../../docs/operations/proxies.md', import.meta.url),
  'utf8',
);

/** The block of that language on the page, with this port of the server. */
export const documentedConfig = (language: 'nginx' | 'caddyfile', upstream: number): string =>
  (new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'ms').exec(documented)?.[1] ?? '').replace(
    '127.0.0.1:4400',
    `127.0.0.1:${upstream}`,
  );

/**
 * Why a test is left out; false: it runs, and with GATEHOUSE_REQUIRE_ALL=1 a missing program is a
 * failure.
 */
export const missingProgramReason = (program: string): string | false =>
  !existsSync(program) &&
  process.env.GATEHOUSE_REQUIRE_ALL !== '1' &&
  `left out: ${program} is not on this machine (install Debian’s package)`;

/**
 * nginx on a port of its own, with its files in `home`. `location`: what its server says;
 * `settings`: what its http block says besides.
 */
export function startNginx(
  port: number,
  home: string,
  location: string,
  settings = '',
): ChildProcess {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((each) => `${each}_temp_path ${home}/${each};`)
    .join(' ');
  const file = join(home, 'nginx.conf');
  writeFileSync(
    file,
    `daemon off; pid ${home}/pid; error_log ${home}/error.log; events {} http { access_log off; ${temporary} ${settings} server { listen 127.0.0.1:${port}; ${location} } }`,
  );
  const checked = spawnSync(NGINX, ['-t', '-c', file], { encoding: 'utf8' });
  assert.equal(checked.status, 0, checked.stderr);
  return spawn(NGINX, ['-c', file], { stdio: 'ignore' });
}

/** Waits until the server answers through the proxy. */
export async function waitForProxy(proxy: ChildProcess, port: number): Promise<void> {
  while ((await fetch(`http://127.0.0.1:${port}/healthz`).catch(() => undefined))?.status !== 200) {
    assert.equal(proxy.exitCode, null, 'the proxy runs');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Ends it, and waits until it is gone. */
export async function stopProxy(proxy: ChildProcess): Promise<void> {
  const gone = new Promise((resolve) => proxy.once('exit', resolve));
  proxy.kill('SIGTERM');
  if (proxy.exitCode === null) await gone;
}
