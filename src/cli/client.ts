import { toUnicodeUri } from '#encoding/browser-uri.ts';
import { MIN_RSA_BITS, rsaKeyLength } from '#keys/rsa.ts';
import { lacksPkceExemption } from '#registry/actions/pkce-exemption.ts';
import {
  type Client,
  type GrantType,
  grantTypes,
  protocols,
  stages,
} from '#registry/model/client.ts';
import { refusalForTerminal } from '#registry/refusal-texts.ts';
import {
  actorOption,
  type Command,
  type CommandServices,
  type ExitCode,
  type Io,
  type ParsedArguments,
  printRefusal,
  printResult,
  storeOptions,
  UsageError,
} from './command.ts';

const iso = (at: number) => new Date(at * 1000).toISOString();

/** What every client command shows of a client; never a secret. */
export const clientSummary = (client: Client) => ({
  client_id: client.id,
  name: client.name,
  version: client.version,
  protocol: client.protocol,
  owner_only: client.ownerOnly,
  confidential: client.confidential,
  redirect_uri: client.redirectUri,
  redirect_uri_unicode: toUnicodeUri(client.redirectUri),
  redirect_is_prefix: client.redirectIsPrefix,
  rsa_key_bits: client.rsaPublicKey === null ? null : rsaKeyLength(client.rsaPublicKey),
  grant_types: client.grantTypes,
  pkce_optional: client.pkceOptional,
  introspector: client.introspector,
  site: client.site,
  scopes: client.scopes,
  stage: client.stage,
  suppressed: client.suppressed,
  suspension: client.suspension,
  managed: client.managed,
  secrets: client.secrets.map(({ id, label, createdAt, expiresAt }) => ({
    secret_id: id,
    label,
    created_at: iso(createdAt),
    expires_at: expiresAt === null ? null : iso(expiresAt),
  })),
  owner_id: client.ownerId,
  registered_at: iso(client.registeredAt),
});

export async function withServices(
  args: ParsedArguments,
  io: Io,
  action: (services: CommandServices) => Promise<ExitCode>,
): Promise<ExitCode> {
  const services = await io.open(args.settings);
  try {
    return await action(services);
  } finally {
    await services.close();
  }
}

export function choiceOption<const T extends string>(
  args: ParsedArguments,
  option: string,
  values: readonly T[],
): T | undefined {
  const text = args.value(option);
  if (text === undefined) return undefined;
  const found = values.find((value) => value === text);
  if (found === undefined)
    throw new UsageError(`--${option} ${text} is not known: use ${values.join(', ')}.`);
  return found;
}

/**
 * `gatehouse client create`: proposes an app, and approves it with `--approve`. Secrets are printed
 * once and kept nowhere in readable form.
 */
export const clientCreate: Command = {
  words: 'client create',
  summary: 'Registers an app. Its secret is shown once.',
  positionals: [],
  options: {
    owner: { type: 'string', value: 'NAME', required: true, help: 'account that owns the app' },
    name: { type: 'string', value: 'NAME', required: true, help: 'name of the app' },
    protocol: { type: 'string', value: 'P', required: true, help: 'oauth1, oauth2 or owner-only' },
    'oauth-version': { type: 'string', value: '1|2', help: 'protocol of an owner-only app (2)' },
    'redirect-uri': {
      type: 'string',
      value: 'URL',
      help: 'where users are sent back; not needed for owner-only apps and services',
    },
    prefix: { type: 'boolean', help: 'OAuth 1: callbacks may extend the redirect URI' },
    scope: {
      type: 'string',
      value: 'SCOPE',
      multiple: true,
      help: 'scope the app may ask for; may be given again',
    },
    public: { type: 'boolean', help: 'OAuth 2: the app cannot keep a secret' },
    'pkce-optional': {
      type: 'boolean',
      help: 'OAuth 2: a confidential app may use the code flow without PKCE',
    },
    'rsa-public-key': {
      type: 'string',
      value: 'FILE',
      help: 'OAuth 1: PEM file with the public key for RSA signatures',
    },
    'grant-type': {
      type: 'string',
      value: 'TYPE',
      multiple: true,
      help: `OAuth 2: ${grantTypes.join(', ')}; may be given again`,
    },
    'token-algorithm': {
      type: 'string',
      value: 'ALG',
      help: 'OAuth 2: ES256 or RS256 for its access tokens (ES256)',
    },
    site: { type: 'string', value: 'SITE', help: 'site the app may act on, * for all (*)' },
    version: { type: 'string', value: 'TEXT', help: "the app's own version (1.0)" },
    description: { type: 'string', value: 'TEXT', help: 'what the app does' },
    'ignore-warnings': {
      type: 'boolean',
      help: 'wave advice through, such as that about a bare domain',
    },
    approve: { type: 'boolean', help: 'approve at once' },
    ...actorOption,
    ...storeOptions,
  },
  run: (args, io) =>
    withServices(args, io, async (services) => {
      const kind = choiceOption(args, 'protocol', [...protocols, 'owner-only']) ?? 'oauth2';
      const ownerOnly = kind === 'owner-only';
      const version = choiceOption(args, 'oauth-version', ['1', '2']) ?? '2';
      const protocol = kind === 'owner-only' ? (version === '1' ? 'oauth1' : 'oauth2') : kind;
      const ownerName = args.value('owner') ?? '';
      const owner = await services.accounts.findAccountByName(ownerName);
      if (owner === undefined) {
        return printRefusal(
          io,
          args,
          `there is no account named ${ownerName}. Create it with "gatehouse account create".`,
        );
      }
      const keyFile = args.value('rsa-public-key');
      const types = args.values('grant-type') as readonly GrantType[];
      const answer = await services.clients.create(
        {
          name: args.value('name') ?? '',
          version: args.value('version') ?? '1.0',
          description: args.value('description') ?? '',
          protocol,
          ownerOnly,
          confidential: !args.isSet('public'),
          ignoreWarnings: args.isSet('ignore-warnings'),
          redirectUri: args.value('redirect-uri') ?? '',
          redirectIsPrefix: args.isSet('prefix'),
          grantTypes:
            types.length > 0
              ? types
              : ownerOnly
                ? ['client_credentials']
                : ['authorization_code', 'refresh_token'],
          pkceOptional: args.isSet('pkce-optional'),
          tokenAlgorithm: choiceOption(args, 'token-algorithm', ['ES256', 'RS256']) ?? 'ES256',
          site: args.value('site') ?? '*',
          scopes: args.values('scope'),
          rsaPublicKey: keyFile === undefined ? null : io.readFile(keyFile),
        },
        owner,
        { approve: args.isSet('approve') },
      );
      if (!answer.ok) {
        return printRefusal(
          io,
          args,
          `the app was not registered: ${refusalForTerminal(answer.refusal)} See "gatehouse client create --help".`,
        );
      }
      const { client, secret, credentials, accessToken } = answer.value;
      const result = {
        ...clientSummary(client),
        ...(secret === null ? {} : { client_secret: secret }),
        ...(credentials
          ? { access_token: credentials.token, access_token_secret: credentials.secret }
          : {}),
        ...(accessToken ? { access_token: accessToken } : {}),
      };
      const lines = [
        `App ${client.name} registered, stage ${client.stage}.`,
        `client_id      ${client.id}`,
      ];
      if (secret !== null) lines.push(`client_secret  ${secret}   (shown once)`);
      if (credentials)
        lines.push(
          `access_token   ${credentials.token}`,
          `access_token_secret ${credentials.secret}   (shown once)`,
        );
      if (accessToken) lines.push(`access_token   ${accessToken}   (shown once)`);
      printResult(io, args, result, lines);
      return 0;
    }),
};

/** `gatehouse client list`. */
export const clientList: Command = {
  words: 'client list',
  summary: 'Lists the apps, newest first.',
  positionals: [],
  options: {
    owner: { type: 'string', value: 'NAME', help: 'only the apps of this account' },
    stage: { type: 'string', value: 'STAGE', help: `only this stage: ${stages.join(', ')}` },
    'short-keys': {
      type: 'boolean',
      help: `only apps whose RSA key has fewer than ${MIN_RSA_BITS} bits`,
    },
    'without-pkce-exemption': {
      type: 'boolean',
      help: 'only confidential apps in use that have to send PKCE at every address',
    },
    ...storeOptions,
  },
  run: (args, io) =>
    withServices(args, io, async (services) => {
      const stage = choiceOption(args, 'stage', stages);
      const ownerName = args.value('owner');
      const owner =
        ownerName === undefined ? undefined : await services.accounts.findAccountByName(ownerName);
      if (ownerName !== undefined && owner === undefined) {
        return printRefusal(
          io,
          args,
          `there is no account named ${ownerName}. See "gatehouse account list".`,
        );
      }
      const { items: all } = await services.query.listClients({
        ...(stage ? { stage } : {}),
        ...(owner ? { ownerId: owner.id } : {}),
      });
      const hasShortKey = ({ rsaPublicKey }: Client) =>
        rsaPublicKey !== null && rsaKeyLength(rsaPublicKey) < MIN_RSA_BITS;
      const clients = all
        .filter((client) => !args.isSet('short-keys') || hasShortKey(client))
        .filter((client) => !args.isSet('without-pkce-exemption') || lacksPkceExemption(client));
      const lines = clients.map((client) =>
        [client.id, client.stage, client.protocol, `${client.name} [${client.version}]`].join('\t'),
      );
      printResult(io, args, clients.map(clientSummary), lines.length > 0 ? lines : ['No apps.']);
      return 0;
    }),
};

const formatValue = (value: unknown) =>
  typeof value === 'object' ? JSON.stringify(value) : String(value);

/** `gatehouse client show`. */
export const clientShow: Command = {
  words: 'client show',
  summary: 'Shows one app.',
  positionals: ['client_id'],
  options: { ...storeOptions },
  run: (args, io) =>
    withServices(args, io, async (services) => {
      const client = await services.query.findClient(args.positional(0));
      if (client === undefined) return printNoSuchClient(args, io);
      const facts = clientSummary(client);
      printResult(
        io,
        args,
        facts,
        Object.entries(facts).map(
          ([name, value]) =>
            `${name.padEnd(20)}${Array.isArray(value) ? value.map(formatValue).join(' ') : value}`,
        ),
      );
      return 0;
    }),
};

/** Says that there is no such app. */
export function printNoSuchClient(args: ParsedArguments, io: Io): 1 {
  return printRefusal(
    io,
    args,
    `there is no app with client_id ${args.positional(0)}. See "gatehouse client list".`,
  );
}
