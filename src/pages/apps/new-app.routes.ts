import type { FastifyInstance } from 'fastify';
import { findVisibleClient } from '#http/app-access.ts';
import { pageStatusOf } from '#http/responses.ts';
import type { Services } from '#http/world.ts';
import { RIGHTS } from '#registry/actor.ts';
import { hiddenReason } from '#registry/visibility.ts';
import { type FormProblem, noProblems } from '../form-problems.ts';
import { getPage, type PageResponse, postForm } from '../page.ts';
import { kindOf } from './app.template.ts';
import { codeSampleValues } from './app.view.ts';
import {
  draftFromClient,
  emptyDraft,
  formChoices,
  isAppKind,
  parseAppDraft,
  proposalValues,
} from './app-draft.ts';
import { type AppDraft, chooseAppKindPage, newAppPage } from './app-forms.template.ts';
import { issuedCredentialsPage } from './credentials.template.ts';
import { notFound, type SignedInCall } from './own-app.ts';
import { refusalFormProblems } from './refusal-problems.ts';

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

type RegistrationOrigin = 'mediawiki' | null;

/**
 * The dialect whose registration address led to the page, or to the form that is sent, as long as
 * it is served.
 */
const registrationOrigin = ({
  services,
  request,
  query,
  form,
}: SignedInCall): RegistrationOrigin =>
  (request.method === 'POST' ? form : query).get('from') === 'mediawiki' &&
  services.dialect !== null
    ? 'mediawiki'
    : null;

/**
 * At the dialect the exemption from PKCE comes with the registration (ADR 20): the form shows it,
 * ticked, and it is the developer's to take away.
 */
const applyPkceExemption = (draft: AppDraft, origin: RegistrationOrigin): AppDraft =>
  origin === 'mediawiki' && draft.kind === 'server' ? { ...draft, pkceOptional: true } : draft;

function showForm(
  call: SignedInCall,
  draft: AppDraft,
  problems: readonly FormProblem[],
  copiedFrom: string | null = null,
): ReturnType<typeof newAppPage> {
  const { services, frame, user } = call;
  return newAppPage(frame, {
    draft,
    choices: formChoices(services, frame.words),
    problems,
    email: user.email ?? '',
    copiedFrom,
    dialect: registrationOrigin(call),
  });
}

/** A form filled in from an app of one's own. */
async function copyApp(call: SignedInCall, id: string): Promise<PageResponse> {
  const client = await findVisibleClient(call, id);
  if (client === undefined || client.ownerId !== call.user.id || client.managed) return notFound;
  if (hiddenReason('name', client, call.actor, true) !== undefined) return notFound;
  const draft = { ...draftFromClient(call.services, client), version: nextVersion(client.version) };
  return showForm(
    call,
    applyPkceExemption(draft, registrationOrigin(call)),
    noProblems,
    `${client.name} ${client.version}`,
  );
}

/** Registers an app. The answer carries its credentials: nowhere else are they shown. */
async function register(call: SignedInCall): Promise<PageResponse> {
  const { services, actor, user, frame, form } = call;
  const kind = form.get('kind');
  if (!isAppKind(kind)) return { to: '/my/apps/new' };
  const draft = parseAppDraft(services, kind, form);
  const answer = await services.registry.submit(
    actor.kind === 'person' && registrationOrigin(call) === 'mediawiki'
      ? { ...actor, dialect: 'mediawiki' }
      : actor,
    'propose',
    proposalValues(draft, user.email ?? '', form.get('ignore_warnings') !== undefined),
  );
  if (!answer.ok && answer.refusal.kind === 'reauthentication_required')
    return { reauthenticate: true };
  if (!answer.ok)
    return {
      status: pageStatusOf(answer.refusal),
      page: showForm(call, draft, refusalFormProblems(frame.words, answer.refusal)),
    };
  const { client, secret, credentials, accessToken } = answer.value;
  return issuedCredentialsPage(frame, {
    appName: client.name,
    appId: client.id,
    kind: kindOf(client),
    issuedFor: 'registered',
    approved: client.stage === 'approved',
    secret,
    token: credentials?.token ?? accessToken,
    tokenSecret: credentials?.secret ?? null,
    samples: codeSampleValues(services, client, answer.value),
  });
}

/** Registering an app: a question, a form, and what it leads to. */
export function newAppRoutes(app: FastifyInstance, services: Services): void {
  const developers = { right: RIGHTS.propose };
  getPage(
    app,
    services,
    '/my/apps/new',
    async (call) => {
      const [copiedId, kind] = [call.query.get('copy'), call.query.get('kind')];
      if (copiedId !== undefined) return copyApp(call, copiedId);
      const origin = registrationOrigin(call);
      if (isAppKind(kind))
        return showForm(call, applyPkceExemption(emptyDraft(kind), origin), noProblems);
      return chooseAppKindPage(call.frame, {
        mayRegister: call.user.emailConfirmedAt === null ? 'no-email' : 'yes',
        from: origin,
      });
    },
    developers,
  );
  postForm(app, services, '/my/apps/new', register, developers);
}
