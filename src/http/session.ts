import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Account } from '#accounts/account.ts';
import type { Accounts } from '#accounts/accounts.ts';
import { DEVICE_COOKIE_TTL_SECONDS } from '#accounts/devices.ts';
import type { Proof } from '#accounts/records.ts';
import type { RightsTable } from '#accounts/rights.ts';
import type { RequestOrigin } from '#accounts/sessions.ts';
import type { Permit } from '#guard/permit.ts';
import type { IdGenerator } from '#keys/id-generator.ts';
import { type Actor, UNAUTHENTICATED } from '#registry/actor.ts';

/** What it takes to know who sent a request. */
export interface SessionDependencies {
  readonly accounts: Pick<Accounts, 'sessionOf' | 'rememberDevice'>;
  readonly rights: RightsTable;
  readonly idGenerator: IdGenerator;
  /** People reach us by https: cookies are locked to it. */
  readonly secure: boolean;
}

type CookieDependencies = Pick<SessionDependencies, 'secure'>;

/** The browser in front of us. */
export interface Visitor {
  readonly user: Account | null;
  /** The secret forms are proven with: the session's, or that of a form cookie before sign-in. */
  readonly secret: string;
  readonly signedIn: boolean;
  /**
   * When and how the person last proved who they are in this session; null: not known, or nobody is
   * signed in.
   */
  readonly proof: Proof | null;
}

const cookieName = ({ secure }: CookieDependencies, kind: 'session' | 'form' | 'device') =>
  `${secure ? '__Host-' : ''}gatehouse${kind === 'session' ? '' : `-${kind}`}`;

const cookieOptions = ({ secure }: CookieDependencies, maxAge?: number) =>
  ({
    path: '/',
    httpOnly: true,
    sameSite: 'lax',
    secure,
    ...(maxAge === undefined ? {} : { maxAge }),
  }) as const;

/** False where a browser sent no cookie that a form needs: it was removed, or is not accepted. */
export const hasFormCookie = (dependencies: CookieDependencies, request: FastifyRequest): boolean =>
  (['session', 'form'] as const).some(
    (kind) => request.cookies[cookieName(dependencies, kind)] !== undefined,
  );

/** Puts a session into the browser, in place of any other. */
export function startSession(
  dependencies: CookieDependencies,
  reply: FastifyReply,
  secret: string,
  seconds: number,
): void {
  reply.setCookie(
    cookieName(dependencies, 'session'),
    secret,
    cookieOptions(dependencies, seconds),
  );
  reply.clearCookie(cookieName(dependencies, 'form'), cookieOptions(dependencies));
}

/** Makes the browser known as one that this person signed in with. */
export const rememberDevice = (
  dependencies: Pick<SessionDependencies, 'accounts' | 'secure'>,
  request: FastifyRequest,
  reply: FastifyReply,
  user: Account,
): void =>
  void reply.setCookie(
    cookieName(dependencies, 'device'),
    dependencies.accounts.rememberDevice(request.cookies[cookieName(dependencies, 'device')], user),
    cookieOptions(dependencies, DEVICE_COOKIE_TTL_SECONDS),
  );

/** Takes the session out of the browser. */
export const clearSession = (dependencies: CookieDependencies, reply: FastifyReply): void =>
  void reply.clearCookie(cookieName(dependencies, 'session'), cookieOptions(dependencies));

/** Where a request comes from, for the list of sessions and for throttling. */
export const requestOriginOf = (
  dependencies: CookieDependencies,
  request: FastifyRequest,
): RequestOrigin => ({
  address: request.connectionInfo.address,
  isAddressKnown: request.connectionInfo.isAddressTrusted,
  agent: request.headers['user-agent'] ?? '',
  deviceCookie: request.cookies[cookieName(dependencies, 'device')],
});

/** The session of a signed-in browser, and its person. */
export async function sessionOf(
  dependencies: Pick<SessionDependencies, 'accounts' | 'secure'>,
  request: FastifyRequest,
): Promise<
  { readonly user: Account; readonly secret: string; readonly proof: Proof | null } | undefined
> {
  const secret = request.cookies[cookieName(dependencies, 'session')];
  const session = secret === undefined ? undefined : await dependencies.accounts.sessionOf(secret);
  return secret === undefined || session === undefined
    ? undefined
    : { user: session.account, secret, proof: session.proof };
}

/**
 * A person without an app between: their browser's session with every right of theirs, or a
 * stranger.
 */
export const personActor = (
  dependencies: Pick<SessionDependencies, 'rights'>,
  request: FastifyRequest,
  session: { readonly user: Account; readonly proof: Proof | null } | null,
  via: 'page' | 'api',
): Actor => ({
  kind: 'person',
  account: session?.user ?? null,
  rights: dependencies.rights.rightsOf(session?.user ?? null),
  address: request.connectionInfo.address,
  via,
  authentication: session === null ? UNAUTHENTICATED : { kind: 'session', proof: session.proof },
});

/** An app that acts for a person by a token or a signature, with what both may do. */
export const appActor = (
  request: FastifyRequest,
  { user, client, scopes, rights, coveredSite }: Permit,
): Actor => ({
  kind: 'person',
  account: user,
  rights,
  address: request.connectionInfo.address,
  via: 'api',
  authentication: { kind: 'app', clientId: client.id, scopes, site: coveredSite },
});

/**
 * Finds out who is there. A browser without a session gets a form cookie, so that its forms can be
 * proven too.
 */
export async function identifyVisitor(
  dependencies: Pick<SessionDependencies, 'accounts' | 'idGenerator' | 'secure'>,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<Visitor> {
  const session = await sessionOf(dependencies, request);
  if (session) return { ...session, signedIn: true };
  const formCookie = request.cookies[cookieName(dependencies, 'form')];
  const secret =
    formCookie !== undefined && /^[\w-]{51}$/.test(formCookie)
      ? formCookie
      : dependencies.idGenerator.secret();
  if (secret !== formCookie)
    reply.setCookie(cookieName(dependencies, 'form'), secret, cookieOptions(dependencies, 86_400));
  return { user: null, secret, signedIn: false, proof: null };
}

/** The person in front of a page, with every right of theirs. */
export const pageActor = (
  dependencies: Pick<SessionDependencies, 'rights'>,
  request: FastifyRequest,
  { user, proof }: Pick<Visitor, 'user' | 'proof'>,
): Actor => personActor(dependencies, request, user && { user, proof }, 'page');
