/** What each command does, for the overview and the first line of its `--help`. */
export const summaries = {
  serve: 'Starts the server. Ctrl-C stops it cleanly.',
  'setup-link':
    'Prints a one-time link that creates the first administrator. It is good for an hour, while there is no account; earlier ones end.',
  'account create': 'Creates an account. The password is the first line of standard input.',
  'account list': 'Lists the accounts.',
  'account reset-password':
    'Prints a one-time link that sets another password. It is good for an hour, and earlier ones end.',
  'account block':
    'Keeps a person out: they are signed out everywhere, and their apps cannot act for them.',
  'account unblock': 'Lets a blocked person come back.',
  'client create': 'Registers an app. Its secret is shown once.',
  'client list': 'Lists the apps, newest first.',
  'client show': 'Shows one app.',
  'client redirects':
    'Lists the apps with a redirect URI that would be refused if it were registered now.',
  'client approve': 'Approves an app that is proposed, rejected or expired.',
  'client reject': 'Rejects a proposed app.',
  'client disable': 'Switches an approved app off: no new consents, and its tokens stop.',
  'client reenable': 'Switches a disabled app on again; its consents and tokens work again.',
  'client halt':
    'Stops an approved app by degrees: new consents, then tokens as well; --stop none lets it go on.',
  'client introspector':
    'Says whose access tokens an app may ask about: its own, or those of every app, as an API does.',
  'client pkce': 'Says whether an approved confidential app has to use PKCE, or may leave it out.',
  'client reset-secret':
    'Replaces every secret of an app. An owner-only app gets a new credential, too.',
  'client add-secret': 'Adds a secret beside those that live.',
  'client retire-secret': 'Takes a secret away.',
  'client approve-revision': 'Puts a proposed change of an app in force.',
  'client reject-revision': 'Rejects a proposed change; the app stays as it is.',
  'audit export': 'Writes the audit log as JSON lines, oldest first.',
  'audit verify': 'Checks that no audit entry was changed, removed or slipped in.',
  migrate:
    'Brings the schema of the database up to date. Nodes of the version before may go on meanwhile.',
  partition:
    'Divides access tokens and audit log by time on PostgreSQL, while nodes serve; run again, makes and drops what is due.',
  'keys list':
    'Lists master keys and signing keys: their ids and dates, and how many secrets each still opens.',
  'keys rotate':
    'Adds a master key, under which secrets are encrypted from now on; or, with --signing, signing keys.',
  'keys retire': 'Removes a master key that no secret is encrypted under any more.',
  backup: 'Copies the SQLite database and the keys into one file. The server may run meanwhile.',
  restore: 'Puts a backup into an empty data directory. Start the server on it afterwards.',
  'explain oauth1': [
    'Explains how the server reads and signs an OAuth 1 request, and which mistake makes the signature that came.',
    'Reads the request on standard input: as it was sent (request line, header lines, an empty line, the form), a curl command, what',
    'curl -v printed, or JSON: {method, url, headers, body, clientSecret, tokenSecret, signatureMethod, publicKeyPem, baseString, origin, profile}.',
  ].join('\n'),
} as const;

/** The words that call a command. */
export type CommandName = keyof typeof summaries;

/** Every command, in the order of the overview. */
export const commandNames = Object.keys(summaries) as readonly CommandName[];

/** The name and summary of a command, for its own file. */
export const describe = <const Words extends CommandName>(words: Words) => ({
  words,
  summary: summaries[words],
});
