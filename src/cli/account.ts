import type { Account } from '#accounts/account.ts';
import {
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
import {
  type ChangePreview,
  confirmationOptions,
  confirmChange,
  dryRunOption,
} from './confirmation.ts';

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
  async run(args, io) {
    const [password = ''] = (await io.stdin()).split(/\r?\n/, 1);
    if (password === '')
      throw new UsageError(
        'the password is missing: pipe it in, one line, as in: echo "…" | gatehouse account create …',
      );
    const services = await io.open(args.settings);
    try {
      const answer = await services.accounts.createAccount({
        name: args.value('name') ?? '',
        email: args.value('email') ?? null,
        emailConfirmed: args.isSet('email-confirmed'),
        realName: args.value('real-name') ?? '',
        groups: args.values('group'),
        password,
      });
      if (!answer.ok) {
        return printRefusal(
          io,
          args,
          `the account was not created: ${refusalText(answer.refusal)}`,
        );
      }
      const { id, name, email, groups } = answer.value;
      printResult(io, args, { id, name, email, groups }, [
        `Account ${name} created (number ${id}).`,
      ]);
      return 0;
    } finally {
      await services.close();
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
  async run(args, io) {
    const services = await io.open(args.settings);
    try {
      const link = await services.accounts.issueSetupLink();
      if (!link.ok) {
        io.err(
          'gatehouse: there is no set-up link: accounts exist already. Use "gatehouse account create --group administrator", or "gatehouse account reset-password" for somebody who cannot sign in.\n',
        );
        return 1;
      }
      printResult(io, args, { link: link.value }, [
        'Open this link once, within an hour, to create the first administrator:',
        '',
        `  ${link.value}`,
      ]);
      return 0;
    } finally {
      await services.close();
    }
  },
};

/** `gatehouse account list`. */
export const accountList: Command = {
  words: 'account list',
  summary: 'Lists the accounts.',
  positionals: [],
  options: { ...storeOptions },
  async run(args, io) {
    const services = await io.open(args.settings);
    try {
      const accounts = await services.accounts.listAccounts();
      printResult(
        io,
        args,
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
      await services.close();
    }
  },
};

/** Runs a verb on somebody by name, or prints a line that says there is nobody. */
async function withAccount(
  args: ParsedArguments,
  io: Io,
  action: (services: CommandServices, account: Account) => Promise<ExitCode>,
): Promise<ExitCode> {
  const services = await io.open(args.settings);
  try {
    const name = args.positional(0);
    const account = await services.accounts.findAccountByName(name);
    if (account !== undefined) return await action(services, account);
    return printRefusal(
      io,
      args,
      `there is no account ${JSON.stringify(name)}. See "gatehouse account list".`,
    );
  } finally {
    await services.close();
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
  run: (args, io) =>
    withAccount(args, io, async (services, account) => {
      if (account.blocked) {
        return printRefusal(
          io,
          args,
          `the account ${account.name} is blocked: gatehouse account unblock lets it come back.`,
        );
      }
      const link = await services.accounts.issuePasswordLink(account);
      printResult(io, args, { name: account.name, link }, [
        `Open this link once, within an hour, to set another password for ${account.name}:`,
        '',
        `  ${link}`,
      ]);
      return 0;
    }),
};

function previewBlock(
  verb: 'block' | 'unblock',
  { name, blocked }: Account,
  consents: number,
): ChangePreview {
  const facts = { name, before: { blocked }, after: { blocked: verb === 'block' }, consents };
  if (blocked === (verb === 'block'))
    return { facts, lines: [`Account ${name} is ${verb}ed already.`] };
  return {
    facts,
    lines: [
      verb === 'block'
        ? `Account ${name} is signed out everywhere and cannot sign in, until "gatehouse account unblock".`
        : `Account ${name} can sign in again.`,
      `Apps it allows, which ${verb === 'block' ? 'cannot act for it' : 'act for it again'}: ${consents}.`,
    ],
  };
}

const blockCommand = (verb: 'block' | 'unblock', summary: string): Command => ({
  words: `account ${verb}`,
  summary,
  positionals: ['name'],
  options: { ...(verb === 'block' ? confirmationOptions : dryRunOption), ...storeOptions },
  run: (args, io) =>
    withAccount(args, io, async (services, account) => {
      const loadPreview = async () =>
        previewBlock(verb, account, await services.query.countConsentsOf(account.id));
      if (verb === 'block' || args.isSet('dry-run')) {
        const outcome = await confirmChange(args, io, loadPreview);
        if (outcome !== 'proceed') return outcome;
      }
      await services.accounts.setBlocked(account.id, verb === 'block');
      printResult(io, args, { name: account.name, blocked: verb === 'block' }, [
        `Account ${account.name} ${verb}ed.`,
      ]);
      return 0;
    }),
});

/** `gatehouse account block` and `unblock`. */
export const accountBlockCommands: readonly Command[] = [
  blockCommand(
    'block',
    'Keeps a person out: they are signed out everywhere, and their apps cannot act for them.',
  ),
  blockCommand('unblock', 'Lets a blocked person come back.'),
];

interface RefusalDetails {
  readonly kind: string;
  readonly field?: string;
  readonly problem?: string;
  /** What else is wrong. */
  readonly others?: readonly RefusalDetails[];
}

/**
 * One line a person can act on: the kind of the refusal and what it is about, and the same of
 * everything else that is wrong.
 */
export function refusalText({ others = [], ...first }: RefusalDetails): string {
  const spaced = (text: string) => text.replaceAll('-', ' ').replaceAll('_', ' ');
  return [first, ...others]
    .map(({ kind, field, problem }) =>
      [spaced(kind), field && `(${field}${problem ? `: ${spaced(problem)}` : ''})`]
        .filter(Boolean)
        .join(' '),
    )
    .join(', ');
}
