import { sanitizeForEmail, toSingleLine } from '#encoding/stranger-text.ts';
import type { NotificationFacts } from './notification.ts';

/** Who speaks, and where apps are shown. */
export interface NotificationSender {
  readonly issuer: string;
  readonly siteName: string;
}

/**
 * What happened, by event: a headline, and a sentence. `app` and `who` are quoted already; `who`
 * begins the sentence.
 */
type EmailTemplate = readonly [
  headline: string,
  sentence: (app: string, who: string) => string,
  after?: string,
];

export const emailTemplates: Readonly<Record<string, EmailTemplate>> = {
  propose: ['New app to review', (app, who) => `${who} proposed ${app}.`, 'It waits for a review.'],
  update: ['App changed', (app, who) => `${who} changed ${app}.`],
  revise: [
    'Change to review',
    (app, who) => `${who} proposed a change of ${app}.`,
    'The app keeps working as it is until a review.',
  ],
  'propose-autoapproved': [
    'New app',
    (app, who) => `${who} registered ${app}.`,
    'A rule of the operator approved it.',
  ],
  'create-owner-only': [
    'New app',
    (app, who) => `${who} registered ${app}.`,
    'Only its owner can use it.',
  ],
  'revise-autoapproved': [
    'App changed',
    (app, who) => `${who} changed ${app}.`,
    'A rule of the operator approved the change.',
  ],
  narrow: ['App changed', (app, who) => `${who} took rights away from ${app}.`],
  'withdraw-revision': [
    'Change withdrawn',
    (app, who) => `${who} withdrew the proposed change of ${app}.`,
  ],
  'first-approval': [
    'First approval',
    (app, who) => `${who} approved ${app}.`,
    'A second reviewer has to approve it too.',
  ],
  'first-approval-of-revision': [
    'First approval of a change',
    (app, who) => `${who} approved the change of ${app}.`,
    'A second reviewer has to approve it too.',
  ],
  'first-yes-to-resuming': [
    'First approval to undo a stop',
    (app, who) => `${who} approved that ${app} goes on.`,
    'A second reviewer has to approve it too.',
  ],
  'first-yes-to-pkce-exemption': [
    'First approval of a PKCE exemption',
    (app, who) => `${who} approved that ${app} may leave PKCE out.`,
    'A second reviewer has to approve it too.',
  ],
  approve: ['App approved', (app, who) => `${who} approved ${app}.`],
  'approve-revision': [
    'Change approved',
    (app, who) => `${who} approved the change of ${app}.`,
    'It is in force now.',
  ],
  reject: ['App rejected', (app, who) => `${who} rejected ${app}.`],
  'reject-revision': [
    'Change rejected',
    (app, who) => `${who} rejected the change of ${app}.`,
    'The app keeps working as it was.',
  ],
  expire: [
    'Proposal expired',
    (app) => `Nobody decided on ${app} for a long time, so its proposal has expired.`,
  ],
  disable: [
    'App disabled',
    (app, who) => `${who} disabled ${app}.`,
    'Nobody can use it until it is enabled again.',
  ],
  reenable: ['App enabled again', (app, who) => `${who} enabled ${app} again.`],
  halt: [
    'App stopped in part, or let go on',
    (app, who) => `${who} changed how far ${app} is stopped.`,
    'The page of the app shows how far.',
  ],
  'set-introspector': [
    'Introspection changed',
    (app, who) => `${who} changed whose tokens ${app} may ask about.`,
    'The page of the app shows what holds.',
  ],
  'set-pkce-exemption': [
    'PKCE exemption changed',
    (app, who) => `${who} changed whether ${app} may leave PKCE out.`,
    'The page of the app shows what holds.',
  ],
  'add-secret': ['New secret', (app, who) => `${who} added a secret to ${app}.`],
  'retire-secret': ['Secret removed', (app, who) => `${who} removed a secret of ${app}.`],
  invite: [
    'Invitation',
    (app, who) => `${who} invites you to help look after ${app}.`,
    'You can accept on the page of the app.',
  ],
  join: ['New maintainer', (app, who) => `${who} now helps look after ${app}.`],
  leave: [
    'Maintainer left',
    (app, who) => `${who} changed who looks after ${app}: one person less.`,
  ],
  offer: [
    'Offer of an app',
    (app, who) => `${who} offers you ${app}.`,
    'If you accept, you become its owner. You can answer on the page of the app.',
  ],
  'accept-offer': [
    'New owner',
    (app, who) => `${who} is now the owner of ${app}.`,
    'The secrets of the owner before end. An app whose permissions need two reviewers waits for them again.',
  ],
  'decline-offer': ['Offer ended', (app, who) => `${who} ended the offer of ${app}.`],
};

/** A name, marked as one that somebody chose. */
const quoted = (name: string): string => `"${sanitizeForEmail(name) || 'without a name'}"`;

/** Where people see the app of a notice. */
export const appPageUrl = (facts: NotificationFacts, issuer: string): string =>
  `${issuer}/apps/${encodeURIComponent(facts.client.id)}`;

/**
 * Subject and text of a letter. Names and reasons are strangers' words: each is quoted, says whose
 * it is, and holds no link.
 */
export function renderNotificationEmail(
  facts: NotificationFacts,
  { issuer, siteName }: NotificationSender,
): { readonly subject: string; readonly text: string } {
  const name = quoted(facts.client.name);
  const who = facts.actor === null ? 'The operator' : quoted(facts.actor);
  const site = toSingleLine(siteName);
  const [headline, sentence, after] = Object.hasOwn(emailTemplates, facts.event)
    ? (emailTemplates[facts.event] as EmailTemplate)
    : ([
        'App changed',
        (app: string) => `Something changed about ${app}: ${sanitizeForEmail(facts.event)}.`,
      ] as const);
  const reason = sanitizeForEmail(facts.reason);
  const paragraphs = [
    [
      sentence(`the app ${name} (version ${sanitizeForEmail(facts.client.version)})`, who),
      ...(after ? [after] : []),
    ],
    [
      ...(facts.owner === null ? [] : [`Owner: ${quoted(facts.owner)}`]),
      `When: ${new Date(facts.at * 1000).toISOString().slice(0, 16).replace('T', ' ')} UTC`,
    ],
    ...(reason === '' ? [] : [[`${who} gave this reason, in their own words:`, `> ${reason}`]]),
    ['The app is here:', appPageUrl(facts, issuer)],
    [`This message comes from ${site}, where you have an account. No answer is needed.`],
  ];
  return {
    subject: `[${site}] ${headline}: ${name}`,
    text: `${paragraphs.map((lines) => lines.join('\n')).join('\n\n')}\n`,
  };
}
