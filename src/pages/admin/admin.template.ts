import { html } from 'hono/html';
import { truncateText } from '../audit-table.ts';
import { bidiIsolate, descriptionList, messageWithHtml, timeElement } from '../components.ts';
import type { Frame, Html } from '../frame.ts';
import { layout } from '../layout.ts';
import { type ScopeGroups, scopeTables } from '../scopes.ts';
import type { MessageKey, Words } from '../words.ts';

const adminPages = [
  ['/admin', 'admin.title'],
  ['/admin/people', 'admin.people'],
  ['/admin/groups', 'admin.groups'],
  ['/admin/scopes', 'admin.scopes'],
  ['/admin/audit', 'admin.audit'],
] as const satisfies readonly (readonly [string, MessageKey])[];

/** The way through the pages of administration; nothing for reviewers who are no administrators. */
export const adminNav = (
  { words, user }: Frame,
  currentPath: (typeof adminPages)[number][0] | null,
): Html =>
  user?.mayAdminister
    ? html`<nav aria-label="${words.say('admin.menu')}"><ul class="tabs">${adminPages
        .filter(([path]) => path !== '/admin/audit' || user.mayReview)
        .map(
          ([path, key]) =>
            html`<li><a href="${path}"${path === currentPath ? html` aria-current="page"` : ''}>${words.say(key)}</a></li>`,
        )}</ul></nav>`
    : html``;

/** How many notices are in a state, as far as they were counted. */
export interface PartialCount {
  readonly count: number;
  readonly isLowerBound: boolean;
}

export interface OverviewView {
  readonly version: string;
  readonly startedAt: number;
  /** Bytes of the write-ahead log; null: there is none here. */
  readonly walBytes: number | null;
  /** Seconds since then. */
  readonly uptimeSeconds: number;
  readonly storeReachable: boolean;
  /** Seconds by which this node's clock is off; null: it agrees. */
  readonly clockSkewSeconds: number | null;
  /** What expired is deleted at present. */
  readonly isPurging: boolean;
  readonly keys: readonly { readonly kid: string; readonly algorithm: string }[];
  readonly readOnly: string | null;
  /** Seconds; null: idle proposals never expire. */
  readonly idleProposalTtlSeconds: number | null;
  readonly mailEnabled: boolean;
  readonly webhooks: readonly string[];
  readonly pendingNotifications: PartialCount & { readonly oldestAt: number | null };
  readonly failedNotifications: PartialCount;
  readonly lastDeliveryProblem: {
    readonly at: number;
    readonly text: string;
    readonly to: string;
  } | null;
  readonly accountCount: number;
  readonly blockedAccountCount: number;
  readonly pendingReviews: number;
  /**
   * What an operator should look at. `seen`: how often traffic showed it, and when last; null: it
   * stands in the settings or on the disk.
   */
  readonly warnings: readonly {
    readonly kind: WarningKind;
    readonly about: string;
    readonly seen: { readonly times: number; readonly lastAt: number } | null;
  }[];
}

/** Kinds of warnings, each with a text of its own. */
export type WarningKind =
  Extract<MessageKey, `admin.warning.${string}`> extends `admin.warning.${infer Kind}`
    ? Kind
    : never;

const warningsCard = ({ words }: Frame, view: OverviewView): Html =>
  view.warnings.length === 0
    ? html``
    : html`<section class="card advice"><h2>${words.say('admin.warnings')}</h2><p>${words.say('admin.warnings-intro')}</p><ul>${view.warnings.map(
        ({ kind, about, seen }) =>
          html`<li>${words.say(`admin.warning.${kind}`)} <bdi dir="ltr"><code>${about}</code></bdi>${
            seen === null
              ? ''
              : html` <span class="quiet">(${messageWithHtml(words, 'admin.warning-seen', { count: seen.times, at: timeElement(words, seen.lastAt) })})</span>`
          }</li>`,
      )}</ul></section>`;

/** From this size on somebody reads the database all the time, and the log cannot be cut back. */
const LARGE_WAL_BYTES = 512 * 1_048_576;

const walSize = (words: Words, bytes: number): Html => {
  const size = words.say('admin.mebibytes', {
    size: words.formatNumber(Math.ceil(bytes / 1_048_576)),
  });
  return bytes > LARGE_WAL_BYTES
    ? html`<span class="badge bad">${size}</span> ${words.say('admin.log-large')}`
    : html`${size}`;
};

const formatDuration = (words: Words, seconds: number): string => {
  const [days, hours, minutes] = [
    Math.floor(seconds / 86_400),
    Math.floor((seconds % 86_400) / 3600),
    Math.floor((seconds % 3600) / 60),
  ];
  return days > 0
    ? words.say('admin.span-days', { days, hours })
    : words.say('admin.span-hours', { hours, minutes });
};

const goodBadge = (words: Words, key: MessageKey): Html =>
  html`<span class="badge good">${words.say(key)}</span>`;
const badBadge = (words: Words, key: MessageKey): Html =>
  html`<span class="badge bad">${words.say(key)}</span>`;

const clockRow = (
  words: Words,
  { clockSkewSeconds, isPurging }: Pick<OverviewView, 'clockSkewSeconds' | 'isPurging'>,
): Html =>
  html`${
    clockSkewSeconds === null
      ? goodBadge(words, 'admin.clock-agrees')
      : html`<span class="badge bad">${words.say('admin.clock-apart', { seconds: words.formatNumber(clockSkewSeconds) })}</span>`
  }${isPurging ? '' : html` <span class="quiet">${words.say('admin.clock-holds')}</span>`}`;

/** How the server is. */
export function overviewPage(frame: Frame, view: OverviewView): Html {
  const { words } = frame;
  const formatCount = ({ count, isLowerBound }: PartialCount) =>
    isLowerBound ? words.say('admin.at-least', { count }) : words.formatNumber(count);
  const section = (key: MessageKey, rows: Parameters<typeof descriptionList>[0]) =>
    html`<section class="card"><h2>${words.say(key)}</h2>${descriptionList(rows)}</section>`;
  const { lastDeliveryProblem: problem } = view;
  return layout(
    frame,
    words.say('admin.title'),
    html`${adminNav(frame, '/admin')}
${view.readOnly === null ? '' : html`<p class="advice">${words.say('admin.read-only', { reason: view.readOnly })}</p>`}
${warningsCard(frame, view)}
<div class="columns">
${section('admin.server', [
  [words.say('admin.version'), view.version],
  [
    words.say('admin.up'),
    html`${formatDuration(words, view.uptimeSeconds)} <span class="quiet">(${timeElement(words, view.startedAt)})</span>`,
  ],
  [
    words.say('admin.store'),
    view.storeReachable
      ? goodBadge(words, 'admin.reachable')
      : badBadge(words, 'admin.unreachable'),
  ],
  ...(view.walBytes === null
    ? []
    : [[words.say('admin.log'), walSize(words, view.walBytes)] as const]),
  [words.say('admin.clock'), clockRow(words, view)],
  [
    words.say('admin.keys'),
    view.keys.length === 0
      ? badBadge(words, 'admin.no-keys')
      : html`<ul>${view.keys.map(({ kid, algorithm }) => html`<li>${algorithm} <code>${kid}</code></li>`)}</ul>`,
  ],
  [
    words.say('admin.writing'),
    view.readOnly === null
      ? goodBadge(words, 'admin.writing-on')
      : badBadge(words, 'admin.writing-off'),
  ],
  [
    words.say('admin.idle'),
    view.idleProposalTtlSeconds === null
      ? words.say('frame.never')
      : formatDuration(words, view.idleProposalTtlSeconds),
  ],
])}
${section('admin.notices', [
  [
    words.say('admin.mail'),
    view.mailEnabled ? goodBadge(words, 'admin.mail-on') : badBadge(words, 'admin.mail-off'),
  ],
  [
    words.say('admin.webhooks'),
    view.webhooks.length === 0 ? words.say('review.nothing') : words.formatList(view.webhooks),
  ],
  [
    words.say('admin.notices-waiting'),
    html`${formatCount(view.pendingNotifications)}${
      view.pendingNotifications.oldestAt === null
        ? ''
        : html` <span class="quiet">${messageWithHtml(words, 'admin.notices-oldest', { at: timeElement(words, view.pendingNotifications.oldestAt) })}</span>`
    }`,
  ],
  [words.say('admin.notices-given-up'), formatCount(view.failedNotifications)],
  [
    words.say('admin.last-problem'),
    problem === null
      ? words.say('review.nothing')
      : html`${bidiIsolate(truncateText(problem.text, 200))}<br><span class="quiet">${problem.to} · ${timeElement(words, problem.at)}</span>`,
  ],
])}
${section('admin.people', [
  [
    words.say('admin.people-all'),
    html`<a href="/admin/people">${words.formatNumber(view.accountCount)}</a>`,
  ],
  [
    words.say('admin.people-blocked'),
    html`<a href="/admin/people?blocked=yes">${words.formatNumber(view.blockedAccountCount)}</a>`,
  ],
])}
${section('frame.review', [[words.say('admin.reviews'), frame.user?.mayReview ? html`<a href="/review">${words.formatNumber(view.pendingReviews)}</a>` : words.formatNumber(view.pendingReviews)]])}
</div>`,
    { wide: true },
  );
}

export interface GroupView {
  readonly name: string;
  readonly rights: readonly string[];
  readonly implicit: boolean;
  /** People put into it; null: everybody is in it. */
  readonly people: number | null;
}

/** Groups and their rights, as the operator configured them. */
export function groupsPage(frame: Frame, groups: readonly GroupView[]): Html {
  const { words } = frame;
  return layout(
    frame,
    words.say('admin.groups'),
    html`${adminNav(frame, '/admin/groups')}<p>${words.say('admin.groups-about')}</p>
<table><caption>${words.say('admin.groups')}</caption><thead><tr><th scope="col">${words.say('admin.group')}</th><th scope="col">${words.say('admin.members')}</th><th scope="col">${words.say('admin.rights')}</th></tr></thead>
<tbody>${groups.map(
      ({ name, rights, people }) => html`<tr><th scope="row">${bidiIsolate(name)}</th>
<td data-label="${words.say('admin.members')}">${
        people === null
          ? words.say(name === '*' ? 'admin.everybody' : 'admin.everybody-signed-in')
          : html`<a href="/admin/people?group=${encodeURIComponent(name)}">${words.formatNumber(people)}</a>`
      }</td>
<td data-label="${words.say('admin.rights')}"><bdi dir="ltr">${rights.map((right, index) => html`${index === 0 ? '' : ', '}<code>${right}</code>`)}</bdi></td></tr>`,
    )}</tbody></table>`,
    { wide: true },
  );
}

export interface ScopesView {
  readonly groups: ScopeGroups;
  readonly sites: readonly {
    readonly id: string;
    readonly name: string;
    readonly origin: string | null;
  }[];
}

/** Scopes and sites, as the operator configured them. */
export function scopesPage(frame: Frame, { groups, sites }: ScopesView): Html {
  const { words } = frame;
  const column = (key: MessageKey) => html`<th scope="col">${words.say(key)}</th>`;
  return layout(
    frame,
    words.say('admin.scopes'),
    html`${adminNav(frame, '/admin/scopes')}<p>${words.say('admin.scopes-about')}</p>
${scopeTables(words, groups)}
<h2>${words.say('admin.sites')}</h2><table><thead><tr>${column('admin.site')}${column('admin.site-name')}${column('admin.origin')}</tr></thead>
<tbody>${sites.map(
      ({
        id,
        name,
        origin,
      }) => html`<tr><th scope="row"><code>${id}</code></th><td data-label="${words.say('admin.site-name')}">${bidiIsolate(name)}</td>
<td data-label="${words.say('admin.origin')}">${origin === null ? words.say('review.nothing') : html`<bdi dir="ltr"><code>${origin}</code></bdi>`}</td></tr>`,
    )}</tbody></table>`,
    { wide: true },
  );
}
