import { type Command, printRefusal, printResult, storeOptions, UsageError } from './command.ts';
import { describe } from './command-list.ts';
import { withServices } from './with-services.ts';

/** `gatehouse account create`: a person who can sign in. */
export const accountCreate: Command = {
  ...describe('account create'),
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
    return withServices(args, io, async (services) => {
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
    });
  },
};

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
