import { toIsoTime } from '#kernel/time.ts';
import type { RetireResult } from '#operations/master-keys.ts';
import { type Command, printRefusal, printResult, storeOptions } from './command.ts';
import { describe } from './command-list.ts';
import { NO_KEYS_YET } from './key-texts.ts';

/** `gatehouse keys retire`: removes a master key that nothing needs. */
export const keysRetire: Command = {
  ...describe('keys retire'),
  positionals: ['id'],
  options: { ...storeOptions },
  async run(args, io) {
    const id = args.positional(0);
    const answer = await (await io.openKeys(args.settings)).retire(id);
    if ('refused' in answer)
      return printRefusal(io, args, `${retireRefusalText(id, answer.refused)}.`);
    printResult(io, args, { retired: id }, [
      `The key ${id} is gone. Backups from before open with the keys that are in them.`,
    ]);
    return 0;
  },
};

function retireRefusalText(
  id: string,
  refusal: Exclude<RetireResult, { readonly retired: string }>['refused'],
): string {
  switch (refusal.kind) {
    case 'unknown':
      return `there is no master key ${JSON.stringify(id)}: see "gatehouse keys list"`;
    case 'current':
      return `${id} is the current key: "gatehouse keys rotate" adds another one first`;
    case 'in-use':
      return `${refusal.values} secrets are still encrypted under ${id}: a running server re-encrypts them by itself, see "gatehouse keys list"`;
    case 'too-early':
      return `${id} can be retired from ${toIsoTime(refusal.until)}: until then, what was encrypted for a short time may still need it`;
    case 'variable':
      return `the master keys come from ${refusal.variable}: when "gatehouse keys list" says that ${id} encrypts nothing, and an hour after it last did, remove its line and restart`;
    case 'changed':
      return 'the keys changed at this moment: try again';
    case 'no-keys':
      return NO_KEYS_YET;
  }
}
