import type { EmailTemplates } from '#accounts/emails.ts';
import { languageOf, wordsOf } from './words.ts';

/**
 * Letters about accounts, in the reader's language. Names come as they may stand in a letter
 * (`strangerText`).
 */
export const emailTemplates =
  (siteName: string): EmailTemplates =>
  (message, language) => {
    const words = wordsOf(languageOf(language ?? undefined) ?? 'en');
    const values = {
      site: siteName.replace(/\s+/g, ' '),
      name: 'name' in message ? message.name : '',
      link: 'link' in message ? `\n\n${message.link}\n\n` : '',
    };
    const paragraphs = [
      words.say(`letter.${message.kind}.text`, values),
      words.say('letter.end', values),
    ];
    return {
      subject: `[${values.site}] ${words.say(`letter.${message.kind}.subject`)}`,
      text: `${paragraphs
        .flatMap((text) => text.split('\n\n').map((part) => part.trim()))
        .filter((part) => part !== '')
        .join('\n\n')}\n`,
    };
  };
