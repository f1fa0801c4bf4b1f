import { sanitizeForEmail } from '#encoding/stranger-text.ts';
import type { EncryptedSecret } from '#kernel/ids.ts';
import type { SecretBox } from '#keys/secret-box.ts';

/** What an email about an account says. Links are whole URLs. */
export type AccountEmail =
  | { readonly kind: 'register'; readonly link: string }
  | { readonly kind: 'has-account'; readonly name: string; readonly link: string }
  | { readonly kind: 'confirm-email'; readonly link: string }
  | { readonly kind: 'reset-password'; readonly name: string; readonly link: string }
  | { readonly kind: AccountChange; readonly name: string };

/** A change of an account that its person is told of. */
export type AccountChange =
  | 'password-changed'
  | 'email-changed'
  | 'passkey-added'
  | 'passkey-removed';
export type AccountEmailKind = AccountEmail['kind'];

/** Puts an email into words of a language; null or one it does not know: English. */
export type AccountEmailTemplates = (
  email: AccountEmail,
  language: string | null,
) => { readonly subject: string; readonly text: string };

/** Everything of an email that the outbox keeps encrypted: links hold secrets. */
export interface AccountEmailContent {
  readonly to: string;
  readonly language: string | null;
  readonly email: AccountEmail;
}

/** What the contents of account emails are encrypted for. */
export const ACCOUNT_EMAIL = 'account email';

export const encryptAccountEmail = (
  secretBox: SecretBox,
  content: AccountEmailContent,
): EncryptedSecret => secretBox.encrypt(JSON.stringify(content), ACCOUNT_EMAIL);

/** An email as the mail server takes it, and to whom. */
export interface RenderedAccountEmail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
}

const MAX_NAME_LENGTH = 64;

/**
 * Reads the contents of an account email and puts them into words. Throws when no key decrypts
 * them.
 */
export function renderAccountEmail(
  secretBox: SecretBox,
  templates: AccountEmailTemplates,
  encrypted: EncryptedSecret,
): RenderedAccountEmail {
  const { to, language, email } = JSON.parse(
    secretBox.decrypt(encrypted, ACCOUNT_EMAIL),
  ) as AccountEmailContent;
  const shown =
    'name' in email ? { ...email, name: sanitizeForEmail(email.name, MAX_NAME_LENGTH) } : email;
  return { to, ...templates(shown, language) };
}
