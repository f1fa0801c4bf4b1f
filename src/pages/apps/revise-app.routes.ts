import type { FastifyInstance } from 'fastify';
import { readable } from '#http/app-access.ts';
import { refusedStatus } from '#http/responses.ts';
import type { World } from '#http/world.ts';
import { mayDo, RIGHTS } from '#registry/actor.ts';
import { makeShown } from '../audit-entries.ts';
import { type FormProblem, noProblems } from '../form-problems.ts';
import { type PageAnswer, showPage, takeForm } from '../page.ts';
import { kindOf } from './app.template.ts';
import { changedFields, revisionChanges } from './app.view.ts';
import { choicesOf, draftFrom, draftOf, problemsOf, revisedValues } from './app-draft.ts';
import { type AppDraft, previewPage, revisePage } from './app-forms.template.ts';
import { notFound, type OwnApp, type OwnCall, ownApp } from './own-app.ts';

/** Approved apps that this person may change. */
async function changeable(call: OwnCall): Promise<OwnApp | undefined> {
  const found = await ownApp(call);
  const { client } = found ?? {};
  if (
    client === undefined ||
    client.managed ||
    client.suppressed ||
    !mayDo(call.actor, RIGHTS.updateOwn)
  )
    return undefined;
  return client.stage === 'approved' ? found : undefined;
}

const isOpen = async ({ world }: OwnCall, { client }: OwnApp) =>
  (await world.records.openRevision(client.id)) !== undefined;

async function showForm(
  call: OwnCall,
  own: OwnApp,
  draft: AppDraft,
  changeToken: string,
  problems: readonly FormProblem[],
) {
  const { client } = own;
  return revisePage(call.frame, {
    appId: client.id,
    appName: client.name,
    draft,
    choices: choicesOf(call.world, call.frame.words),
    changeToken,
    problems,
    open: await isOpen(call, own),
  });
}

/** The values of a draft as fields, to be sent again. */
function fieldsOf(
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

async function look(call: OwnCall): Promise<PageAnswer> {
  const { world, actor, frame, form } = call;
  const own = await changeable(call);
  if (own === undefined) return notFound;
  const { client } = own;
  const draft = draftOf(world, kindOf(client), form);
  const changeToken = form.get('change_token') ?? '';
  const ignore = form.get('ignore_warnings') !== undefined;
  if (form.get('edit') !== undefined) return showForm(call, own, draft, changeToken, noProblems);
  const values = revisedValues(draft, ignore);
  const next = world.registry.revised(client, { ...values, reason: draft.reason });
  if (form.get('send') !== undefined) {
    const answer = await world.registry.submit(actor, 'revise', {
      ...values,
      reason: draft.reason,
      clientId: client.id,
      ...(changeToken === '' ? {} : { changeToken }),
    });
    if (!answer.ok && answer.refusal.kind === 'reauthentication_required') return { prove: true };
    if (!answer.ok) {
      const said = await readable(call, client.id, answer.refusal);
      // The reason is read before the rest is: its problem is told with the others.
      const refusal = 'field' in said && said.field === 'reason' && !next.ok ? next.refusal : said;
      const problems = problemsOf(frame.words, refusal);
      // After a conflict the form is of the app as it is now, with what was typed.
      const token =
        refusal.kind === 'change_conflict'
          ? world.registry.changeToken(actor, client)
          : changeToken;
      return {
        status: refusedStatus(refusal),
        page: await showForm(call, own, draft, token, problems),
      };
    }
    const waits = (await world.records.openRevision(client.id)) !== undefined;
    return { to: `/my/apps/${client.id}?${waits ? 'done=revision-sent' : 'done=changed'}` };
  }
  if (!next.ok || changedFields(client, next.value).length === 0) {
    const refusal = next.ok
      ? ({ kind: 'nothing_to_do', field: 'revision' } as const)
      : next.refusal;
    return {
      status: refusedStatus(refusal),
      page: await showForm(call, own, draft, changeToken, problemsOf(frame.words, refusal)),
    };
  }
  return previewPage(frame, {
    appId: client.id,
    appName: client.name,
    changeToken,
    differences: await revisionChanges(client, next.value, makeShown(world, frame.words)),
    atOnce: world.registry.isAtOnce(client, next.value),
    open: await isOpen(call, own),
    fields: fieldsOf(draft, ignore),
  });
}

/** Changing an approved app: the form, the difference, and off it goes. */
export function reviseRoutes(app: FastifyInstance, world: World): void {
  showPage(
    app,
    world,
    '/my/apps/:id/revise',
    async (call) => {
      const own = await changeable(call);
      if (own === undefined) return notFound;
      const { client } = own;
      const open = await world.records.openRevision(client.id);
      return showForm(
        call,
        own,
        draftFrom(world, client, open?.fields),
        world.registry.changeToken(call.actor, client),
        noProblems,
      );
    },
    'signed-in',
  );
  takeForm(app, world, '/my/apps/:id/revise', look, 'signed-in');
}
