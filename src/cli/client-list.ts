import { MIN_RSA_BITS, rsaKeyLength } from '#keys/rsa.ts';
import { lacksPkceExemption } from '#registry/actions/pkce-exemption.ts';
import { type Client, stages } from '#registry/model/client.ts';
import { clientSummary } from './client-summary.ts';
import { type Command, choiceOption, printRefusal, printResult, storeOptions } from './command.ts';
import { describe } from './command-list.ts';
import { withServices } from './with-services.ts';

/** `gatehouse client list`. */
export const clientList: Command = {
  ...describe('client list'),
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
