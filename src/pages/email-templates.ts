import type { AccountEmailTemplates } from '#accounts/account-emails.ts';
import { sanitizeForEmail, toSingleLine } from '#encoding/stranger-text.ts';
import { appPageUrl, type NotificationFacts } from '#registry/notifications/notification.ts';
import { catalogues, languageOf, type MessageKey, type Words, wordsOf } from './words.ts';

// Emails in the reader's language: plain text, and English where the language is not known.

interface EmailText {
  readonly subject: string;
  readonly text: string;
}

const wordsFor = (language: string | null): Words =>
  wordsOf(languageOf(language ?? undefined) ?? 'en');

const joinParagraphs = (paragraphs: readonly string[]): string => `${paragraphs.join('\n\n')}\n`;

/** Emails about accounts. Names come as they may stand in an email (`sanitizeForEmail`). */
export const accountEmailTemplates =
  (siteName: string): AccountEmailTemplates =>
  (email, language) => {
    const words = wordsFor(language);
    const values = {
      site: toSingleLine(siteName),
      name: 'name' in email ? email.name : '',
      link: 'link' in email ? `\n\n${email.link}\n\n` : '',
    };
    const paragraphs = [
      words.say(`email.account.${email.kind}.text`, values),
      words.say('email.account-end', values),
    ];
    return {
      subject: `[${values.site}] ${words.say(`email.account.${email.kind}.subject`)}`,
      text: joinParagraphs(
        paragraphs
          .flatMap((text) => text.split('\n\n').map((part) => part.trim()))
          .filter((part) => part !== ''),
      ),
    };
  };

/** Who speaks, and where apps are shown. */
export interface NotificationSender {
  readonly issuer: string;
  readonly siteName: string;
}

/**
 * A name, marked as one that somebody chose. Between texts that run the other way it is kept
 * together, so that a name in Latin letters does not move the words around it.
 */
function quoteName(words: Words, name: string): string {
  const shown = sanitizeForEmail(name) || words.say('email.without-name');
  return words.direction === 'rtl' ? `"\u2068${shown}\u2069"` : `"${shown}"`;
}

/** The event whose texts are used: its own, or the one for events without texts. */
function textsOf(event: string): `email.app.${'approve' | 'other'}` {
  const key = `email.app.${event}`;
  return (Object.hasOwn(catalogues.en, `${key}.text`) ? key : 'email.app.other') as never;
}

/**
 * Subject and text of an email about an app. Names and reasons are strangers' words: each is
 * quoted, says whose it is, and holds no link.
 */
export function renderNotificationEmail(
  facts: NotificationFacts,
  { issuer, siteName }: NotificationSender,
  language: string | null = null,
): EmailText {
  const words = wordsFor(language);
  const site = toSingleLine(siteName);
  const name = quoteName(words, facts.client.name);
  const who = facts.actor === null ? words.say('email.operator') : quoteName(words, facts.actor);
  const version = sanitizeForEmail(facts.client.version);
  const values = {
    who,
    app: words.say('email.app-name', { name, version }),
    event: sanitizeForEmail(facts.event),
  };
  const texts = textsOf(facts.event);
  const reason = sanitizeForEmail(facts.reason);
  const time = new Date(facts.at * 1000).toISOString().slice(0, 16).replace('T', ' ');
  const owner =
    facts.owner === null
      ? []
      : [words.say('email.owner', { owner: quoteName(words, facts.owner) })];
  return {
    subject: `[${site}] ${words.say(`${texts}.subject`)}: ${name}`,
    text: joinParagraphs([
      words.say(`${texts}.text` satisfies MessageKey, values),
      [...owner, words.say('email.when', { time })].join('\n'),
      ...(reason === '' ? [] : [`${words.say('email.reason', { who })}\n> ${reason}`]),
      `${words.say('email.link')}\n${appPageUrl(facts, issuer)}`,
      words.say('email.app-end', { site }),
    ]),
  };
}
