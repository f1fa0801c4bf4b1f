import type { ClientId } from '#kernel/ids.ts';
import { OPERATOR } from '#registry/actor.ts';
import { halts } from '#registry/client.ts';
import type { Outcome } from '#registry/desk.ts';
import { refusalLine } from '#registry/refusal-words.ts';
import { noSuchClient, oneOf, shown, withVerbs } from './client.ts';
import { type Command, type Given, type OptionRule, print, refused, storeOptions, UsageError } from './command.ts';

interface Decision {
  readonly words: string;
  readonly summary: string;
  readonly action: string;
  readonly more?: Readonly<Record<string, OptionRule>>;
  /** A second word on the line, a number, and the field it fills. */
  readonly number?: { readonly word: string; readonly field: string };
  values?(given: Given): Readonly<Record<string, unknown>>;
  done?(outcome: Outcome): readonly string[];
}

const hiding = { suppress: { type: 'boolean', help: 'hide the app as well' } } as const;
const suppress = (given: Given) => ({ suppress: given.is('suppress') });

/** What was issued, for the one time it is shown. */
const issued = ({ secret, credentials, accessToken }: Outcome) => ({
  ...(secret === null ? {} : { client_secret: secret }),
  ...(credentials === null ? {} : { access_token: credentials.token, access_token_secret: credentials.secret }),
  ...(accessToken === null ? {} : { access_token: accessToken }),
});

function decision({ words, summary, action, more = {}, number, values, done }: Decision): Command {
  return {
    words: `client ${words}`,
    summary,
    positionals: ['client_id', ...(number ? [number.word] : [])],
    options: { reason: { type: 'string', value: 'TEXT', help: 'why; the owner is told' }, ...more, ...storeOptions },
    run: (given, io) =>
      withVerbs(given, io, async (verbs) => {
        const second = number && given.positional(1);
        if (second !== undefined && !/^\d{1,15}$/.test(second)) throw new UsageError(`${number?.word} ${second} is not a number.`);
        const answer = await verbs.registry.submit(OPERATOR, action, {
          clientId: given.positional(0) as ClientId,
          reason: given.text('reason') ?? '',
          ...(number ? { [number.field]: Number(second) } : {}),
          ...values?.(given),
        });
        if (!answer.ok) {
          if (answer.refusal.kind === 'invalid_consumer_key') return noSuchClient(given, io);
          return refused(
            io,
            given,
            `nothing was changed: ${refusalLine(answer.refusal)} See "gatehouse client show ${given.positional(0)}".`,
          );
        }
        const { client } = answer.value;
        const secrets = issued(answer.value);
        const lines = done?.(answer.value) ?? [`App ${client.name} is now ${client.stage}.`];
        const shownOnce = Object.entries(secrets).map(([name, value]) => `${name.padEnd(20)}${value}   (shown once)`);
        print(io, given, { ...shown(client), ...secrets }, [...lines, ...shownOnce]);
        return 0;
      }),
  };
}

const changed = ({ client }: Outcome) => [`App ${client.name} was changed.`];

/** What the operator decides about an app, with the rules of the registry and without a right. */
export const clientDecisions: readonly Command[] = [
  decision({ words: 'approve', action: 'approve', summary: 'Approves an app that is proposed, rejected or expired.' }),
  decision({ words: 'reject', action: 'reject', summary: 'Rejects a proposed app.', more: hiding, values: suppress }),
  decision({
    words: 'disable',
    action: 'disable',
    summary: 'Switches an approved app off: no new consents, and its tokens stop.',
    more: hiding,
    values: suppress,
  }),
  decision({ words: 'reenable', action: 'reenable', summary: 'Switches a disabled app on again; its consents and tokens work again.' }),
  decision({
    words: 'halt',
    action: 'halt',
    summary: 'Stops an approved app by degrees: new consents, then tokens as well; --stop nothing lets it go on.',
    more: { stop: { type: 'string', value: 'WHAT', required: true, help: halts.join(', ') } },
    values: (given) => ({ halted: oneOf(given, 'stop', halts) }),
    done: ({ client }) => [`Stopped of app ${client.name}: ${client.halted}.`],
  }),
  decision({
    words: 'introspector',
    action: 'set-introspector',
    summary: 'Says whose access tokens an app may ask about: its own, or those of every app, as an API does.',
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
    values: (given) => ({ pkceOptional: oneOf(given, 'rule', ['required', 'optional']) === 'optional' }),
    done: ({ client }) => [`App ${client.name} ${client.pkceOptional ? 'may leave PKCE out' : 'has to use PKCE'}.`],
  }),
  decision({
    words: 'reset-secret',
    action: 'update',
    summary: 'Replaces every secret of an app. An owner-only app gets a new credential, too.',
    values: () => ({ resetSecret: true }),
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
