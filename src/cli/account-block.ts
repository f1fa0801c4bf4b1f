import type { Account } from '#accounts/account.ts';
import type { Administrator } from '#accounts/administration.ts';
import type { Actor } from '#registry/actor.ts';
import { refusalText } from './account-create.ts';
import { type Command, printRefusal, printResult, storeOptions } from './command.ts';
import { describe } from './command-list.ts';
import {
  type ChangePreview,
  confirmationOptions,
  confirmChange,
  dryRunOption,
} from './confirmation.ts';
import { withAccount } from './with-services.ts';

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

/** Whoever uses the command line, as the audit log names them. */
const administratorOf = (operator: Actor): Administrator => ({
  account: null,
  via: 'cli',
  address: operator.kind === 'operator' ? (operator.by ?? null) : operator.address,
});

const blockCommand = (verb: 'block' | 'unblock'): Command => ({
  ...describe(`account ${verb}`),
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
      const by = administratorOf(services.operator);
      const answer = await services.accounts.setBlocked(by, account.id, verb === 'block');
      if (!answer.ok)
        return printRefusal(
          io,
          args,
          `the account was not ${verb}ed: ${refusalText(answer.refusal)}`,
        );
      printResult(io, args, { name: account.name, blocked: verb === 'block' }, [
        `Account ${account.name} ${verb}ed.`,
      ]);
      return 0;
    }),
});

/** `gatehouse account block`. */
export const accountBlock = blockCommand('block');
/** `gatehouse account unblock`. */
export const accountUnblock = blockCommand('unblock');
