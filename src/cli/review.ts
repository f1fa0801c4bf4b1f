import type { ClientId } from '#kernel/ids.ts';
import type { Outcome } from '#registry/actions/context.ts';
import { type Client, type Halt, halts } from '#registry/model/client.ts';
import { refusalLine } from '#registry/refusal-texts.ts';
import type { RegistryRefusal } from '#registry/refusals.ts';
import { noSuchClient, oneOf, shown, withVerbs } from './client.ts';
import {
  asOption,
  type Command,
  type Given,
  type OptionRule,
  print,
  refused,
  storeOptions,
  UsageError,
  type Verbs,
} from './command.ts';
import { carefully, careOptions, dryRunOption, type Foresight, foretold } from './confirmation.ts';

interface Decision {
  readonly words: string;
  readonly summary: string;
  readonly action: string;
  readonly more?: Readonly<Record<string, OptionRule>>;
  /** A second word on the line, a number, and the field it fills. */
  readonly number?: { readonly word: string; readonly field: string };
  values?(given: Given): Readonly<Record<string, unknown>>;
  done?(outcome: Outcome): readonly string[];
  /** What it takes away, as a sentence; undefined: nothing, and nobody is asked. */
  takes?(given: Given): string | undefined;
}

const hiding = { suppress: { type: 'boolean', help: 'hide the app as well' } } as const;
const suppress = (given: Given) => ({ suppress: given.is('suppress') });

/** What was issued, for the one time it is shown. */
const issued = ({ secret, credentials, accessToken }: Outcome) => ({
  ...(secret === null ? {} : { client_secret: secret }),
  ...(credentials === null
    ? {}
    : { access_token: credentials.token, access_token_secret: credentials.secret }),
  ...(accessToken === null ? {} : { access_token: accessToken }),
});

/** What a decision would do, and how many people, tokens and calls it is about. */
async function foresee(
  verbs: Verbs,
  id: ClientId,
  { client: after }: Outcome,
  taken: string | undefined,
): Promise<Foresight> {
  const [before, impact] = [await verbs.records.findClient(id), await verbs.registry.impact(id)];
  const state = ({
    stage,
    halted,
    suppressed,
  }: Pick<Client, 'stage' | 'halted' | 'suppressed'>) => ({ stage, halted, suppressed });
  const { users, tokens, calls } = impact;
  const stages =
    before === undefined || before.stage === after.stage
      ? `is ${after.stage}`
      : `is ${before.stage}, and would be ${after.stage}`;
  return {
    facts: {
      client_id: id,
      name: after.name,
      before: before === undefined ? null : state(before),
      after: state(after),
      impact: { users, tokens, calls_last_day: calls },
    },
    lines: [
      `App ${after.name} [${after.version}] ${stages}.${taken === undefined ? '' : ` ${taken}`}`,
      `People who allow it: ${users}. Tokens that are valid: ${tokens}. Calls in the last 24 hours: ${calls}.`,
    ],
  };
}

function decision({
  words,
  summary,
  action,
  more = {},
  number,
  values,
  done,
  takes,
}: Decision): Command {
  return {
    words: `client ${words}`,
    summary,
    positionals: ['client_id', ...(number ? [number.word] : [])],
    options: {
      reason: { type: 'string', value: 'TEXT', help: 'why; the owner is told' },
      ...more,
      ...(takes ? careOptions : dryRunOption),
      ...asOption,
      ...storeOptions,
    },
    run: (given, io) =>
      withVerbs(given, io, async (verbs) => {
        const second = number && given.positional(1);
        if (second !== undefined && !/^\d{1,15}$/.test(second))
          throw new UsageError(`${number?.word} ${second} is not a number.`);
        const asked = {
          clientId: given.positional(0) as ClientId,
          reason: given.text('reason') ?? '',
          ...(number ? { [number.field]: Number(second) } : {}),
          ...values?.(given),
        };
        const taken = takes?.(given);
        const refusedWith = (refusal: RegistryRefusal) =>
          refusal.kind === 'invalid_consumer_key'
            ? noSuchClient(given, io)
            : refused(
                io,
                given,
                `nothing was changed: ${refusalLine(refusal)} See "gatehouse client show ${given.positional(0)}".`,
              );
        if (given.is('dry-run') || (taken !== undefined && io.terminal)) {
          const would = await verbs.registry.preview(verbs.operator, action, asked);
          if (!would.ok) return refusedWith(would.refusal);
          const look = () => foresee(verbs, asked.clientId, would.value, taken);
          const care =
            taken === undefined
              ? foretold(io, given, await look())
              : await carefully(given, io, look);
          if (care !== 'go on') return care;
        }
        const answer = await verbs.registry.submit(verbs.operator, action, asked);
        if (!answer.ok) return refusedWith(answer.refusal);
        const { client } = answer.value;
        const secrets = issued(answer.value);
        const lines = done?.(answer.value) ?? [`App ${client.name} is now ${client.stage}.`];
        const shownOnce = Object.entries(secrets).map(
          ([name, value]) => `${name.padEnd(20)}${value}   (shown once)`,
        );
        print(io, given, { ...shown(client), ...secrets }, [...lines, ...shownOnce]);
        return 0;
      }),
  };
}

/** What each degree of a halt takes away. */
const stopped: Readonly<Record<Halt, string | undefined>> = {
  nothing: undefined,
  consents: 'Nobody new can allow it; what was allowed keeps working.',
  tokens: 'Nobody can allow it, and its tokens stop working until "--stop nothing".',
};

const changed = ({ client }: Outcome) => [`App ${client.name} was changed.`];

/** What the operator decides about an app, with the rules of the registry and without a right. */
export const clientDecisions: readonly Command[] = [
  decision({
    words: 'approve',
    action: 'approve',
    summary: 'Approves an app that is proposed, rejected or expired.',
  }),
  decision({
    words: 'reject',
    action: 'reject',
    summary: 'Rejects a proposed app.',
    more: hiding,
    values: suppress,
    takes: () => 'Its owner is told; "gatehouse client approve" undoes it.',
  }),
  decision({
    words: 'disable',
    action: 'disable',
    summary: 'Switches an approved app off: no new consents, and its tokens stop.',
    more: hiding,
    values: suppress,
    takes: () =>
      'Nobody can allow it, and its tokens stop working until "gatehouse client reenable".',
  }),
  decision({
    words: 'reenable',
    action: 'reenable',
    summary: 'Switches a disabled app on again; its consents and tokens work again.',
  }),
  decision({
    words: 'halt',
    action: 'halt',
    summary:
      'Stops an approved app by degrees: new consents, then tokens as well; --stop nothing lets it go on.',
    more: { stop: { type: 'string', value: 'WHAT', required: true, help: halts.join(', ') } },
    values: (given) => ({ halted: oneOf(given, 'stop', halts) }),
    takes: (given) => stopped[oneOf(given, 'stop', halts) ?? 'nothing'],
    done: ({ client }) => [`Stopped of app ${client.name}: ${client.halted}.`],
  }),
  decision({
    words: 'introspector',
    action: 'set-introspector',
    summary:
      'Says whose access tokens an app may ask about: its own, or those of every app, as an API does.',
    more: { tokens: { type: 'string', value: 'WHOSE', required: true, help: 'own, all' } },
    values: (given) => ({ introspector: oneOf(given, 'tokens', ['own', 'all']) === 'all' }),
    done: ({ client }) => [
      `App ${client.name} may ask about ${client.introspector ? 'the access tokens of every app' : 'its own tokens'}.`,
    ],
  }),
  decision({
    words: 'pkce',
    action: 'set-pkce-exemption',
    summary: 'Says whether an approved confidential app has to use PKCE, or may leave it out.',
    more: { rule: { type: 'string', value: 'RULE', required: true, help: 'required, optional' } },
    values: (given) => ({
      pkceOptional: oneOf(given, 'rule', ['required', 'optional']) === 'optional',
    }),
    done: ({ client }) => [
      `App ${client.name} ${client.pkceOptional ? 'may leave PKCE out' : 'has to use PKCE'}.`,
    ],
  }),
  decision({
    words: 'reset-secret',
    action: 'update',
    summary: 'Replaces every secret of an app. An owner-only app gets a new credential, too.',
    values: () => ({ resetSecret: true }),
    takes: () =>
      'Every secret of it stops at once: whatever signs in with one is refused until it is given the new one.',
    done: changed,
  }),
  decision({
    words: 'add-secret',
    action: 'add-secret',
    summary: 'Adds a secret beside those that live.',
    more: { label: { type: 'string', value: 'TEXT', required: true, help: 'what people call it' } },
    values: (given) => ({ label: given.text('label') }),
    done: changed,
  }),
  decision({
    words: 'retire-secret',
    action: 'retire-secret',
    summary: 'Takes a secret away.',
    number: { word: 'secret_id', field: 'secretId' },
    takes: () => 'Whatever still uses this secret is refused from now on.',
    done: changed,
  }),
  decision({
    words: 'approve-revision',
    action: 'approve-revision',
    summary: 'Puts a proposed change of an app in force.',
    number: { word: 'revision_id', field: 'revisionId' },
    done: changed,
  }),
  decision({
    words: 'reject-revision',
    action: 'reject-revision',
    summary: 'Rejects a proposed change; the app stays as it is.',
    number: { word: 'revision_id', field: 'revisionId' },
    done: ({ client }) => [`The change of app ${client.name} was rejected.`],
  }),
];
