import type { FastifyInstance } from 'fastify';
import { namesOf } from '#http/account-names.ts';
import {
  findVisible,
  looksAfter,
  NOBODY,
  personNamed,
  readable,
  signedIn,
} from '#http/app-access.ts';
import { refusedStatus } from '#http/responses.ts';
import type { World } from '#http/world.ts';
import { pkceChallenge } from '#keys/pkce.ts';
import type { Outcome } from '#registry/actions/context.ts';
import { mayDo, RIGHTS } from '#registry/actor.ts';
import type { Client, Restrictions } from '#registry/model/client.ts';
import type { RegistryRefusal } from '#registry/refusals.ts';
import { unseen } from '#registry/visibility.ts';
import { makeLines } from '../audit-entries.ts';
import { wholeForm } from '../form-problems.ts';
import { type PageAnswer, showPage, takeForm } from '../page.ts';
import { refusalText } from '../refusal-texts.ts';
import { kindOf } from './app.template.ts';
import { appView, cut, lastUses, placeOf, sampleFacts } from './app.view.ts';
import { issuedPage, testPage } from './credentials.template.ts';
import { showManaged } from './manage-app.routes.ts';
import { historyPage, ownAppsPage } from './my-apps.template.ts';
import { newAppRoutes } from './new-app.routes.ts';
import { addressesOf, isTestable, notFound, type OwnCall, ownApp } from './own-app.ts';
import { reviseRoutes } from './revise-app.routes.ts';

const LIMIT = 25;
const HISTORY = 50;

/** The list, with what waits for an answer. */
async function showList(
  call: OwnCall,
  refusal: RegistryRefusal | null = null,
): Promise<PageAnswer> {
  const { world, actor, user, frame, query } = call;
  const after = placeOf(query.get('after'));
  const found = await world.records.listClients({
    keeperId: user.id,
    ...(after === undefined ? {} : { below: after }),
    limit: LIMIT + 1,
  });
  const { rows, next } = cut(found, LIMIT, ({ number }) => number);
  const [names, used] = [
    namesOf(world),
    await lastUses(
      world,
      'client',
      rows.map(({ id }) => id),
    ),
  ];
  const waiting = await Promise.all(
    (await world.records.invitationsOf(user.id)).map(async ({ clientId, kind }) => {
      const client = await findVisible(call, clientId);
      if (client === undefined || unseen('name', client, actor, false) !== undefined) return [];
      const changeToken = world.registry.changeToken(actor, client);
      return [
        {
          appId: client.id,
          appName: client.name,
          from: await names(client.ownerId),
          kind,
          changeToken,
          ownerOnly: client.ownerOnly,
        },
      ];
    }),
  );
  const page = ownAppsPage(frame, {
    apps: await Promise.all(
      rows.map(async (client) => ({
        app: await appView(call, client, { keeper: true, lastUsed: used(client.id), names }),
        role: client.ownerId === user.id ? ('owner' as const) : ('maintainer' as const),
        revised: (await world.records.openRevision(client.id)) !== undefined,
      })),
    ),
    invitations: waiting.flat(),
    mayRegister: mayDo(actor, RIGHTS.propose),
    first: after === undefined ? null : '/my/apps',
    next: next === null ? null : `/my/apps?after=${next}`,
    problems: wholeForm(refusal === null ? null : refusalText(frame.words, refusal)),
  });
  return { status: refusal === null ? 200 : refusedStatus(refusal), page };
}

/** The answer that carries what was made: nowhere else is it shown. */
function showIssued(call: OwnCall, outcome: Outcome, what: 'secret' | 'reset'): PageAnswer {
  const { client, secret, credentials, accessToken } = outcome;
  return issuedPage(call.frame, {
    appName: client.name,
    appId: client.id,
    kind: kindOf(client),
    what,
    approved: client.stage === 'approved',
    secret,
    token: credentials?.token ?? accessToken,
    tokenSecret: credentials?.secret ?? null,
    samples: what === 'reset' ? sampleFacts(call.world, client, outcome) : null,
  });
}

/** The end of a day, as Unix seconds; a text that is no day is judged by the registry. */
const endOf = (day: string | undefined): { readonly expiresAt?: number } =>
  day === undefined ? {} : { expiresAt: Math.floor(Date.parse(`${day}T23:59:59Z`) / 1000) };

interface Act {
  /** Name in the registry. */
  readonly action: string;
  values(
    call: OwnCall,
    client: Client,
  ): Promise<Readonly<Record<string, unknown>>> | Readonly<Record<string, unknown>>;
  /** What is said on the page that follows, and where that is. */
  readonly done: string;
  readonly to?: 'list';
  readonly issues?: 'secret' | 'reset';
  /** Done from the list, by somebody who does not look after the app yet. */
  readonly invited?: true;
}

const nothing = () => ({});
const numbered = (name: string) => (call: OwnCall) => ({
  [name]: placeOf(call.form.get('id')) ?? 0,
});
const personal = (field: string) => async (call: OwnCall) => ({
  userId: (await personNamed(call.world, (call.form.get(field) ?? '').trim())) ?? NOBODY,
});

const acts: Readonly<Record<string, Act>> = {
  'add-secret': {
    action: 'add-secret',
    values: ({ form }) => ({ label: form.get('label') ?? '', ...endOf(form.get('expires')) }),
    done: 'done=saved',
    issues: 'secret',
  },
  'retire-secret': { action: 'retire-secret', values: numbered('secretId'), done: 'done=retired' },
  reset: {
    action: 'update',
    values: () => ({ resetSecret: true }),
    done: 'done=saved',
    issues: 'reset',
  },
  update: {
    action: 'update',
    values: ({ form }, client) => ({
      resetSecret: false,
      restrictions: {
        addresses: addressesOf(form.get('addresses')),
        pages: client.restrictions.pages,
      } satisfies Restrictions,
      ...(client.protocol === 'oauth1'
        ? { rsaPublicKey: form.get('rsaPublicKey')?.trim() || null }
        : {}),
    }),
    done: 'done=saved',
  },
  withdraw: { action: 'withdraw-revision', values: numbered('revisionId'), done: 'done=withdrawn' },
  invite: { action: 'invite', values: personal('invite'), done: 'done=invited' },
  leave: { action: 'leave', values: numbered('userId'), done: 'done=removed' },
  offer: { action: 'offer', values: personal('offer'), done: 'done=offered' },
  'decline-offer': {
    action: 'decline-offer',
    values: nothing,
    done: 'done=declined',
    invited: true,
  },
  join: { action: 'join', values: nothing, done: 'done=joined', invited: true },
  decline: {
    action: 'leave',
    values: ({ user }) => ({ userId: user.id }),
    done: 'done=declined',
    to: 'list',
    invited: true,
  },
  'accept-offer': {
    action: 'accept-offer',
    values: nothing,
    done: 'done=taken-over',
    invited: true,
  },
};

/** Does one thing with an app. Refused, the page is shown again with what was typed, and why. */
async function act(
  call: OwnCall,
  name: string,
  { action, values, done, to, issues, invited }: Act,
): Promise<PageAnswer> {
  const { world, actor, form, params } = call;
  const found = await ownApp(call);
  const client = found?.client ?? (invited ? await findVisible(call, params.id ?? '') : undefined);
  if (client === undefined) return notFound;
  const again = async (refusal: RegistryRefusal, unsure = false): Promise<PageAnswer> => {
    // What was shown is not what is there any more: the list or the page as it is now.
    if (found === undefined) return showList(call, refusal);
    const now = await ownApp(call);
    return now === undefined
      ? { to: '/my/apps' }
      : showManaged(call, now, { form: name, refusal, unsure });
  };
  if (name === 'reset' && form.get('sure') === undefined)
    return again({ kind: 'missing_field', field: 'sure' }, true);
  const changeToken = form.get('change_token');
  const answer = await world.registry.submit(actor, action, {
    reason: '',
    ...(await values(call, client)),
    clientId: client.id,
    ...(changeToken === undefined ? {} : { changeToken }),
  });
  if (!answer.ok && answer.refusal.kind === 'reauthentication_required') return { prove: true };
  if (!answer.ok) return again(await readable(call, client.id, answer.refusal));
  if (issues) return showIssued(call, answer.value, issues);
  const still = looksAfter(actor, answer.value.client, await world.records.teamOf(client.id));
  return { to: to === 'list' || !still ? `/my/apps?${done}` : `/my/apps/${client.id}?${done}` };
}

/** Pages of somebody who registers and looks after apps. */
export function myAppsRoutes(app: FastifyInstance, world: World): void {
  newAppRoutes(app, world);
  reviseRoutes(app, world);
  showPage(app, world, '/my/apps', (call) => showList(call), 'signed-in');
  showPage(
    app,
    world,
    '/my/apps/:id',
    async (call) => {
      const found = await ownApp(call);
      return found === undefined ? notFound : showManaged(call, found, null);
    },
    'signed-in',
  );
  showPage(
    app,
    world,
    '/my/apps/:id/history',
    async (call) => {
      const found = await ownApp(call);
      if (found === undefined) return notFound;
      const { client } = found;
      const after = placeOf(call.query.get('after'));
      const entries = await world.records.listAudit({
        clientId: client.id,
        about: 'clients',
        limit: HISTORY + 1,
        ...(after === undefined ? {} : { after }),
      });
      const { rows, next } = cut(entries, HISTORY, ({ id }) => id);
      const here = `/my/apps/${client.id}/history`;
      return historyPage(call.frame, {
        appId: client.id,
        appName: unseen('name', client, call.actor, true) === undefined ? client.name : null,
        lines: await Promise.all(rows.map(makeLines(world, call.actor, call.frame.words))),
        first: after === undefined ? null : here,
        next: next === null ? null : `${here}?after=${next}`,
      });
    },
    'signed-in',
  );
  showPage(
    app,
    world,
    '/my/apps/:id/test',
    async (call) => {
      const found = await ownApp(call);
      if (found === undefined || !isTestable(found.client, signedIn(call.actor))) return notFound;
      const { client } = found;
      const verifier = world.mint.secret();
      const pkce = { verifier, challenge: pkceChallenge(verifier), state: world.mint.randomHex(8) };
      return testPage(call.frame, {
        appName: client.name,
        samples: sampleFacts(world, client),
        proposed: client.stage === 'proposed',
        pkce,
      });
    },
    'signed-in',
  );
  for (const [name, what] of Object.entries(acts)) {
    takeForm(app, world, `/my/apps/:id/${name}`, (call) => act(call, name, what), 'signed-in');
    // The address of a form that was refused, asked for again.
    showPage(
      app,
      world,
      `/my/apps/:id/${name}`,
      async (call) => {
        const found = await ownApp(call);
        return { to: found === undefined ? '/my/apps' : `/my/apps/${found.client.id}` };
      },
      'signed-in',
    );
  }
}
