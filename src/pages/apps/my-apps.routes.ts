import type { FastifyInstance } from 'fastify';
import { makeNameLookup } from '#http/account-names.ts';
import {
  canManage,
  findVisibleClient,
  NO_USER_ID,
  redactRefusal,
  resolveUserId,
  signedInUserId,
} from '#http/app-access.ts';
import { parsePageCursor } from '#http/paging.ts';
import { pageStatusOf } from '#http/responses.ts';
import type { Services } from '#http/world.ts';
import { cutPage } from '#kernel/paging.ts';
import { pkceChallenge } from '#keys/pkce.ts';
import type { ActionOutcome } from '#registry/actions/context.ts';
import { hasRight, RIGHTS } from '#registry/actor.ts';
import type { Client, Restrictions } from '#registry/model/client.ts';
import type { RegistryRefusal } from '#registry/refusals.ts';
import { hiddenReason } from '#registry/visibility.ts';
import { makeAuditEntryFormatter } from '../audit-entries.ts';
import { formLevelProblem } from '../form-problems.ts';
import { getPage, type PageResponse, postForm } from '../page.ts';
import { refusalText } from '../refusal-texts.ts';
import { kindOf } from './app.template.ts';
import { appView, codeSampleValues, loadLastUsed } from './app.view.ts';
import { issuedCredentialsPage, testPage } from './credentials.template.ts';
import { showManagePage } from './manage-app.routes.ts';
import { historyPage, ownAppsPage } from './my-apps.template.ts';
import { newAppRoutes } from './new-app.routes.ts';
import {
  findManageableApp,
  isTestable,
  notFound,
  parseAddresses,
  type SignedInCall,
} from './own-app.ts';
import { reviseRoutes } from './revise-app.routes.ts';

const PAGE_SIZE = 25;
const HISTORY_PAGE_SIZE = 50;

/** The list, with what waits for an answer. */
async function showOwnApps(
  call: SignedInCall,
  refusal: RegistryRefusal | null = null,
): Promise<PageResponse> {
  const { services, actor, user, frame, query } = call;
  const after = parsePageCursor(query.get('after'));
  const found = await services.records.listClients({
    managerId: user.id,
    ...(after === undefined ? {} : { below: after }),
    limit: PAGE_SIZE + 1,
  });
  const { items: rows, next } = cutPage(found, PAGE_SIZE, ({ number }) => number);
  const [lookUpName, lastUsedOf] = [
    makeNameLookup(services),
    await loadLastUsed(
      services,
      'client',
      rows.map(({ id }) => id),
    ),
  ];
  const invitations = await Promise.all(
    (await services.records.invitationsOf(user.id)).map(async ({ clientId, kind }) => {
      const client = await findVisibleClient(call, clientId);
      if (client === undefined || hiddenReason('name', client, actor, false) !== undefined)
        return [];
      const etag = services.registry.etagFor(actor, client);
      return [
        {
          appId: client.id,
          appName: client.name,
          invitedBy: await lookUpName(client.ownerId),
          kind,
          etag,
          ownerOnly: client.ownerOnly,
        },
      ];
    }),
  );
  const page = ownAppsPage(frame, {
    apps: await Promise.all(
      rows.map(async (client) => ({
        app: await appView(call, client, {
          viewerCanManage: true,
          lastUsedAt: lastUsedOf(client.id),
          lookUpName,
        }),
        role: client.ownerId === user.id ? ('owner' as const) : ('maintainer' as const),
        hasOpenRevision: (await services.records.openRevision(client.id)) !== undefined,
      })),
    ),
    invitations: invitations.flat(),
    mayRegister: hasRight(actor, RIGHTS.propose),
    first: after === undefined ? null : '/my/apps',
    next: next === null ? null : `/my/apps?after=${next}`,
    problems: formLevelProblem(refusal === null ? null : refusalText(frame.words, refusal)),
  });
  return { status: refusal === null ? 200 : pageStatusOf(refusal), page };
}

/** The answer that carries what was made: nowhere else is it shown. */
function showCredentials(
  call: SignedInCall,
  outcome: ActionOutcome,
  what: 'secret' | 'reset',
): PageResponse {
  const { client, secret, credentials, accessToken } = outcome;
  return issuedCredentialsPage(call.frame, {
    appName: client.name,
    appId: client.id,
    kind: kindOf(client),
    issuedFor: what,
    approved: client.stage === 'approved',
    secret,
    token: credentials?.token ?? accessToken,
    tokenSecret: credentials?.secret ?? null,
    samples: what === 'reset' ? codeSampleValues(call.services, client, outcome) : null,
  });
}

/** The end of a day, as Unix seconds; a text that is no day is judged by the registry. */
const endOfDay = (day: string | undefined): { readonly expiresAt?: number } =>
  day === undefined ? {} : { expiresAt: Math.floor(Date.parse(`${day}T23:59:59Z`) / 1000) };

interface AppAction {
  /** Name in the registry. */
  readonly action: string;
  values(
    call: SignedInCall,
    client: Client,
  ): Promise<Readonly<Record<string, unknown>>> | Readonly<Record<string, unknown>>;
  /** What is said on the page that follows, and where that is. */
  readonly doneQuery: string;
  readonly to?: 'list';
  readonly issuesCredential?: 'secret' | 'reset';
  /** Done from the list, by somebody who does not look after the app yet. */
  readonly isInvited?: true;
}

const noValues = () => ({});
const idFromForm = (name: string) => (call: SignedInCall) => ({
  [name]: parsePageCursor(call.form.get('id')) ?? 0,
});
const userFromForm = (field: string) => async (call: SignedInCall) => ({
  userId: (await resolveUserId(call.services, (call.form.get(field) ?? '').trim())) ?? NO_USER_ID,
});

const appActions: Readonly<Record<string, AppAction>> = {
  'add-secret': {
    action: 'add-secret',
    values: ({ form }) => ({ label: form.get('label') ?? '', ...endOfDay(form.get('expires')) }),
    doneQuery: 'done=saved',
    issuesCredential: 'secret',
  },
  'retire-secret': {
    action: 'retire-secret',
    values: idFromForm('secretId'),
    doneQuery: 'done=retired',
  },
  reset: {
    action: 'update',
    values: () => ({ resetSecret: true }),
    doneQuery: 'done=saved',
    issuesCredential: 'reset',
  },
  update: {
    action: 'update',
    values: ({ form }, client) => ({
      resetSecret: false,
      restrictions: {
        addresses: parseAddresses(form.get('addresses')),
        pages: client.restrictions.pages,
      } satisfies Restrictions,
      ...(client.protocol === 'oauth1'
        ? { rsaPublicKey: form.get('rsaPublicKey')?.trim() || null }
        : {}),
    }),
    doneQuery: 'done=saved',
  },
  withdraw: {
    action: 'withdraw-revision',
    values: idFromForm('revisionId'),
    doneQuery: 'done=withdrawn',
  },
  invite: { action: 'invite', values: userFromForm('invite'), doneQuery: 'done=invited' },
  leave: { action: 'leave', values: idFromForm('userId'), doneQuery: 'done=removed' },
  offer: { action: 'offer', values: userFromForm('offer'), doneQuery: 'done=offered' },
  'decline-offer': {
    action: 'decline-offer',
    values: noValues,
    doneQuery: 'done=declined',
    isInvited: true,
  },
  join: { action: 'join', values: noValues, doneQuery: 'done=joined', isInvited: true },
  decline: {
    action: 'leave',
    values: ({ user }) => ({ userId: user.id }),
    doneQuery: 'done=declined',
    to: 'list',
    isInvited: true,
  },
  'accept-offer': {
    action: 'accept-offer',
    values: noValues,
    doneQuery: 'done=taken-over',
    isInvited: true,
  },
};

/** Does one thing with an app. Refused, the page is shown again with what was typed, and why. */
async function performAction(
  call: SignedInCall,
  name: string,
  { action, values, doneQuery, to, issuesCredential, isInvited }: AppAction,
): Promise<PageResponse> {
  const { services, actor, form, params } = call;
  const found = await findManageableApp(call);
  const client =
    found?.client ?? (isInvited ? await findVisibleClient(call, params.id ?? '') : undefined);
  if (client === undefined) return notFound;
  const showAgain = async (
    refusal: RegistryRefusal,
    unconfirmed = false,
  ): Promise<PageResponse> => {
    // What was shown is not what is there any more: the list or the page as it is now.
    if (found === undefined) return showOwnApps(call, refusal);
    const now = await findManageableApp(call);
    return now === undefined
      ? { to: '/my/apps' }
      : showManagePage(call, now, { form: name, refusal, unconfirmed });
  };
  if (name === 'reset' && form.get('sure') === undefined)
    return showAgain({ kind: 'missing_field', field: 'sure' }, true);
  const etag = form.get('change_token');
  const answer = await services.registry.submit(actor, action, {
    reason: '',
    ...(await values(call, client)),
    clientId: client.id,
    ...(etag === undefined ? {} : { etag }),
  });
  if (!answer.ok && answer.refusal.kind === 'reauthentication_required')
    return { reauthenticate: true };
  if (!answer.ok) return showAgain(await redactRefusal(call, client.id, answer.refusal));
  if (issuesCredential) return showCredentials(call, answer.value, issuesCredential);
  const stillManages = canManage(
    actor,
    answer.value.client,
    await services.records.teamOf(client.id),
  );
  return {
    to:
      to === 'list' || !stillManages
        ? `/my/apps?${doneQuery}`
        : `/my/apps/${client.id}?${doneQuery}`,
  };
}

/** Pages of somebody who registers and looks after apps. */
export function myAppsRoutes(app: FastifyInstance, services: Services): void {
  newAppRoutes(app, services);
  reviseRoutes(app, services);
  getPage(app, services, '/my/apps', (call) => showOwnApps(call), 'signed-in');
  getPage(
    app,
    services,
    '/my/apps/:id',
    async (call) => {
      const found = await findManageableApp(call);
      return found === undefined ? notFound : showManagePage(call, found, null);
    },
    'signed-in',
  );
  getPage(
    app,
    services,
    '/my/apps/:id/history',
    async (call) => {
      const found = await findManageableApp(call);
      if (found === undefined) return notFound;
      const { client } = found;
      const after = parsePageCursor(call.query.get('after'));
      const entries = await services.records.listAudit({
        clientId: client.id,
        about: 'clients',
        limit: HISTORY_PAGE_SIZE + 1,
        ...(after === undefined ? {} : { after }),
      });
      const { items: rows, next } = cutPage(entries, HISTORY_PAGE_SIZE, ({ id }) => id);
      const here = `/my/apps/${client.id}/history`;
      return historyPage(call.frame, {
        appId: client.id,
        appName: hiddenReason('name', client, call.actor, true) === undefined ? client.name : null,
        entries: await Promise.all(
          rows.map(makeAuditEntryFormatter(services, call.actor, call.frame.words)),
        ),
        first: after === undefined ? null : here,
        next: next === null ? null : `${here}?after=${next}`,
      });
    },
    'signed-in',
  );
  getPage(
    app,
    services,
    '/my/apps/:id/test',
    async (call) => {
      const found = await findManageableApp(call);
      if (found === undefined || !isTestable(found.client, signedInUserId(call.actor)))
        return notFound;
      const { client } = found;
      const verifier = services.idGenerator.secret();
      const pkce = {
        verifier,
        challenge: pkceChallenge(verifier),
        state: services.idGenerator.randomHex(8),
      };
      return testPage(call.frame, {
        appName: client.name,
        samples: codeSampleValues(services, client),
        proposed: client.stage === 'proposed',
        pkce,
      });
    },
    'signed-in',
  );
  for (const [name, what] of Object.entries(appActions)) {
    postForm(
      app,
      services,
      `/my/apps/:id/${name}`,
      (call) => performAction(call, name, what),
      'signed-in',
    );
    // The address of a form that was refused, asked for again.
    getPage(
      app,
      services,
      `/my/apps/:id/${name}`,
      async (call) => {
        const found = await findManageableApp(call);
        return { to: found === undefined ? '/my/apps' : `/my/apps/${found.client.id}` };
      },
      'signed-in',
    );
  }
}
