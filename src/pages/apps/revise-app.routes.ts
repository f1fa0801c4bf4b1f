import { pageStatusOf } from '#http/responses.ts';
import { hasRight, RIGHTS } from '#registry/actor.ts';
import type { Client } from '#registry/model/client.ts';
import type { RegistryRefusal } from '#registry/refusals.ts';
import type { Registry } from '#registry/registry.ts';
import { notFound, type PageResponse, type PageRouter, type SignedInCall } from '../page.ts';
import { kindOf } from './app.template.ts';
import { draftFromClient, parseAppDraft, revisionValues } from './app-draft.ts';
import type { AppDraft } from './app-fields.template.ts';
import { findManageableApp } from './own-app.ts';
import { refusalFormProblems } from './refusal-problems.ts';
import { previewPage, revisePage } from './revise-app.template.ts';
import { makePreviewView, makeReviseView, type ReviseViewDependencies } from './revise-app.view.ts';
import { changedFields } from './revision-changes.ts';

export interface ReviseAppDependencies extends ReviseViewDependencies {
  readonly registry: ReviseViewDependencies['registry'] &
    Pick<Registry, 'submit' | 'etagFor' | 'computeRevision'>;
}

/** What was sent of a change: what was typed, and the version of the app it was made from. */
interface SentRevision {
  readonly draft: AppDraft;
  readonly etag: string;
  readonly ignoreWarnings: boolean;
}

/** An approved app that this person may change. */
async function findRevisableApp(
  dependencies: ReviseAppDependencies,
  call: SignedInCall,
): Promise<Client | undefined> {
  const { client } = (await findManageableApp(dependencies, call)) ?? {};
  if (client === undefined || client.managed || client.suppressed) return undefined;
  const isRevisable = client.stage === 'approved' && hasRight(call.actor, RIGHTS.updateOwn);
  return isRevisable ? client : undefined;
}

/** The form with what was typed, and why it was refused. */
async function showRefusedForm(
  dependencies: ReviseAppDependencies,
  call: SignedInCall,
  client: Client,
  { draft, etag }: SentRevision,
  refusal: RegistryRefusal,
): Promise<PageResponse> {
  const problems = refusalFormProblems(call.frame.words, refusal);
  const view = await makeReviseView(dependencies, call, client, { draft, etag, problems });
  return { status: pageStatusOf(refusal), page: revisePage(call.frame, view) };
}

/** Shows what would change, before it is sent. */
async function showPreview(
  dependencies: ReviseAppDependencies,
  call: SignedInCall,
  client: Client,
  sent: SentRevision,
): Promise<PageResponse> {
  const revised = computeRevision(dependencies, client, sent);
  if (!revised.ok) return showRefusedForm(dependencies, call, client, sent, revised.refusal);
  if (changedFields(client, revised.value).length === 0)
    return showRefusedForm(dependencies, call, client, sent, {
      kind: 'nothing_to_do',
      field: 'revision',
    });
  return previewPage(
    call.frame,
    await makePreviewView(dependencies, call, client, revised.value, sent),
  );
}

const computeRevision = (
  { registry }: ReviseAppDependencies,
  client: Client,
  { draft, ignoreWarnings }: SentRevision,
): ReturnType<Registry['computeRevision']> =>
  registry.computeRevision(client, {
    ...revisionValues(draft, ignoreWarnings),
    reason: draft.reason,
  });

/** Sends the change for review, or into force where nobody has to review it. */
async function sendRevision(
  dependencies: ReviseAppDependencies,
  call: SignedInCall,
  client: Client,
  sent: SentRevision,
): Promise<PageResponse> {
  const { registry } = dependencies;
  const { actor } = call;
  const { draft, etag, ignoreWarnings } = sent;
  const queries = registry.query(actor);
  const outcome = await registry.submit(actor, 'revise', {
    ...revisionValues(draft, ignoreWarnings),
    reason: draft.reason,
    clientId: client.id,
    ...(etag === '' ? {} : { etag }),
  });
  if (outcome.ok) {
    const isWaiting = (await queries.openRevision(client)) !== undefined;
    return { to: `/my/apps/${client.id}?${isWaiting ? 'done=revision-sent' : 'done=changed'}` };
  }
  if (outcome.refusal.kind === 'reauthentication_required') return { reauthenticate: true };
  const visible = await queries.visibleRefusal(client.id, outcome.refusal);
  const revised = computeRevision(dependencies, client, sent);
  // The reason is read before the rest is: its problem is said with the others.
  const isAboutReason = 'field' in visible && visible.field === 'reason';
  const refusal = isAboutReason && !revised.ok ? revised.refusal : visible;
  // After a conflict the form is of the app as it is now, with what was typed.
  const nextEtag = refusal.kind === 'change_conflict' ? registry.etagFor(actor, client) : etag;
  return showRefusedForm(dependencies, call, client, { ...sent, etag: nextEtag }, refusal);
}

async function submitRevision(
  dependencies: ReviseAppDependencies,
  call: SignedInCall,
): Promise<PageResponse> {
  const { form, frame } = call;
  const client = await findRevisableApp(dependencies, call);
  if (client === undefined) return notFound;
  const sent: SentRevision = {
    draft: parseAppDraft(dependencies, kindOf(client), form),
    etag: form.get('change_token') ?? '',
    ignoreWarnings: form.get('ignore_warnings') !== undefined,
  };
  if (form.get('edit') !== undefined)
    return revisePage(frame, await makeReviseView(dependencies, call, client, sent));
  return form.get('send') === undefined
    ? showPreview(dependencies, call, client, sent)
    : sendRevision(dependencies, call, client, sent);
}

/** Changing an approved app: the form, the difference, and what becomes of it. */
export function reviseAppRoutes(
  { getPage, postForm }: PageRouter,
  dependencies: ReviseAppDependencies,
): void {
  const { registry } = dependencies;
  getPage(
    '/my/apps/:id/revise',
    async (call) => {
      const client = await findRevisableApp(dependencies, call);
      if (client === undefined) return notFound;
      const open = await registry.query(call.actor).openRevision(client);
      const view = await makeReviseView(dependencies, call, client, {
        draft: draftFromClient(dependencies, client, open?.fields),
        etag: registry.etagFor(call.actor, client),
      });
      return revisePage(call.frame, view);
    },
    'signed-in',
  );
  postForm('/my/apps/:id/revise', (call) => submitRevision(dependencies, call), 'signed-in');
}
