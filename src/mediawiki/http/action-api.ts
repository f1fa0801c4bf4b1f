import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type FormParameters, makeFormParameters } from '#encoding/form.ts';
import type { Guard, Permit } from '#guard/permit.ts';
import { csrfToken } from '#http/csrf.ts';
import { sendUnservedToProgram } from '#http/fallback-answers.ts';
import { hasUnreadBody, parseMultipartTexts } from '#http/multipart.ts';
import { hasOAuthCredentials, rawRequestOf } from '#http/request.ts';
import type { Services } from '#http/world.ts';
import { type ApiCaller, answerApiQuery } from '../api.ts';
import { formatApiError } from '../api-errors.ts';
import { guardToApiError, toApiProblem } from '../credential-errors.ts';
import type { DialectError } from '../messages.ts';
import { readDialectParameters } from '../php-parameters.ts';
import { toApiPerson } from '../statement.ts';
import { mediawikiErrors } from './errors.ts';
import type { ProfileSubjectOf } from './profile-subject.ts';

/** What api.php works with. */
export interface ActionApiDependencies {
  readonly services: Pick<Services, 'rights' | 'site' | 'siteName' | 'origin' | 'clock'>;
  /** Judges credentials under the dialect's profile. */
  readonly guard: Guard;
  readonly subjectOf: ProfileSubjectOf;
}

async function authenticateCaller(
  { services, guard }: ActionApiDependencies,
  request: FastifyRequest,
): Promise<Permit | DialectError | null> {
  if (!hasOAuthCredentials(request)) return null;
  const permit = await guard.permit(rawRequestOf(request), services.site);
  if (permit.ok) return permit.value;
  return guardToApiError(permit.refusal);
}

/**
 * Bots ask for a form token before they write. A request with OAuth credentials is its own proof,
 * so this one proves nothing and is not checked.
 */
const apiToken = (permit: Permit) =>
  csrfToken(`${permit.client.id} ${permit.user?.id}`).slice(0, 40);

/**
 * For whom a request is made: a stranger, an app for itself, or a person, with no more rights than
 * what was lent (ADR 17).
 */
function apiCallerOf(
  { services, subjectOf }: ActionApiDependencies,
  permit: Permit | null,
): ApiCaller {
  if (permit === null) return { person: null, rights: [...services.rights.rightsOf(null)] };
  const { user, scopes } = permit;
  return {
    person: user && toApiPerson(subjectOf(user, scopes)),
    rights: [...permit.rights],
  };
}

const answerQuery = (
  dependencies: ActionApiDependencies,
  request: FastifyRequest,
  form: FormParameters,
  permit: Permit | null,
) => {
  const { services } = dependencies;
  return answerApiQuery(
    form,
    apiCallerOf(dependencies, permit),
    {
      siteName: services.siteName,
      server: services.origin,
      siteId: services.site,
      now: new Date(services.clock.millis()),
      csrfToken: permit?.user ? apiToken(permit) : '',
    },
    { isBodyUnreadable: hasUnreadBody(request) },
  );
};

async function handleApi(
  dependencies: ActionApiDependencies,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  // Of a form of several parts nothing is signed, and its texts count as those of any other
  // (protocols 1.6).
  const texts = request.method === 'POST' ? await parseMultipartTexts(request) : [];
  if (texts === undefined)
    return sendUnservedToProgram(mediawikiErrors, request, reply, { kind: 'multipart' });
  const form = makeFormParameters([
    ...texts.toReversed(),
    ...readDialectParameters(rawRequestOf(request)),
  ]);
  const permit = await authenticateCaller(dependencies, request);
  const answer =
    permit !== null && 'key' in permit
      ? formatApiError(toApiProblem(permit), form)
      : answerQuery(dependencies, request, form, permit);
  if (answer.error !== null) reply.header('mediawiki-api-error', answer.error);
  // An API error is status 200 too: its clients read the body and the header above.
  return reply
    .code(200)
    .header('content-type', 'application/json; charset=utf-8')
    .header('cache-control', 'private, must-revalidate, max-age=0')
    .header('vary', 'Authorization')
    .send(JSON.stringify(answer.body));
}

/** The part of api.php that bots ask first. */
export function registerActionApi(app: FastifyInstance, dependencies: ActionApiDependencies): void {
  app.route({
    method: ['GET', 'POST'],
    url: '/w/api.php',
    handler: (request, reply) => handleApi(dependencies, request, reply),
  });
}
