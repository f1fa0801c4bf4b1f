import { IntlMessageFormat } from 'intl-messageformat';
import adminAr from './messages/admin.ar.json' with { type: 'json' };
import adminDe from './messages/admin.de.json' with { type: 'json' };
import adminEn from './messages/admin.en.json' with { type: 'json' };
import appsAr from './messages/apps.ar.json' with { type: 'json' };
import appsDe from './messages/apps.de.json' with { type: 'json' };
import appsEn from './messages/apps.en.json' with { type: 'json' };
import consentAr from './messages/consent.ar.json' with { type: 'json' };
import consentDe from './messages/consent.de.json' with { type: 'json' };
import consentEn from './messages/consent.en.json' with { type: 'json' };
import emailAr from './messages/email.ar.json' with { type: 'json' };
import emailDe from './messages/email.de.json' with { type: 'json' };
import emailEn from './messages/email.en.json' with { type: 'json' };
import frameAr from './messages/frame.ar.json' with { type: 'json' };
import frameDe from './messages/frame.de.json' with { type: 'json' };
import frameEn from './messages/frame.en.json' with { type: 'json' };
import helpAr from './messages/help.ar.json' with { type: 'json' };
import helpDe from './messages/help.de.json' with { type: 'json' };
import helpEn from './messages/help.en.json' with { type: 'json' };
import peopleAr from './messages/people.ar.json' with { type: 'json' };
import peopleDe from './messages/people.de.json' with { type: 'json' };
import peopleEn from './messages/people.en.json' with { type: 'json' };
import refusalAr from './messages/refusal.ar.json' with { type: 'json' };
import refusalDe from './messages/refusal.de.json' with { type: 'json' };
import refusalEn from './messages/refusal.en.json' with { type: 'json' };
import reviewAr from './messages/review.ar.json' with { type: 'json' };
import reviewDe from './messages/review.de.json' with { type: 'json' };
import reviewEn from './messages/review.en.json' with { type: 'json' };
import scopesAr from './messages/scopes.ar.json' with { type: 'json' };
import scopesDe from './messages/scopes.de.json' with { type: 'json' };
import scopesEn from './messages/scopes.en.json' with { type: 'json' };

// Every text of the pages. A key that English lacks does not compile; a language that lacks one
// fails a test.

const english = {
  ...frameEn,
  ...peopleEn,
  ...consentEn,
  ...appsEn,
  ...reviewEn,
  ...adminEn,
  ...refusalEn,
  ...helpEn,
  ...scopesEn,
  ...emailEn,
};
export type MessageKey = keyof typeof english;

/** Whether there is a message of this key. */
export const isMessageKey = (text: string): text is MessageKey => Object.hasOwn(english, text);
type Texts = Readonly<Record<string, string>>;

/** The texts by language, as they are in the files. */
export const catalogues = {
  en: english,
  de: {
    ...frameDe,
    ...peopleDe,
    ...consentDe,
    ...appsDe,
    ...reviewDe,
    ...adminDe,
    ...refusalDe,
    ...helpDe,
    ...scopesDe,
    ...emailDe,
  },
  ar: {
    ...frameAr,
    ...peopleAr,
    ...consentAr,
    ...appsAr,
    ...reviewAr,
    ...adminAr,
    ...refusalAr,
    ...helpAr,
    ...scopesAr,
    ...emailAr,
  },
} as const satisfies Readonly<Record<string, Texts>>;

export type Language = keyof typeof catalogues;
/** Languages, each by its own name. */
export const languageNames = {
  en: 'English',
  de: 'Deutsch',
  ar: 'العربية',
} as const satisfies Record<Language, string>;
export const languages = Object.keys(languageNames) as readonly Language[];

/** A note of two texts, such as `note.not-found`. */
export type NoteKey = MessageKey extends infer K
  ? K extends `note.${infer N}.title`
    ? N
    : never
  : never;
type MessageValues = Readonly<Record<string, string | number>>;

/** The words of one language. */
export interface Words {
  readonly language: Language;
  readonly direction: 'ltr' | 'rtl';
  /** A text with its values put in (ICU). The answer is plain text: templates escape it. */
  say(key: MessageKey, values?: MessageValues): string;
  /** A day in UTC, given as Unix seconds, in the form of the reader's region. */
  formatDate(at: number): string;
  /** A day and the time of it, UTC, which it says. */
  formatDateTime(at: number): string;
  formatNumber(value: number): string;
  /** "a, b and c". */
  formatList(items: readonly string[]): string;
}

/**
 * How a region writes a day and a time. Calendar and digits stay those of the language's own texts:
 * a page has one of each, and the day of an entry is the same whoever reads it.
 */
function dateFormats(
  language: Language,
  tag: string,
): Pick<Words, 'formatDate' | 'formatDateTime'> {
  const { numberingSystem } = new Intl.DateTimeFormat(language).resolvedOptions();
  const options = {
    dateStyle: 'medium',
    timeZone: 'UTC',
    calendar: 'gregory',
    numberingSystem,
  } as const;
  const day = new Intl.DateTimeFormat(tag, options);
  const time = new Intl.DateTimeFormat(tag, { ...options, timeStyle: 'short' });
  return {
    formatDate: (at) => day.format(at * 1000),
    formatDateTime: (at) => `${time.format(at * 1000)} UTC`,
  };
}

function makeWords(language: Language): Words {
  const texts = catalogues[language] as Texts;
  const compiled = new Map<string, IntlMessageFormat | string>();
  const number = new Intl.NumberFormat(language);
  const list = new Intl.ListFormat(language);
  return {
    language,
    direction: language === 'ar' ? 'rtl' : 'ltr',
    say(key, values) {
      let text = compiled.get(key);
      if (text === undefined) {
        const source = texts[key] ?? (catalogues.en as Texts)[key] ?? key;
        text = /[{<']/.test(source)
          ? new IntlMessageFormat(source, language, undefined, { ignoreTag: true })
          : source;
        compiled.set(key, text);
      }
      return typeof text === 'string' ? text : String(text.format({ ...values }));
    },
    ...dateFormats(language, language),
    formatNumber: (value) => number.format(value),
    formatList: (items) => list.format(items),
  };
}

const wordsByLanguage = new Map<Language, Words>();

/** Made when a language is asked for: a start pays for none. */
function plainWordsOf(language: Language): Words {
  const words = wordsByLanguage.get(language) ?? makeWords(language);
  wordsByLanguage.set(language, words);
  return words;
}

const regionalWords = new Map<string, Words>();

/**
 * The words of a language, with dates as a region of it writes them: `GB`, as in `en-GB`; null: as
 * the language does.
 */
export function wordsOf(language: Language, region: string | null = null): Words {
  const plain = plainWordsOf(language);
  // No more tags than these can be asked for, and only one that has a form of its own is made.
  if (region === null || !/^(?:[A-Z]{2}|\d{3})$/.test(region)) return plain;
  const tag = `${language}-${region}`;
  const known = regionalWords.get(tag);
  if (known !== undefined) return known;
  const hasRegionalFormat = new Intl.DateTimeFormat(tag).resolvedOptions().locale === tag;
  const words = hasRegionalFormat ? { ...plain, ...dateFormats(language, tag) } : plain;
  regionalWords.set(tag, words);
  return words;
}

/** The language of a tag such as `de-AT`; undefined: there are no texts in it. */
export function languageOf(tag: string | undefined): Language | undefined {
  const primary = tag?.trim().toLowerCase().split(/[-_]/, 1)[0];
  return languages.find((language) => language === primary);
}

/** The region of a tag such as `en-GB` or `de-Latn-CH` (BCP 47); null: none. */
const regionOf = (tag: string): string | null =>
  /^[a-z]{2,3}(?:-[a-z]{4})?-([a-z]{2}|\d{3})(?:-|$)/i.exec(tag)?.[1]?.toUpperCase() ?? null;

/** What a browser accepts of our languages, best first (RFC 9110 §12.5.4). */
const parseAcceptLanguage = (header: string | undefined) =>
  (header ?? '')
    .slice(0, 500)
    .split(',')
    .map((part, index) => {
      const [tag = '', ...parameters] = part.split(';').map((piece) => piece.trim());
      const quality = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
      return {
        language: languageOf(tag),
        region: regionOf(tag),
        weight: quality === undefined ? 1 : Number(quality) || 0,
        index,
      };
    })
    .filter(({ language, weight }) => language !== undefined && weight > 0)
    .sort((one, other) => other.weight - one.weight || one.index - other.index);

/** The best of the languages that a browser accepts and there are texts in. */
export const acceptedLanguage = (header: string | undefined): Language | undefined =>
  parseAcceptLanguage(header)[0]?.language;

/** The region that a browser names first with a language; null: none. */
export const acceptedRegion = (header: string | undefined, language: Language): string | null =>
  parseAcceptLanguage(header).find((one) => one.language === language && one.region !== null)
    ?.region ?? null;

/** The two texts of a note. */
export const noteTexts = (
  words: Words,
  note: NoteKey,
  values?: MessageValues,
): { readonly title: string; readonly text: string } => ({
  title: words.say(`note.${note}.title` as MessageKey, values),
  text: words.say(`note.${note}.text` as MessageKey, values),
});
