import type { ActionOutcome } from '#registry/actions/context.ts';
import type { ClientProposal } from '#registry/admin-commands.ts';
import { type GrantType, grantTypes, protocols } from '#registry/model/client.ts';
import { refusalForTerminal } from '#registry/refusal-texts.ts';
import { clientSummary } from './client-summary.ts';
import {
  actorOption,
  type Command,
  choiceOption,
  type Io,
  type ParsedArguments,
  printRefusal,
  printResult,
  storeOptions,
} from './command.ts';
import { describe } from './command-list.ts';
import { withServices } from './with-services.ts';

const options = {
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
} as const satisfies Command['options'];

/**
 * `gatehouse client create`: proposes an app, and approves it with `--approve`. Secrets are printed
 * once and kept nowhere in readable form.
 */
export const clientCreate: Command = {
  ...describe('client create'),
  positionals: [],
  options,
  run: (args, io) =>
    withServices(args, io, async (services) => {
      const ownerName = args.value('owner') ?? '';
      const owner = await services.accounts.findAccountByName(ownerName);
      if (owner === undefined) {
        return printRefusal(
          io,
          args,
          `there is no account named ${ownerName}. Create it with "gatehouse account create".`,
        );
      }
      const answer = await services.clients.create(proposalOf(args, io), owner, {
        approve: args.isSet('approve'),
      });
      if (!answer.ok) {
        return printRefusal(
          io,
          args,
          `the app was not registered: ${refusalForTerminal(answer.refusal)} See "gatehouse client create --help".`,
        );
      }
      const { facts, lines } = describeCreated(answer.value);
      printResult(io, args, facts, lines);
      return 0;
    }),
};

/** The app that the options describe. */
function proposalOf(args: ParsedArguments, io: Io): ClientProposal {
  const kind = choiceOption(args, 'protocol', [...protocols, 'owner-only']) ?? 'oauth2';
  const ownerOnly = kind === 'owner-only';
  const version = choiceOption(args, 'oauth-version', ['1', '2']) ?? '2';
  const keyFile = args.value('rsa-public-key');
  return {
    name: args.value('name') ?? '',
    version: args.value('version') ?? '1.0',
    description: args.value('description') ?? '',
    protocol: kind === 'owner-only' ? ownerOnlyProtocols[version] : kind,
    ownerOnly,
    confidential: !args.isSet('public'),
    ignoreWarnings: args.isSet('ignore-warnings'),
    redirectUri: args.value('redirect-uri') ?? '',
    redirectIsPrefix: args.isSet('prefix'),
    grantTypes: grantTypesOf(args, ownerOnly),
    pkceOptional: args.isSet('pkce-optional'),
    tokenAlgorithm: choiceOption(args, 'token-algorithm', ['ES256', 'RS256']) ?? 'ES256',
    site: args.value('site') ?? '*',
    scopes: args.values('scope'),
    rsaPublicKey: keyFile === undefined ? null : io.readFile(keyFile),
  };
}

const ownerOnlyProtocols = { 1: 'oauth1', 2: 'oauth2' } as const;

function grantTypesOf(args: ParsedArguments, ownerOnly: boolean): readonly GrantType[] {
  const given = args.values('grant-type') as readonly GrantType[];
  if (given.length > 0) return given;
  return ownerOnly ? ['client_credentials'] : ['authorization_code', 'refresh_token'];
}

/** What is shown of a new app, its secrets for the one time. */
function describeCreated({ client, secret, credentials, accessToken }: ActionOutcome) {
  const facts = {
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
  return { facts, lines };
}
