import type { Command } from './command.ts';
import { describe } from './command-list.ts';

/** `gatehouse explain oauth1`: the answer to "invalid signature" (RFC 5849 §3.4). */
export const explainOAuth1: Command = {
  ...describe('explain oauth1'),
  positionals: [],
  options: {
    origin: {
      type: 'string',
      value: 'URL',
      help: 'public address of the server; left out: the one in the request',
    },
    dialect: { type: 'boolean', help: 'read it as at the addresses of the dialect' },
    plaintext: { type: 'boolean', help: 'the server takes PLAINTEXT (--oauth1-plaintext)' },
    'client-secret-file': {
      type: 'string',
      value: 'FILE',
      help: 'secret of the app (GATEHOUSE_EXPLAIN_CLIENT_SECRET)',
    },
    'token-secret-file': {
      type: 'string',
      value: 'FILE',
      help: 'secret of the token (GATEHOUSE_EXPLAIN_TOKEN_SECRET)',
    },
    'public-key': { type: 'string', value: 'FILE', help: 'RSA public key of the app, PEM' },
    'base-string': {
      type: 'string',
      value: 'FILE',
      help: "base string of the developer's own library, to be compared",
    },
  },
  run: async (args, io) => (await import('./explain-request.ts')).explainRequest(args, io),
};
