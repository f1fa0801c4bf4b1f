import { toIsoTime } from '#kernel/time.ts';
import type { KeyOverview } from '#operations/key-overview.ts';
import { type Command, printRefusal, printResult, storeOptions } from './command.ts';
import { describe } from './command-list.ts';
import { NO_KEYS_YET } from './key-texts.ts';

/** What is printed as JSON: stable names. */
const toJsonResult = ({ master, signing }: KeyOverview) => ({
  master: master.map(({ id, createdAt, state, secrets }) => ({
    id,
    created_at: createdAt && toIsoTime(createdAt),
    state,
    secrets,
  })),
  signing: signing.map(({ madeAt, signsFrom, state, kids }) => ({
    made_at: toIsoTime(madeAt),
    signs_from: toIsoTime(signsFrom),
    state,
    kids,
  })),
});

/** `gatehouse keys list`. */
export const keysList: Command = {
  ...describe('keys list'),
  positionals: [],
  options: { ...storeOptions },
  async run(args, io) {
    const overview = await (await io.openKeys(args.settings)).overview();
    if (overview === 'no-keys') return printRefusal(io, args, `${NO_KEYS_YET}.`);
    const value = toJsonResult(overview);
    printResult(io, args, value, [
      'Master keys',
      ...value.master.map(({ id, created_at, state, secrets }) =>
        [id, created_at ?? '-', state, `${secrets} secrets`].join('\t'),
      ),
      '',
      'Signing keys',
      ...value.signing.map(({ signs_from, state, kids }) =>
        [state, `from ${signs_from}`, kids.join(' ')].join('\t'),
      ),
    ]);
    return 0;
  },
};
