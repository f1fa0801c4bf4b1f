import { html } from 'hono/html';
import type { Stage } from '#registry/model/client.ts';
import { bidiIsolate, formField, paginationLinks } from '../components.ts';
import type { Frame, Html } from '../frame.ts';
import { layout } from '../layout.ts';
import { type AppView, appBadges, appTitle, checkboxField, selectField } from './app.template.ts';

// The directory of apps: for everybody.

/** What was looked for. */
export interface DirectoryQuery {
  readonly q: string;
  readonly owner: string;
  readonly stage: Stage | 'any';
  readonly scope: string;
  readonly site: string;
  /** Apps for their owners alone too. */
  readonly own: boolean;
}

export interface DirectoryView {
  readonly query: DirectoryQuery;
  readonly apps: readonly AppView[];
  readonly scopes: readonly (readonly [name: string, description: string])[];
  readonly sites: readonly (readonly [id: string, name: string])[];
  readonly first: string | null;
  readonly next: string | null;
}

const filterStages = ['approved', 'proposed', 'rejected', 'expired', 'disabled'] as const;

const filterForm = ({ words }: Frame, { query, scopes, sites }: DirectoryView): Html => {
  const hasFilters =
    query.owner !== '' ||
    query.stage !== 'approved' ||
    query.scope !== '' ||
    query.site !== '' ||
    query.own;
  return html`<form method="get" action="/apps" role="search" class="card">
<div class="filters">${formField({ name: 'q', type: 'search', label: words.say('apps.search-name'), value: query.q, maxLength: 128 })}
<button type="submit">${words.say('apps.search')}</button></div>
<details${hasFilters ? html` open` : ''}><summary>${words.say('apps.more-filters')}</summary>
<div class="filters">
${formField({ name: 'owner', label: words.say('field.ownerId'), value: query.owner, maxLength: 255 })}
${selectField({
  name: 'stage',
  label: words.say('field.stage'),
  value: query.stage,
  options: [
    ...filterStages.map((stage) => [stage, words.say(`stage.${stage}`)] as const),
    ['any', words.say('apps.any')] as const,
  ],
})}
${selectField({ name: 'scope', label: words.say('apps.may'), value: query.scope, options: [['', words.say('apps.any')], ...scopes] })}
${sites.length < 2 ? '' : selectField({ name: 'site', label: words.say('field.site'), value: query.site, options: [['', words.say('apps.any')], ...sites] })}
</div>${checkboxField('own', words.say('apps.also-own'), query.own)}</details>
</form>`;
};

/** The apps, newest first. */
export function directoryPage(frame: Frame, view: DirectoryView): Html {
  const { words } = frame;
  return layout(
    frame,
    words.say('apps.directory'),
    html`<p>${words.say('apps.directory-intro')}</p>
${filterForm(frame, view)}
${
  view.apps.length === 0
    ? html`<p role="status">${words.say('apps.none-found')}</p>`
    : html`<ul class="plain-list">${view.apps.map(
        (
          app,
        ) => html`<li class="card"><h2><a href="/apps/${app.id}">${appTitle(words, app)}</a></h2>
<p>${appBadges(words, app)}</p>
${app.name === null || app.description === '' ? '' : html`<p>${bidiIsolate(excerpt(app.description))}</p>`}
${app.name === null ? '' : html`<p class="quiet">${words.say('apps.by')} ${app.managed ? words.say('frame.operator') : bidiIsolate(app.ownerName ?? words.say('frame.nobody'))} · ${app.site === null ? words.say('frame.every-site') : bidiIsolate(app.site)}</p>`}</li>`,
      )}</ul>`
}
${paginationLinks(words, view)}
<p><a href="/scopes">${words.say('scopes.title')}</a></p>`,
    { wide: true },
  );
}

/** The beginning of a text, cut between characters as people see them. */
function excerpt(text: string): string {
  const graphemes = [
    ...new Intl.Segmenter(undefined, { granularity: 'grapheme' }).segment(text.slice(0, 600)),
  ];
  const shortened = graphemes
    .slice(0, 240)
    .map(({ segment }) => segment)
    .join('');
  return shortened.length < text.length ? `${shortened}…` : text;
}
