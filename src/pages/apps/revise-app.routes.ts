import type { FastifyInstance } from 'fastify';
import { redactRefusal } from '#http/app-access.ts';
import { pageStatusOf } from '#http/responses.ts';
import type { Services } from '#http/world.ts';
import { hasRight, RIGHTS } from '#registry/actor.ts';
import { makeFieldFormatter } from '../audit-entries.ts';
import { type FormProblem, noProblems } from '../form-problems.ts';
import { getPage, type PageResponse, postForm } from '../page.ts';
import { kindOf } from './app.template.ts';
import { changedFields, describeRevisionChanges } from './app.view.ts';
import { draftFromClient, formChoices, parseAppDraft, revisionValues } from './app-draft.ts';
import { type AppDraft, previewPage, revisePage } from './app-forms.template.ts';
import { findManageableApp, type ManageableApp, notFound, type SignedInCall } from './own-app.ts';
import { refusalFormProblems } from './refusal-problems.ts';

/** Approved apps that this person may change. */
async function findRevisableApp(call: SignedInCall): Promise<ManageableApp | undefined> {
  const found = await findManageableApp(call);
  const { client } = found ?? {};
  if (
    client === undefined ||
    client.managed ||
    client.suppressed ||
    !hasRight(call.actor, RIGHTS.updateOwn)
  )
    return undefined;
  return client.stage === 'approved' ? found : undefined;
}

const hasOpenRevision = async ({ services }: SignedInCall, { client }: ManageableApp) =>
  (await services.records.openRevision(client.id)) !== undefined;

async function showForm(
  call: SignedInCall,
  app: ManageableApp,
  draft: AppDraft,
  etag: string,
  problems: readonly FormProblem[],
) {
  const { client } = app;
  return revisePage(call.frame, {
    appId: client.id,
    appName: client.name,
    draft,
    choices: formChoices(call.services, call.frame.words),
    etag,
    problems,
    replacesOpenRevision: await hasOpenRevision(call, app),
  });
}

/** The values of a draft as fields, to be sent again. */
function hiddenFields(
  draft: AppDraft,
  ignoreWarnings: boolean,
): readonly (readonly [string, string])[] {
  const {
    name,
    description,
    redirectUri,
    redirectIsPrefix,
    site,
    access,
    scopes,
    optional,
    reason,
  } = draft;
  return [
    ...Object.entries({ name, description, redirectUri, site, access, reason }),
    ...(redirectIsPrefix ? [['redirectIsPrefix', '1'] as const] : []),
    ...[...scopes].map((scope) => [`scope.${scope}`, '1'] as const),
    ...[...optional].map((scope) => [`optional.${scope}`, '1'] as const),
    ...(ignoreWarnings ? [['ignore_warnings', '1'] as const] : []),
  ];
}

async function submitRevision(call: SignedInCall): Promise<PageResponse> {
  const { services, actor, frame, form } = call;
  const app = await findRevisableApp(call);
  if (app === undefined) return notFound;
  const { client } = app;
  const draft = parseAppDraft(services, kindOf(client), form);
  const etag = form.get('change_token') ?? '';
  const ignoreWarnings = form.get('ignore_warnings') !== undefined;
  if (form.get('edit') !== undefined) return showForm(call, app, draft, etag, noProblems);
  const values = revisionValues(draft, ignoreWarnings);
  const revised = services.registry.computeRevision(client, { ...values, reason: draft.reason });
  if (form.get('send') !== undefined) {
    const answer = await services.registry.submit(actor, 'revise', {
      ...values,
      reason: draft.reason,
      clientId: client.id,
      ...(etag === '' ? {} : { etag }),
    });
    if (!answer.ok && answer.refusal.kind === 'reauthentication_required')
      return { reauthenticate: true };
    if (!answer.ok) {
      const redacted = await redactRefusal(call, client.id, answer.refusal);
      // The reason is read before the rest is: its problem is told with the others.
      const refusal =
        'field' in redacted && redacted.field === 'reason' && !revised.ok
          ? revised.refusal
          : redacted;
      const problems = refusalFormProblems(frame.words, refusal);
      // After a conflict the form is of the app as it is now, with what was typed.
      const token =
        refusal.kind === 'change_conflict' ? services.registry.etagFor(actor, client) : etag;
      return {
        status: pageStatusOf(refusal),
        page: await showForm(call, app, draft, token, problems),
      };
    }
    const isWaiting = (await services.records.openRevision(client.id)) !== undefined;
    return { to: `/my/apps/${client.id}?${isWaiting ? 'done=revision-sent' : 'done=changed'}` };
  }
  if (!revised.ok || changedFields(client, revised.value).length === 0) {
    const refusal = revised.ok
      ? ({ kind: 'nothing_to_do', field: 'revision' } as const)
      : revised.refusal;
    return {
      status: pageStatusOf(refusal),
      page: await showForm(call, app, draft, etag, refusalFormProblems(frame.words, refusal)),
    };
  }
  return previewPage(frame, {
    appId: client.id,
    appName: client.name,
    etag,
    differences: await describeRevisionChanges(
      client,
      revised.value,
      makeFieldFormatter(services, frame.words, services.registry.query(actor).personLookup()),
    ),
    appliesImmediately: services.registry.takesEffectImmediately(client, revised.value),
    replacesOpenRevision: await hasOpenRevision(call, app),
    fields: hiddenFields(draft, ignoreWarnings),
  });
}

/** Changing an approved app: the form, the difference, and off it goes. */
export function reviseRoutes(app: FastifyInstance, services: Services): void {
  getPage(
    app,
    services,
    '/my/apps/:id/revise',
    async (call) => {
      const app = await findRevisableApp(call);
      if (app === undefined) return notFound;
      const { client } = app;
      const open = await services.records.openRevision(client.id);
      return showForm(
        call,
        app,
        draftFromClient(services, client, open?.fields),
        services.registry.etagFor(call.actor, client),
        noProblems,
      );
    },
    'signed-in',
  );
  postForm(app, services, '/my/apps/:id/revise', submitRevision, 'signed-in');
}
