import type { FastifyInstance } from 'fastify';
import { findVisible } from '#http/app-access.ts';
import { refusedStatus } from '#http/responses.ts';
import type { World } from '#http/world.ts';
import { RIGHTS } from '#registry/actor.ts';
import { unseen } from '#registry/visibility.ts';
import { type FormProblem, noProblems } from '../form-problems.ts';
import { type PageAnswer, showPage, takeForm } from '../page.ts';
import { kindOf } from './app.template.ts';
import { sampleFacts } from './app.view.ts';
import {
  choicesOf,
  draftFrom,
  draftOf,
  emptyDraft,
  isKind,
  problemsOf,
  proposedValues,
} from './app-draft.ts';
import { type AppDraft, choosePage, newAppPage } from './app-forms.template.ts';
import { issuedPage } from './credentials.template.ts';
import { notFound, type OwnCall } from './own-app.ts';

/** A version after this one, as people count: the last number, one more. */
function raised(version: string): string {
  const isDigit = (at: number) => /^\d$/.test(version[at] ?? '');
  let end = version.length;
  while (end > 0 && !isDigit(end - 1)) end -= 1;
  let start = end;
  while (start > 0 && isDigit(start - 1)) start -= 1;
  return start === end
    ? version
    : `${version.slice(0, start)}${Number(version.slice(start, end)) + 1}${version.slice(end)}`;
}

type From = 'mediawiki' | null;

/**
 * The dialect whose registration address led to the page, or to the form that is sent, as long as
 * it is served.
 */
const cameFrom = ({ world, request, query, form }: OwnCall): From =>
  (request.method === 'POST' ? form : query).get('from') === 'mediawiki' && world.dialect !== null
    ? 'mediawiki'
    : null;

/**
 * At the dialect the exemption from PKCE comes with the registration (ADR 20): the form shows it,
 * ticked, and it is the developer's to take away.
 */
const exempt = (draft: AppDraft, from: From): AppDraft =>
  from === 'mediawiki' && draft.kind === 'server' ? { ...draft, pkceOptional: true } : draft;

function showForm(
  call: OwnCall,
  draft: AppDraft,
  problems: readonly FormProblem[],
  copied: string | null = null,
): ReturnType<typeof newAppPage> {
  const { world, frame, user } = call;
  return newAppPage(frame, {
    draft,
    choices: choicesOf(world, frame.words),
    problems,
    email: user.email ?? '',
    copied,
    from: cameFrom(call),
  });
}

/** A form filled in from an app of one's own. */
async function copyOf(call: OwnCall, id: string): Promise<PageAnswer> {
  const client = await findVisible(call, id);
  if (client === undefined || client.ownerId !== call.user.id || client.managed) return notFound;
  if (unseen('name', client, call.actor, true) !== undefined) return notFound;
  const draft = { ...draftFrom(call.world, client), version: raised(client.version) };
  return showForm(
    call,
    exempt(draft, cameFrom(call)),
    noProblems,
    `${client.name} ${client.version}`,
  );
}

/** Registers an app. The answer carries its credentials: nowhere else are they shown. */
async function register(call: OwnCall): Promise<PageAnswer> {
  const { world, actor, user, frame, form } = call;
  const kind = form.get('kind');
  if (!isKind(kind)) return { to: '/my/apps/new' };
  const draft = draftOf(world, kind, form);
  const answer = await world.registry.submit(
    actor.kind === 'person' && cameFrom(call) === 'mediawiki' ? { ...actor, dialect: true } : actor,
    'propose',
    proposedValues(draft, user.email ?? '', form.get('ignore_warnings') !== undefined),
  );
  if (!answer.ok && answer.refusal.kind === 'reauthentication_required') return { prove: true };
  if (!answer.ok)
    return {
      status: refusedStatus(answer.refusal),
      page: showForm(call, draft, problemsOf(frame.words, answer.refusal)),
    };
  const { client, secret, credentials, accessToken } = answer.value;
  return issuedPage(frame, {
    appName: client.name,
    appId: client.id,
    kind: kindOf(client),
    what: 'registered',
    approved: client.stage === 'approved',
    secret,
    token: credentials?.token ?? accessToken,
    tokenSecret: credentials?.secret ?? null,
    samples: sampleFacts(world, client, answer.value),
  });
}

/** Registering an app: a question, a form, and what it leads to. */
export function newAppRoutes(app: FastifyInstance, world: World): void {
  const developers = { right: RIGHTS.propose };
  showPage(
    app,
    world,
    '/my/apps/new',
    async (call) => {
      const [copied, kind] = [call.query.get('copy'), call.query.get('kind')];
      if (copied !== undefined) return copyOf(call, copied);
      const from = cameFrom(call);
      if (isKind(kind)) return showForm(call, exempt(emptyDraft(kind), from), noProblems);
      return choosePage(call.frame, {
        mayRegister: call.user.emailConfirmedAt === null ? 'no-email' : 'yes',
        from,
      });
    },
    developers,
  );
  takeForm(app, world, '/my/apps/new', register, developers);
}
