import { html } from 'hono/html';
import {
  bidiIsolate,
  type DescriptionRows,
  descriptionList,
  messageWithHtml,
  timeElement,
  truncateText,
} from '../components.ts';
import type { Frame, Html } from '../frame.ts';
import { layout } from '../layout.ts';
import type { MessageKey, Words } from '../words.ts';
import { adminNav } from './admin-nav.template.ts';

/** How many notifications are in a state, as far as they were counted. */
export interface PartialCount {
  readonly count: number;
  readonly isLowerBound: boolean;
}

/** How the server is. */
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

const section = (words: Words, key: MessageKey, rows: DescriptionRows): Html =>
  html`<section class="card"><h2>${words.say(key)}</h2>${descriptionList(rows)}</section>`;

function serverSection(words: Words, view: OverviewView): Html {
  const uptime = html`${formatDuration(words, view.uptimeSeconds)} <span class="quiet">(${timeElement(words, view.startedAt)})</span>`;
  const keys =
    view.keys.length === 0
      ? badBadge(words, 'admin.no-keys')
      : html`<ul>${view.keys.map(({ kid, algorithm }) => html`<li>${algorithm} <code>${kid}</code></li>`)}</ul>`;
  return section(words, 'admin.server', [
    [words.say('admin.version'), view.version],
    [words.say('admin.up'), uptime],
    [
      words.say('admin.store'),
      view.storeReachable
        ? goodBadge(words, 'admin.reachable')
        : badBadge(words, 'admin.unreachable'),
    ],
    view.walBytes === null ? null : [words.say('admin.log'), walSize(words, view.walBytes)],
    [words.say('admin.clock'), clockRow(words, view)],
    [words.say('admin.keys'), keys],
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
  ]);
}

function notificationsSection(words: Words, view: OverviewView): Html {
  const formatCount = ({ count, isLowerBound }: PartialCount) =>
    isLowerBound ? words.say('admin.at-least', { count }) : words.formatNumber(count);
  const { pendingNotifications: pending, lastDeliveryProblem: problem } = view;
  const oldest =
    pending.oldestAt === null
      ? ''
      : html` <span class="quiet">${messageWithHtml(words, 'admin.notices-oldest', { at: timeElement(words, pending.oldestAt) })}</span>`;
  return section(words, 'admin.notices', [
    [
      words.say('admin.mail'),
      view.mailEnabled ? goodBadge(words, 'admin.mail-on') : badBadge(words, 'admin.mail-off'),
    ],
    [
      words.say('admin.webhooks'),
      view.webhooks.length === 0 ? words.say('review.nothing') : words.formatList(view.webhooks),
    ],
    [words.say('admin.notices-waiting'), html`${formatCount(pending)}${oldest}`],
    [words.say('admin.notices-given-up'), formatCount(view.failedNotifications)],
    [
      words.say('admin.last-problem'),
      problem === null
        ? words.say('review.nothing')
        : html`${bidiIsolate(truncateText(problem.text, 200))}<br><span class="quiet">${problem.to} · ${timeElement(words, problem.at)}</span>`,
    ],
  ]);
}

/** How the server is. */
export function overviewPage(frame: Frame, view: OverviewView): Html {
  const { words, user } = frame;
  const link = (href: string, count: number) =>
    html`<a href="${href}">${words.formatNumber(count)}</a>`;
  return layout(
    frame,
    words.say('admin.title'),
    html`${adminNav(frame, '/admin')}
${view.readOnly === null ? '' : html`<p class="advice">${words.say('admin.read-only', { reason: view.readOnly })}</p>`}
${warningsCard(frame, view)}
<div class="columns">
${serverSection(words, view)}
${notificationsSection(words, view)}
${section(words, 'admin.people', [
  [words.say('admin.people-all'), link('/admin/people', view.accountCount)],
  [words.say('admin.people-blocked'), link('/admin/people?blocked=yes', view.blockedAccountCount)],
])}
${section(words, 'frame.review', [
  [
    words.say('admin.reviews'),
    user?.mayReview
      ? link('/review', view.pendingReviews)
      : words.formatNumber(view.pendingReviews),
  ],
])}
</div>`,
    { wide: true },
  );
}
