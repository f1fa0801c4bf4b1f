import type { ClientId } from '#kernel/ids.ts';
import type { CommandServices } from '#operations/command-services.ts';
import type { ActionOutcome } from '#registry/actions/context.ts';
import { type Client, type Suspension, suspensions } from '#registry/model/client.ts';
import { refusalForTerminal } from '#registry/refusal-texts.ts';
import type { RegistryRefusal } from '#registry/refusals.ts';
import { clientSummary, printNoSuchClient } from './client-summary.ts';
import {
  actorOption,
  type Command,
  choiceOption,
  type Io,
  type OptionDefinition,
  type ParsedArguments,
  printRefusal,
  printResult,
  storeOptions,
  UsageError,
} from './command.ts';
import { type CommandName, describe } from './command-list.ts';
import {
  type ChangePreview,
  confirmationOptions,
  confirmChange,
  dryRunOption,
  printDryRun,
} from './confirmation.ts';
import { withServices } from './with-services.ts';

interface DecisionCommand {
  readonly words: CommandName;
  readonly action: string;
  readonly extraOptions?: Readonly<Record<string, OptionDefinition>>;
  /** A second word on the line, a number, and the field it fills. */
  readonly secondArgument?: { readonly word: string; readonly field: string };
  values?(args: ParsedArguments): Readonly<Record<string, unknown>>;
  resultLines?(outcome: ActionOutcome): readonly string[];
  /** What it takes away, as a sentence; undefined: nothing, and nobody is asked. */
  consequence?(args: ParsedArguments): string | undefined;
}

const suppressOption = { suppress: { type: 'boolean', help: 'hide the app as well' } } as const;
const suppressValue = (args: ParsedArguments) => ({ suppress: args.isSet('suppress') });

/** What was issued, for the one time it is shown. */
const issuedSecrets = ({ secret, credentials, accessToken }: ActionOutcome) => ({
  ...(secret === null ? {} : { client_secret: secret }),
  ...(credentials === null
    ? {}
    : { access_token: credentials.token, access_token_secret: credentials.secret }),
  ...(accessToken === null ? {} : { access_token: accessToken }),
});

/** What a decision would do, and how many people, tokens and calls it is about. */
async function previewDecision(
  services: CommandServices,
  id: ClientId,
  { client: after }: ActionOutcome,
  consequenceText: string | undefined,
): Promise<ChangePreview> {
  const [before, impact] = [
    await services.query.findClient(id),
    await services.registry.impact(id),
  ];
  const state = ({
    stage,
    suspension,
    suppressed,
  }: Pick<Client, 'stage' | 'suspension' | 'suppressed'>) => ({ stage, suspension, suppressed });
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
      `App ${after.name} [${after.version}] ${stages}.${consequenceText === undefined ? '' : ` ${consequenceText}`}`,
      `People who allow it: ${users}. Tokens that are valid: ${tokens}. Calls in the last 24 hours: ${calls}.`,
    ],
  };
}

/**
 * What the arguments ask the registry to do. Throws UsageError when the second word is no number.
 */
function submissionOf({ secondArgument, values }: DecisionCommand, args: ParsedArguments) {
  const second = secondArgument && args.positional(1);
  if (second !== undefined && !/^\d{1,15}$/.test(second))
    throw new UsageError(`${secondArgument?.word} ${second} is not a number.`);
  return {
    clientId: args.positional(0) as ClientId,
    reason: args.value('reason') ?? '',
    ...(secondArgument ? { [secondArgument.field]: Number(second) } : {}),
    ...values?.(args),
  };
}

/** What was done, with the secrets that are shown this one time. */
function printOutcome(
  args: ParsedArguments,
  io: Io,
  outcome: ActionOutcome,
  resultLines: DecisionCommand['resultLines'],
): 0 {
  const { client } = outcome;
  const secrets = issuedSecrets(outcome);
  printResult(io, args, { ...clientSummary(client), ...secrets }, [
    ...(resultLines?.(outcome) ?? [`App ${client.name} is now ${client.stage}.`]),
    ...Object.entries(secrets).map(([name, value]) => `${name.padEnd(20)}${value}   (shown once)`),
  ]);
  return 0;
}

function decisionCommand(decision: DecisionCommand): Command {
  const { words, action, extraOptions = {}, secondArgument, resultLines, consequence } = decision;
  return {
    ...describe(words),
    positionals: ['client_id', ...(secondArgument ? [secondArgument.word] : [])],
    options: {
      reason: { type: 'string', value: 'TEXT', help: 'why; the owner is told' },
      ...extraOptions,
      ...(consequence ? confirmationOptions : dryRunOption),
      ...actorOption,
      ...storeOptions,
    },
    run: (args, io) =>
      withServices(args, io, async (services) => {
        const submission = submissionOf(decision, args);
        const consequenceText = consequence?.(args);
        const refuseBecause = (refusal: RegistryRefusal) =>
          refusal.kind === 'invalid_consumer_key'
            ? printNoSuchClient(args, io)
            : printRefusal(
                io,
                args,
                `nothing was changed: ${refusalForTerminal(refusal)} See "gatehouse client show ${args.positional(0)}".`,
              );
        if (args.isSet('dry-run') || (consequenceText !== undefined && io.isInteractive)) {
          const preview = await services.registry.preview(services.operator, action, submission);
          if (!preview.ok) return refuseBecause(preview.refusal);
          const loadPreview = () =>
            previewDecision(services, submission.clientId, preview.value, consequenceText);
          const outcome =
            consequenceText === undefined
              ? printDryRun(io, args, await loadPreview())
              : await confirmChange(args, io, loadPreview);
          if (outcome !== 'proceed') return outcome;
        }
        const answer = await services.registry.submit(services.operator, action, submission);
        if (!answer.ok) return refuseBecause(answer.refusal);
        return printOutcome(args, io, answer.value, resultLines);
      }),
  };
}

/** What each degree of a suspension takes away. */
const suspensionConsequences: Readonly<Record<Suspension, string | undefined>> = {
  none: undefined,
  'new-consents': 'Nobody new can allow it; what was allowed keeps working.',
  all: 'Nobody can allow it, and its tokens stop working until "--stop none".',
};

const changedLines = ({ client }: ActionOutcome) => [`App ${client.name} was changed.`];

/** What the operator decides about an app, with the rules of the registry and without a right. */
export const clientDecisions: readonly Command[] = [
  decisionCommand({
    words: 'client approve',
    action: 'approve',
  }),
  decisionCommand({
    words: 'client reject',
    action: 'reject',
    extraOptions: suppressOption,
    values: suppressValue,
    consequence: () => 'Its owner is told; "gatehouse client approve" undoes it.',
  }),
  decisionCommand({
    words: 'client disable',
    action: 'disable',
    extraOptions: suppressOption,
    values: suppressValue,
    consequence: () =>
      'Nobody can allow it, and its tokens stop working until "gatehouse client reenable".',
  }),
  decisionCommand({
    words: 'client reenable',
    action: 'reenable',
  }),
  decisionCommand({
    words: 'client halt',
    action: 'halt',
    extraOptions: {
      stop: { type: 'string', value: 'WHAT', required: true, help: suspensions.join(', ') },
    },
    values: (args) => ({ suspension: choiceOption(args, 'stop', suspensions) }),
    consequence: (args) =>
      suspensionConsequences[choiceOption(args, 'stop', suspensions) ?? 'none'],
    resultLines: ({ client }) => [`Stopped of app ${client.name}: ${client.suspension}.`],
  }),
  decisionCommand({
    words: 'client introspector',
    action: 'set-introspector',
    extraOptions: { tokens: { type: 'string', value: 'WHOSE', required: true, help: 'own, all' } },
    values: (args) => ({ introspector: choiceOption(args, 'tokens', ['own', 'all']) === 'all' }),
    resultLines: ({ client }) => [
      `App ${client.name} may ask about ${client.introspector ? 'the access tokens of every app' : 'its own tokens'}.`,
    ],
  }),
  decisionCommand({
    words: 'client pkce',
    action: 'set-pkce-exemption',
    extraOptions: {
      rule: { type: 'string', value: 'RULE', required: true, help: 'required, optional' },
    },
    values: (args) => ({
      pkceOptional: choiceOption(args, 'rule', ['required', 'optional']) === 'optional',
    }),
    resultLines: ({ client }) => [
      `App ${client.name} ${client.pkceOptional ? 'may leave PKCE out' : 'has to use PKCE'}.`,
    ],
  }),
  decisionCommand({
    words: 'client reset-secret',
    action: 'update',
    values: () => ({ resetSecret: true }),
    consequence: () =>
      'Every secret of it stops at once: whatever signs in with one is refused until it is given the new one.',
    resultLines: changedLines,
  }),
  decisionCommand({
    words: 'client add-secret',
    action: 'add-secret',
    extraOptions: {
      label: { type: 'string', value: 'TEXT', required: true, help: 'what people call it' },
    },
    values: (args) => ({ label: args.value('label') }),
    resultLines: changedLines,
  }),
  decisionCommand({
    words: 'client retire-secret',
    action: 'retire-secret',
    secondArgument: { word: 'secret_id', field: 'secretId' },
    consequence: () => 'Whatever still uses this secret is refused from now on.',
    resultLines: changedLines,
  }),
  decisionCommand({
    words: 'client approve-revision',
    action: 'approve-revision',
    secondArgument: { word: 'revision_id', field: 'revisionId' },
    resultLines: changedLines,
  }),
  decisionCommand({
    words: 'client reject-revision',
    action: 'reject-revision',
    secondArgument: { word: 'revision_id', field: 'revisionId' },
    resultLines: ({ client }) => [`The change of app ${client.name} was rejected.`],
  }),
];
