import type { AppKind } from './app.template.ts';

// What code samples are made of, and how values are written in each language.

/**
 * What samples are made of. A value that is not known any more is null, and read from the
 * environment by the sample.
 */
export interface SampleFacts {
  readonly kind: AppKind;
  /** Without a slash at its end. */
  readonly issuer: string;
  readonly clientId: string;
  readonly secret: string | null;
  /** Owner-only apps: what they act with. */
  readonly token: string | null;
  readonly tokenSecret: string | null;
  readonly redirectUri: string;
  readonly scopes: readonly string[];
  /** It acts for itself, without a person. */
  readonly actsForItself: boolean;
  /** Who asks here is told who they act for; another address for apps of another site. */
  readonly probeUrl: string;
}

export interface Samples {
  readonly curl: string;
  readonly javascript: string;
  readonly python: string;
}

/** A text as one word of a shell. */
export const shellQuote = (text: string): string =>
  /^[\w./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

/**
 * Commands that a shell reads to their end before it runs the first: what asks for a line does not
 * take the next one of a text that is pasted.
 */
export const shellGroup = (commands: string): string => `{\n${commands}\n}`;

/** A text in double quotes, as JavaScript and Python read it. */
export const doubleQuoted = (text: string): string => JSON.stringify(text);

/** Names of the environment, where a value is not known any more. */
const environmentNames = {
  secret: 'CLIENT_SECRET',
  token: 'ACCESS_TOKEN',
  tokenSecret: 'TOKEN_SECRET',
} as const;
export type SecretName = keyof typeof environmentNames;

export const shellValue = (facts: SampleFacts, secretName: SecretName) =>
  facts[secretName] ?? `$${environmentNames[secretName]}`;

export const javascriptValue = (facts: SampleFacts, secretName: SecretName) =>
  facts[secretName] === null
    ? `env.${environmentNames[secretName]}`
    : doubleQuoted(facts[secretName]);

export const pythonValue = (facts: SampleFacts, secretName: SecretName) =>
  facts[secretName] === null
    ? `os.environ[${doubleQuoted(environmentNames[secretName])}]`
    : doubleQuoted(facts[secretName]);

/** `env` where a sample reads the environment. */
export const javascriptEnvImport = (facts: SampleFacts, ...secretNames: readonly SecretName[]) =>
  secretNames.some((one) => facts[one] === null) ? "import { env } from 'node:process';\n" : '';

/** `import os` where a sample reads the environment. */
export const pythonOsImport = (facts: SampleFacts, ...secretNames: readonly SecretName[]) =>
  secretNames.some((one) => facts[one] === null) ? 'import os\n' : '';

/** The query of an authorization request, without its `state` and `code_challenge`. */
export const authorizeQuery = ({
  clientId,
  redirectUri,
  scopes,
}: Pick<SampleFacts, 'clientId' | 'redirectUri' | 'scopes'>): string =>
  [
    ['response_type', 'code'],
    ['client_id', clientId],
    ['redirect_uri', redirectUri],
    ['scope', scopes.join(' ')],
    ['code_challenge_method', 'S256'],
  ]
    .map(([name, value]) => `${name}=${encodeURIComponent(value as string).replaceAll("'", '%27')}`)
    .join('&');
