/**
 * A person's browser, as small as it gets: cookies, redirects one by one, and forms found in the
 * page.
 */
export interface Page {
  readonly status: number;
  readonly url: string;
  readonly location: string | null;
  readonly text: string;
}

/** One form of a page: where it posts to and its hidden fields. */
export interface Form {
  readonly action: string;
  readonly fields: Readonly<Record<string, string>>;
}

const unescapeHtml = (text: string) =>
  text.replace(
    /&(?:amp|lt|gt|quot|#39|#x27);/g,
    (entity) => ({ '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"' })[entity] ?? "'",
  );

const attribute = (tag: string, name: string) => {
  const found = new RegExp(`\\b${name}="([^"]*)"`).exec(tag);
  return found?.[1] === undefined ? undefined : unescapeHtml(found[1]);
};

/** The form that holds a control of that name. */
export function formWith(page: Page, control: string): Form {
  for (const [form] of page.text.matchAll(/<form\b[\s\S]*?<\/form>/g)) {
    const tags = [...form.matchAll(/<(?:input|button)\b[^>]*>/g)].map(([tag]) => tag);
    if (!tags.some((tag) => attribute(tag, 'name') === control)) continue;
    const fields: Record<string, string> = {};
    for (const tag of tags) {
      const name = attribute(tag, 'name');
      if (name !== undefined && attribute(tag, 'type') === 'hidden')
        fields[name] = attribute(tag, 'value') ?? '';
    }
    return { action: new URL(attribute(form, 'action') ?? page.url, page.url).href, fields };
  }
  throw new Error(`no form with a control named ${control} on ${page.url} (status ${page.status})`);
}

export class Browser {
  readonly #cookies = new Map<string, string>();

  /** One request; a redirect is answered, not followed. */
  async go(url: string, form?: Readonly<Record<string, string>>): Promise<Page> {
    const headers: Record<string, string> = { accept: 'text/html' };
    if (this.#cookies.size > 0)
      headers.cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    if (form) headers.origin = new URL(url).origin;
    const answer = await fetch(url, {
      redirect: 'manual',
      headers,
      ...(form ? { method: 'POST', body: new URLSearchParams(form) } : {}),
    });
    for (const line of answer.headers.getSetCookie()) {
      const [pair = ''] = line.split(';');
      const [name = '', value = ''] = [
        pair.slice(0, pair.indexOf('=')),
        pair.slice(pair.indexOf('=') + 1),
      ];
      if (value === '' || /max-age=0\b/i.test(line)) this.#cookies.delete(name);
      else this.#cookies.set(name, value);
    }
    const location = answer.headers.get('location');
    return {
      status: answer.status,
      url,
      location: location === null ? null : new URL(location, url).href,
      text: await answer.text(),
    };
  }

  /**
   * Follows redirects while they stay on the server of `url`; the first answer that leaves it, or
   * is none, is returned.
   */
  async follow(url: string, form?: Readonly<Record<string, string>>): Promise<Page> {
    let page = await this.go(url, form);
    for (let hops = 0; hops < 10 && page.location !== null; hops++) {
      if (new URL(page.location).origin !== new URL(url).origin) return page;
      page = await this.go(page.location);
    }
    return page;
  }

  /** Presses a button of the form on the page. */
  async press(
    page: Page,
    button: string,
    filled: Readonly<Record<string, string>> = {},
  ): Promise<Page> {
    const form = formWith(page, button);
    return this.follow(form.action, {
      ...form.fields,
      ...filled,
      ...(filled[button] === undefined ? { [button]: '1' } : {}),
    });
  }
}
