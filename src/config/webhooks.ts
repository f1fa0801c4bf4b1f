import type { StructuredConfig } from './file.ts';

/** A webhook of the configuration with its secrets read. */
export interface Webhook {
  readonly name: string;
  readonly url: string;
  readonly secret: string;
  /**
   * The secret before this one, under which notices are signed as well until the receiver knows the
   * new one.
   */
  readonly previousSecret?: string;
}

/** What is wrong with the secrets of one webhook. */
export interface WebhookProblem {
  readonly setting: string;
  readonly remedy: string;
}

const isSecret = (text: string): boolean => /^whsec_[A-Za-z0-9+/]{32,88}={0,2}$/.test(text);

/**
 * Reads the secrets of the webhooks, from the file or from files it names; a webhook with a problem
 * is left out.
 */
export function readWebhooks(
  webhooks: StructuredConfig['notices']['webhooks'],
  readSecret: (path: string) => string,
): { readonly webhooks: readonly Webhook[]; readonly problems: readonly WebhookProblem[] } {
  const problems: WebhookProblem[] = [];
  const found = webhooks.flatMap(({ name, url, ...given }): readonly Webhook[] => {
    const setting = `notices.webhooks.${name}`;
    const problem = (remedy: string): null => {
      problems.push({ setting, remedy });
      return null;
    };
    /** Undefined: not given. Null: not good, and said. */
    const readWebhookSecret = (key: 'secret' | 'previous_secret'): string | null | undefined => {
      const path = given[`${key}_file`];
      let text = given[key];
      try {
        if (path !== undefined) text = readSecret(path).trim();
      } catch {
        problem(`a ${key}_file that can be read (${path})`);
        text = undefined;
      }
      if (text === undefined && path === undefined) return undefined;
      return text !== undefined && isSecret(text)
        ? text
        : problem(`${key} or ${key}_file: whsec_ and 24 to 64 random bytes in base64`);
    };
    const [secret, previousSecret] = [
      readWebhookSecret('secret'),
      readWebhookSecret('previous_secret'),
    ];
    if (secret === undefined)
      problem('secret or secret_file: whsec_ and 24 to 64 random bytes in base64');
    if (typeof secret !== 'string' || previousSecret === null) return [];
    if (secret === previousSecret)
      problem('a previous_secret that is another one: leave it out when nothing is exchanged');
    return [{ name, url, secret, ...(previousSecret === undefined ? {} : { previousSecret }) }];
  });
  return { webhooks: found, problems };
}
