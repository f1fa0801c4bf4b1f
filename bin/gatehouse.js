#!/usr/bin/env node
// Installed, this starts the bundle in `dist/`. In the repository there is nothing to build: the source runs on the pinned runtime (package
// `node`), to which an older Node hands over.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const atLeast = (wantedMajor, wantedMinor = 0) =>
  major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);

function fail(advice) {
  process.stderr.write(`gatehouse: this is Node ${process.versions.node}; ${advice}\n`);
  process.exit(1);
}

function handOver(runtime, main) {
  const child = spawn(runtime, [main, ...process.argv.slice(2)], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
    process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)));
}

const source = path('../src/main.ts');
const pinned = path('../node_modules/node/bin/node');
if (!existsSync(source)) {
  // Argon2 is part of Node since 24.7.
  if (atLeast(24, 7)) await import('../dist/main.js');
  else fail('Node 24.7 or newer is needed.');
} else if (atLeast(26)) await import('../src/main.ts');
else if (existsSync(pinned)) handOver(pinned, source);
else fail('in the repository Node 26 is needed. Run "npm ci": it installs the right one.');
