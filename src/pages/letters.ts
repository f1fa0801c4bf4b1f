import type { LetterWords } from '#accounts/letters.ts';
import { languageOf, wordsOf } from './words.ts';

const MOST_NAME = 64;

/** A name in plain text: on one line, cut short, and nothing a mailbox would make a link or markup of. */
function plain(name: string): string {
  const shown = [...name.replace(/\s+/g, ' ')];
  return (shown.length > MOST_NAME ? `${shown.slice(0, MOST_NAME - 1).join('')}…` : name)
    .replaceAll('://', ': //')
    .replace(/\bwww\./gi, 'www .')
    .replaceAll('<', '‹')
    .replaceAll('>', '›');
}

/** Letters about accounts, in the reader's language. */
export const letterWords =
  (siteName: string): LetterWords =>
  (message, language) => {
    const words = wordsOf(languageOf(language ?? undefined) ?? 'en');
    const values = {
      site: plain(siteName),
      name: 'name' in message ? plain(message.name) : '',
      link: 'link' in message ? `\n\n${message.link}\n\n` : '',
    };
    const paragraphs = [words.say(`letter.${message.kind}.text`, values), words.say('letter.end', values)];
    return {
      subject: `[${values.site}] ${words.say(`letter.${message.kind}.subject`)}`,
      text: `${paragraphs
        .flatMap((text) => text.split('\n\n').map((part) => part.trim()))
        .filter((part) => part !== '')
        .join('\n\n')}\n`,
    };
  };
