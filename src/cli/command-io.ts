import { StartupError } from '#config/startup-error.ts';
import type { ProcessIo } from '#platform/process-io.ts';
import type { Io } from './command.ts';

const MAX_STDIN_LENGTH = 1_048_576;

async function readAll(input: AsyncIterable<string>): Promise<string> {
  let text = '';
  for await (const piece of input) {
    text += piece;
    if (text.length > MAX_STDIN_LENGTH)
      throw new StartupError('standard input is larger than 1 MiB.');
  }
  return text;
}

/** Who uses the command line: the name they gave, or their account on this machine. */
function operatorName(givenName: string | undefined, io: ProcessIo): string {
  if (givenName === undefined) return `os:${io.userName().slice(0, 64)}`;
  if (!/^[\p{L}\p{M}\p{N}\p{P}\p{S} ]{1,64}$/u.test(givenName) || givenName.trim() !== givenName)
    throw new StartupError(
      '--as takes a name of 1 to 64 visible characters and blanks between them.',
    );
  return `as:${givenName}`;
}

/**
 * What a command gets of a run of the program. Settings, store and keys are loaded when asked for.
 */
export function makeCommandIo(
  processIo: ProcessIo,
  { passphraseCost }: Pick<Io, 'passphraseCost'>,
): Io {
  const loadConfig: Io['loadConfig'] = async (flags) =>
    (await import('#config/load.ts')).loadConfig(flags, processIo.env);
  return {
    out: (text) => processIo.out(text),
    err: (text) => processIo.err(text),
    stdin: () => readAll(processIo.input),
    readFile: (path) => {
      try {
        return processIo.readFile(path);
      } catch {
        throw new StartupError(`the file ${path} cannot be read.`);
      }
    },
    get isInteractive() {
      return processIo.isInteractive;
    },
    confirm: (question) => processIo.confirm(question),
    env: processIo.env,
    passphraseCost,
    loadConfig,
    async open(flags) {
      const [{ openCommandServices }, { operatorBy }] = await Promise.all([
        import('#operations/command-services.ts'),
        import('#registry/actor.ts'),
      ]);
      const operator = operatorBy(operatorName(flags.as, processIo));
      return openCommandServices(await loadConfig(flags), operator, (line) => processIo.err(line));
    },
    async openKeys(flags) {
      const { openKeyCommands } = await import('#operations/key-commands.ts');
      return openKeyCommands(await loadConfig(flags));
    },
  };
}
