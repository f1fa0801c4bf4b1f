import { pageStatusOf } from '#http/responses.ts';
import type { HttpDialect } from '#http/world.ts';
import { RIGHTS } from '#registry/actor.ts';
import type { Registry } from '#registry/registry.ts';
import { hiddenReason } from '#registry/visibility.ts';
import { noProblems } from '../form-problems.ts';
import { notFound, type PageResponse, type PageRouter, type SignedInCall } from '../page.ts';
import {
  type DraftDependencies,
  draftFromClient,
  emptyDraft,
  formChoices,
  isAppKind,
  parseAppDraft,
  proposalValues,
} from './app-draft.ts';
import type { AppDraft } from './app-fields.template.ts';
import type { CodeSampleDependencies } from './code-samples.view.ts';
import { issuedCredentialsPage } from './issued-credentials.template.ts';
import { makeIssuedCredentialsView } from './issued-credentials.view.ts';
import { chooseAppKindPage, type NewAppView, newAppPage } from './new-app.template.ts';
import { refusalFormProblems } from './refusal-problems.ts';

export interface NewAppDependencies extends DraftDependencies, CodeSampleDependencies {
  readonly registry: Pick<Registry, 'query' | 'submit'>;
  /** Null: no dialect is served. */
  readonly dialect: Pick<HttpDialect, 'name' | 'exemptsFromPkce'> | null;
}

/** A version after this one, as people count: the last number, one more. */
function nextVersion(version: string): string {
  const isDigit = (at: number) => /^\d$/.test(version[at] ?? '');
  let end = version.length;
  while (end > 0 && !isDigit(end - 1)) end -= 1;
  let start = end;
  while (start > 0 && isDigit(start - 1)) start -= 1;
  return start === end
    ? version
    : `${version.slice(0, start)}${Number(version.slice(start, end)) + 1}${version.slice(end)}`;
}

/**
 * The dialect whose registration address led to the page, or to the form that is sent, as long as
 * it is served.
 */
function registrationOrigin(
  { dialect }: NewAppDependencies,
  { request, query, form }: SignedInCall,
): NewAppDependencies['dialect'] {
  const from = (request.method === 'POST' ? form : query).get('from');
  return from === dialect?.name ? dialect : null;
}

/**
 * At a dialect the exemption from PKCE may come with the registration (ADR 20): the form shows it,
 * ticked, and it is the developer's to take away.
 */
const applyPkceExemption = (draft: AppDraft, origin: NewAppDependencies['dialect']): AppDraft =>
  origin?.exemptsFromPkce && draft.kind === 'server' ? { ...draft, pkceOptional: true } : draft;

function showForm(
  dependencies: NewAppDependencies,
  call: SignedInCall,
  view: Pick<NewAppView, 'draft'> & Partial<Pick<NewAppView, 'problems' | 'copiedFrom'>>,
): ReturnType<typeof newAppPage> {
  const { frame, user } = call;
  return newAppPage(frame, {
    problems: noProblems,
    copiedFrom: null,
    ...view,
    choices: formChoices(dependencies, frame.words),
    email: user.email ?? '',
    dialect: registrationOrigin(dependencies, call)?.name ?? null,
  });
}

/** A form filled in from an app of one's own. */
async function copyApp(
  dependencies: NewAppDependencies,
  call: SignedInCall,
  id: string,
): Promise<PageResponse> {
  const { actor, user } = call;
  const client = await dependencies.registry.query(actor).findClient(id);
  if (client === undefined || client.ownerId !== user.id || client.managed) return notFound;
  if (hiddenReason('name', client, actor, true) !== undefined) return notFound;
  const copy = draftFromClient(dependencies, client);
  const draft = { ...copy, version: nextVersion(client.version) };
  return showForm(dependencies, call, {
    draft: applyPkceExemption(draft, registrationOrigin(dependencies, call)),
    copiedFrom: `${client.name} ${client.version}`,
  });
}

/** The question that chooses the kind of app; then the form of that kind. */
async function showNewApp(
  dependencies: NewAppDependencies,
  call: SignedInCall,
): Promise<PageResponse> {
  const [copiedId, kind] = [call.query.get('copy'), call.query.get('kind')];
  if (copiedId !== undefined) return copyApp(dependencies, call, copiedId);
  const origin = registrationOrigin(dependencies, call);
  if (isAppKind(kind))
    return showForm(dependencies, call, { draft: applyPkceExemption(emptyDraft(kind), origin) });
  return chooseAppKindPage(call.frame, {
    mayRegister: call.user.emailConfirmedAt === null ? 'no-email' : 'yes',
    from: origin?.name ?? null,
  });
}

/** Registers an app. The answer carries its credentials: nowhere else are they shown. */
async function register(
  dependencies: NewAppDependencies,
  call: SignedInCall,
): Promise<PageResponse> {
  const { actor, user, frame, form } = call;
  const kind = form.get('kind');
  if (!isAppKind(kind)) return { to: '/my/apps/new' };
  const draft = parseAppDraft(dependencies, kind, form);
  const origin = registrationOrigin(dependencies, call);
  const outcome = await dependencies.registry.submit(
    actor.kind === 'person' && origin !== null ? { ...actor, dialect: origin.name } : actor,
    'propose',
    proposalValues(draft, user.email ?? '', form.get('ignore_warnings') !== undefined),
  );
  if (outcome.ok)
    return issuedCredentialsPage(
      frame,
      makeIssuedCredentialsView(dependencies, outcome.value, 'registered'),
    );
  const { refusal } = outcome;
  if (refusal.kind === 'reauthentication_required') return { reauthenticate: true };
  const problems = refusalFormProblems(frame.words, refusal);
  return {
    status: pageStatusOf(refusal),
    page: showForm(dependencies, call, { draft, problems }),
  };
}

/** Registering an app: a question, a form, and what it leads to. */
export function newAppRoutes(
  { getPage, postForm }: PageRouter,
  dependencies: NewAppDependencies,
): void {
  const developers = { right: RIGHTS.propose };
  getPage('/my/apps/new', (call) => showNewApp(dependencies, call), developers);
  postForm('/my/apps/new', (call) => register(dependencies, call), developers);
}
