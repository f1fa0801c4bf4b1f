import { pageStatusOf } from '#http/responses.ts';
import type { RegistryRefusal } from '#registry/refusals.ts';
import type { Registry } from '#registry/registry.ts';
import { notFound, type PageResponse, type PageRouter, type SignedInCall } from '../page.ts';
import { type AppAction, appActions } from './app-actions.ts';
import type { CodeSampleDependencies } from './code-samples.view.ts';
import { issuedCredentialsPage } from './issued-credentials.template.ts';
import { makeIssuedCredentialsView } from './issued-credentials.view.ts';
import { managePage } from './manage-app.template.ts';
import { type ManageViewDependencies, makeManageView } from './manage-app.view.ts';
import type { RefusedForm } from './manage-form-problems.ts';
import { ownAppsPage } from './my-apps.template.ts';
import { makeOwnAppsView } from './my-apps.view.ts';
import { findManageableApp } from './own-app.ts';

export interface ManageAppDependencies extends ManageViewDependencies, CodeSampleDependencies {
  readonly registry: Pick<Registry, 'query' | 'submit' | 'etagFor'>;
  readonly sites: ManageViewDependencies['sites'] & CodeSampleDependencies['sites'];
}

/**
 * The page of an app as it is now, with what was typed, and why it was refused. Whoever does not
 * manage it answered an invitation, which is in their list.
 */
async function showRefusedForm(
  dependencies: ManageAppDependencies,
  call: SignedInCall,
  { refused, isManager }: { readonly refused: RefusedForm; readonly isManager: boolean },
): Promise<PageResponse> {
  const { refusal } = refused;
  if (!isManager) {
    const view = await makeOwnAppsView(dependencies, call, refusal);
    return { status: pageStatusOf(refusal), page: ownAppsPage(call.frame, view) };
  }
  const app = await findManageableApp(dependencies, call);
  if (app === undefined) return { to: '/my/apps' };
  const view = await makeManageView(dependencies, call, app, refused);
  return { status: pageStatusOf(refusal), page: managePage(call.frame, view) };
}

/** Does one thing with an app. Refused, the page is shown again with what was typed, and why. */
async function performAction(
  dependencies: ManageAppDependencies,
  call: SignedInCall,
  name: string,
  { action, values, doneQuery, to, issuesCredential, isInvited }: AppAction,
): Promise<PageResponse> {
  const { registry } = dependencies;
  const { actor, form, frame, params } = call;
  const queries = registry.query(actor);
  const managed = await findManageableApp(dependencies, call);
  const client =
    managed?.client ?? (isInvited ? await queries.findClient(params.id ?? '') : undefined);
  if (client === undefined) return notFound;
  const showAgain = (refusal: RegistryRefusal, unconfirmed = false) =>
    showRefusedForm(dependencies, call, {
      refused: { form: name, refusal, unconfirmed },
      isManager: managed !== undefined,
    });
  if (name === 'reset' && form.get('sure') === undefined)
    return showAgain({ kind: 'missing_field', field: 'sure' }, true);
  const etag = form.get('change_token');
  const outcome = await registry.submit(actor, action, {
    reason: '',
    ...(await values(call, client, queries.userIdOf)),
    clientId: client.id,
    ...(etag === undefined ? {} : { etag }),
  });
  if (!outcome.ok && outcome.refusal.kind === 'reauthentication_required')
    return { reauthenticate: true };
  if (!outcome.ok) return showAgain(await queries.visibleRefusal(client.id, outcome.refusal));
  if (issuesCredential)
    return issuedCredentialsPage(
      frame,
      makeIssuedCredentialsView(dependencies, outcome.value, issuesCredential),
    );
  const showsList = to === 'list' || !(await queries.canManage(outcome.value.client));
  return { to: `${showsList ? '/my/apps' : `/my/apps/${client.id}`}?${doneQuery}` };
}

/** The page of an app for those who manage it, and its forms. */
export function manageAppRoutes(
  { getPage, postForm }: PageRouter,
  dependencies: ManageAppDependencies,
): void {
  getPage(
    '/my/apps/:id',
    async (call) => {
      const app = await findManageableApp(dependencies, call);
      if (app === undefined) return notFound;
      return managePage(call.frame, await makeManageView(dependencies, call, app, null));
    },
    'signed-in',
  );
  for (const [name, action] of Object.entries(appActions)) {
    const path = `/my/apps/:id/${name}`;
    postForm(path, (call) => performAction(dependencies, call, name, action), 'signed-in');
    // The address of a form that was refused, asked for again.
    getPage(
      path,
      async (call) => {
        const app = await findManageableApp(dependencies, call);
        return { to: app === undefined ? '/my/apps' : `/my/apps/${app.client.id}` };
      },
      'signed-in',
    );
  }
}
