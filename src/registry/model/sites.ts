import { EVERY_SITE, type SiteId } from '#kernel/ids.ts';

/** A place whose resources a consent covers. */
export interface Site {
  readonly id: SiteId;
  /** What people read: usually its host. */
  readonly name: string;
  /** Where it is served; callbacks into it are usually a mistake. */
  readonly origin: string | null;
}

/** All places this server knows. */
export interface Sites {
  readonly all: readonly Site[];
  /** The site an identifier or a display name means, or `*`; undefined: none. */
  resolve(text: string): SiteId | undefined;
  /**
   * The name people read; undefined for `*`, where there is more than one: every site of a server
   * that has one is that one.
   */
  nameOf(id: SiteId): string | undefined;
  /** True when the URL leads to one of them, whatever its scheme. */
  containsUrl(url: URL): boolean;
}

/** Makes the list of sites. Identifiers are unique; the caller checked that. */
export function makeSites(all: readonly Site[]): Sites {
  const hosts = new Set(
    all
      .map(({ origin }) => (origin === null ? '' : (URL.parse(origin)?.host ?? '')))
      .filter((host) => host !== ''),
  );
  const nameOf = (id: SiteId) => all.find((site) => site.id === id)?.name ?? id;
  return {
    all,
    resolve: (text) =>
      text === EVERY_SITE
        ? EVERY_SITE
        : all.find(({ id, name }) => id === text || name === text)?.id,
    nameOf: (id) => (id !== EVERY_SITE ? nameOf(id) : all.length === 1 ? all[0]?.name : undefined),
    containsUrl: (url) => hosts.has(url.host),
  };
}
