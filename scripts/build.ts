import { execFileSync } from 'node:child_process';
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';
import { webauthnScript } from '#pages/assets/webauthn-script.ts';

// `npm run build`: `dist/`, the server as one bundle that runs on Node alone: code in a few files
// (what is loaded when used stays apart), data beside it, the declarations of what `exports`
// offers, and the licences of everything that was bundled. `npm pack` runs it.

const root = fileURLToPath(new URL('../', import.meta.url));
const out = join(root, 'dist');

/**
 * The browser's part of WebAuthn is a text the server sends: it is read here instead of from a
 * package at the start.
 */
const inlineWebauthn: Plugin = {
  name: 'inline-webauthn',
  setup: (bundle) =>
    bundle.onLoad({ filter: /[\\/]src[\\/]pages[\\/]assets[\\/]webauthn-script\.ts$/ }, () => ({
      contents: `export const webauthnScript = () => ${JSON.stringify(webauthnScript())};`,
      loader: 'js',
    })),
};

rmSync(out, { recursive: true, force: true });
const built = await build({
  absWorkingDir: root,
  entryPoints: { main: 'src/main.ts', index: 'src/server/index.ts' },
  outdir: out,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  legalComments: 'none',
  // An optional addition to `pg` in C, which is not installed.
  external: ['pg-native'],
  plugins: [inlineWebauthn],
  metafile: true,
  // CommonJS packages ask for Node's own modules by `require`.
  banner: {
    js: "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);",
  },
  logLevel: 'warning',
});

// What the program reads from files beside it.
for (const file of globSync('src/encoding/data/*', { cwd: root }))
  copied(file, join('data', file.slice('src/encoding/data/'.length)));
for (const file of globSync('src/pages/assets/*.{css,js}', { cwd: root }))
  copied(file, join('assets', file.slice('src/pages/assets/'.length)));

function copied(from: string, to: string): void {
  mkdirSync(dirname(join(out, to)), { recursive: true });
  cpSync(join(root, from), join(out, to));
}

/** The directory of the package that a bundled file belongs to. */
function packageOf(file: string): string | undefined {
  const found = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file);
  return found?.[1];
}

const packages = new Set(
  Object.keys(built.metafile.inputs).flatMap((file) => packageOf(file) ?? []),
);
packages.add('node_modules/@simplewebauthn/browser');
const licences = [...packages].sort().map((directory) => {
  const { name, version, license } = JSON.parse(
    readFileSync(resolve(root, directory, 'package.json'), 'utf8'),
  );
  const [file] = globSync('{LICENSE,LICENCE,License,license}*', {
    cwd: resolve(root, directory),
  }).sort();
  if (typeof license !== 'string') throw new Error(`the package ${directory} names no licence`);
  const text =
    file === undefined
      ? `Licensed under ${license}.`
      : readFileSync(resolve(root, directory, file), 'utf8').trim();
  return `${name} ${version} (${license})\n\n${text}\n`;
});
writeFileSync(join(out, 'THIRD-PARTY-LICENSES.txt'), licences.join(`\n${'-'.repeat(80)}\n\n`));

writeDeclarations('src/server/index.ts');

/**
 * Writes the declarations of one file, and of those it names, into `dist/types`. The compiler keeps
 * the names of rooms (`#config/…`), which mean something in this repository alone: they become
 * paths.
 */
function writeDeclarations(entry: string): void {
  const [emitted, project] = [join(out, 'emitted'), join(out, 'declarations.json')];
  const compilerOptions = {
    ...{ noEmit: false, declaration: true, emitDeclarationOnly: true },
    ...{ rootDir: root, outDir: emitted },
  };
  writeFileSync(
    project,
    JSON.stringify({ extends: '../tsconfig.json', compilerOptions, include: [`../${entry}`] }),
  );
  execFileSync(join(root, 'node_modules/.bin/tsc'), ['--project', project], { stdio: 'inherit' });
  const written = new Set<string>();
  const copyDeclaration = (source: string): void => {
    const file = source.replace(/\.ts$/, '.d.ts');
    if (written.has(file)) return;
    written.add(file);
    const text = readFileSync(join(emitted, file), 'utf8').replaceAll(
      /(from |import\()'([#.][^']+)'/g,
      (_, before: string, specifier: string) => {
        const target = specifier.startsWith('#')
          ? join('src', specifier.slice(1))
          : join(dirname(source), specifier);
        copyDeclaration(target);
        const path = relative(dirname(source), target).replace(/\.ts$/, '.js');
        return `${before}'${path.startsWith('.') ? path : `./${path}`}'`;
      },
    );
    const target = join(out, 'types', file);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, text);
  };
  copyDeclaration(entry);
  rmSync(emitted, { recursive: true });
  rmSync(project);
}
