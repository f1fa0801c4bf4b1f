import type { Account } from '#accounts/account.ts';
import {
  type Command,
  type ExitCode,
  type Given,
  type Io,
  print,
  refused,
  storeOptions,
  UsageError,
  type Verbs,
} from './command.ts';
import { carefully, careOptions, dryRunOption, type Foresight } from './confirmation.ts';

const iso = (at: number | null) => (at === null ? null : new Date(at * 1000).toISOString());

/** `gatehouse account create`: a person who can sign in. */
export const accountCreate: Command = {
  words: 'account create',
  summary: 'Creates an account. The password is the first line of standard input.',
  positionals: [],
  options: {
    name: {
      type: 'string',
      value: 'NAME',
      required: true,
      help: 'user name, unique without regard to case',
    },
    email: { type: 'string', value: 'ADDRESS', required: true, help: 'e-mail address' },
    'real-name': { type: 'string', value: 'NAME', help: 'real name' },
    group: {
      type: 'string',
      value: 'GROUP',
      multiple: true,
      help: 'group of the account; may be given again',
    },
    'email-confirmed': { type: 'boolean', help: 'the address counts as confirmed' },
    'password-stdin': {
      type: 'boolean',
      required: true,
      help: 'read the password from standard input',
    },
    ...storeOptions,
  },
  async run(given, io) {
    const [password = ''] = (await io.stdin()).split(/\r?\n/, 1);
    if (password === '')
      throw new UsageError(
        'the password is missing: pipe it in, one line, as in: echo "…" | gatehouse account create …',
      );
    const verbs = await io.open(given.flags);
    try {
      const answer = await verbs.accounts.createAccount({
        name: given.text('name') ?? '',
        email: given.text('email') ?? null,
        emailConfirmed: given.is('email-confirmed'),
        realName: given.text('real-name') ?? '',
        groups: given.list('group'),
        password,
      });
      if (!answer.ok) {
        return refused(io, given, `the account was not created: ${refusalText(answer.refusal)}`);
      }
      const { id, name, email, groups } = answer.value;
      print(io, given, { id, name, email, groups }, [`Account ${name} created (number ${id}).`]);
      return 0;
    } finally {
      await verbs.close();
    }
  },
};

/** `gatehouse setup-link`: the first administrator's way in, once more. */
export const setupLink: Command = {
  words: 'setup-link',
  summary:
    'Prints a one-time link that creates the first administrator. It is good for an hour, while there is no account; earlier ones end.',
  positionals: [],
  options: { ...storeOptions },
  async run(given, io) {
    const verbs = await io.open(given.flags);
    try {
      const link = await verbs.accounts.issueSetupLink();
      if (!link.ok) {
        io.err(
          'gatehouse: there is no set-up link: accounts exist already. Use "gatehouse account create --group administrator", or "gatehouse account reset-password" for somebody who cannot sign in.\n',
        );
        return 1;
      }
      print(io, given, { link: link.value }, [
        'Open this link once, within an hour, to create the first administrator:',
        '',
        `  ${link.value}`,
      ]);
      return 0;
    } finally {
      await verbs.close();
    }
  },
};

/** `gatehouse account list`. */
export const accountList: Command = {
  words: 'account list',
  summary: 'Lists the accounts.',
  positionals: [],
  options: { ...storeOptions },
  async run(given, io) {
    const verbs = await io.open(given.flags);
    try {
      const accounts = await verbs.records.listAccounts();
      print(
        io,
        given,
        accounts.map(({ id, name, email, emailConfirmedAt, groups, blocked, createdAt }) => ({
          id,
          name,
          email,
          email_confirmed_at: iso(emailConfirmedAt),
          groups,
          blocked,
          created_at: iso(createdAt),
        })),
        accounts.length === 0
          ? ['No accounts yet.']
          : accounts.map(({ id, name, email, groups, blocked }) =>
              [id, name, email ?? '-', groups.join(',') || '-', blocked ? 'blocked' : '']
                .join('\t')
                .trimEnd(),
            ),
      );
      return 0;
    } finally {
      await verbs.close();
    }
  },
};

/** Runs a verb on somebody by name, or prints a line that says there is nobody. */
async function onNamed(
  given: Given,
  io: Io,
  act: (verbs: Verbs, account: Account) => Promise<ExitCode>,
): Promise<ExitCode> {
  const verbs = await io.open(given.flags);
  try {
    const name = given.positional(0);
    const account = await verbs.records.findAccountByName(name);
    if (account !== undefined) return await act(verbs, account);
    return refused(
      io,
      given,
      `there is no account ${JSON.stringify(name)}. See "gatehouse account list".`,
    );
  } finally {
    await verbs.close();
  }
}

/**
 * `gatehouse account reset-password`: what the operator hands to somebody who cannot be reached by
 * mail.
 */
export const accountResetPassword: Command = {
  words: 'account reset-password',
  summary:
    'Prints a one-time link that sets another password. It is good for an hour, and earlier ones end.',
  positionals: ['name'],
  options: { ...storeOptions },
  run: (given, io) =>
    onNamed(given, io, async (verbs, account) => {
      if (account.blocked) {
        return refused(
          io,
          given,
          `the account ${account.name} is blocked: gatehouse account unblock lets it come back.`,
        );
      }
      const link = await verbs.accounts.issuePasswordLink(account);
      print(io, given, { name: account.name, link }, [
        `Open this link once, within an hour, to set another password for ${account.name}:`,
        '',
        `  ${link}`,
      ]);
      return 0;
    }),
};

function foreseeBlock(
  word: 'block' | 'unblock',
  { name, blocked }: Account,
  consents: number,
): Foresight {
  const facts = { name, before: { blocked }, after: { blocked: word === 'block' }, consents };
  if (blocked === (word === 'block'))
    return { facts, lines: [`Account ${name} is ${word}ed already.`] };
  return {
    facts,
    lines: [
      word === 'block'
        ? `Account ${name} is signed out everywhere and cannot sign in, until "gatehouse account unblock".`
        : `Account ${name} can sign in again.`,
      `Apps it allows, which ${word === 'block' ? 'cannot act for it' : 'act for it again'}: ${consents}.`,
    ],
  };
}

const blocking = (word: 'block' | 'unblock', summary: string): Command => ({
  words: `account ${word}`,
  summary,
  positionals: ['name'],
  options: { ...(word === 'block' ? careOptions : dryRunOption), ...storeOptions },
  run: (given, io) =>
    onNamed(given, io, async (verbs, account) => {
      const look = async () =>
        foreseeBlock(word, account, (await verbs.records.listConsents(account.id)).length);
      if (word === 'block' || given.is('dry-run')) {
        const care = await carefully(given, io, look);
        if (care !== 'go on') return care;
      }
      await verbs.accounts.setBlocked(account.id, word === 'block');
      print(io, given, { name: account.name, blocked: word === 'block' }, [
        `Account ${account.name} ${word}ed.`,
      ]);
      return 0;
    }),
});

/** `gatehouse account block` and `unblock`. */
export const accountBlocking: readonly Command[] = [
  blocking(
    'block',
    'Keeps a person out: they are signed out everywhere, and their apps cannot act for them.',
  ),
  blocking('unblock', 'Lets a blocked person come back.'),
];

interface Told {
  readonly kind: string;
  readonly field?: string;
  readonly problem?: string;
  /** What else is wrong. */
  readonly others?: readonly Told[];
}

/**
 * One line a person can act on: the kind of the refusal and what it is about, and the same of
 * everything else that is wrong.
 */
export function refusalText({ others = [], ...first }: Told): string {
  const spaced = (text: string) => text.replaceAll('-', ' ').replaceAll('_', ' ');
  return [first, ...others]
    .map(({ kind, field, problem }) =>
      [spaced(kind), field && `(${field}${problem ? `: ${spaced(problem)}` : ''})`]
        .filter(Boolean)
        .join(' '),
    )
    .join(', ');
}
