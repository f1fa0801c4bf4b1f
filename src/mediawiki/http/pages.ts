import type { FastifyReply, FastifyRequest } from 'fastify';
import { type FormParameters, makeFormParameters } from '#encoding/form.ts';
import { redirectLocally, safeLocalPath } from '#http/redirects.ts';
import { requestOriginOf } from '#http/session.ts';
import type { Services } from '#http/world.ts';
import { returnToValue } from '#pages/account/sign-in-first.ts';
import { MEDIAWIKI } from '../oauth1-profile.ts';
import { parsePageTitle } from '../titles.ts';

// The reference's pages for people (registry 8), by the addresses that are in people's bookmarks
// and in old mails.

const consumerKeyPattern = /^[0-9a-f]{32}$/;
const stageNames: Readonly<Record<string, string>> = {
  '-1': 'any',
  '0': 'proposed',
  '1': 'approved',
  '2': 'rejected',
  '3': 'expired',
  '4': 'disabled',
  '5': 'configured',
};

const queryString = (values: Readonly<Record<string, string | undefined>>): string => {
  const params = new URLSearchParams(
    Object.entries(values).filter((pair): pair is [string, string] => Boolean(pair[1])),
  );
  return params.size === 0 ? '' : `?${params}`;
};

function registrationPath(sub: string): string {
  const [action = '', rest = ''] = sub.split('/', 2);
  // Whoever registers by this address registers a client of the reference, which knows no PKCE for
  // apps that keep a secret.
  if (action === 'propose' && rest === 'oauth1a') return '/my/apps/new?kind=oauth1';
  if (action === 'propose')
    return `/my/apps/new${queryString({ kind: rest === 'oauth2' ? 'server' : undefined, from: MEDIAWIKI })}`;
  if (action === 'copy' && consumerKeyPattern.test(rest)) return `/my/apps/new?copy=${rest}`;
  if (action === 'update' && consumerKeyPattern.test(rest)) return `/my/apps/${rest}`;
  return '/my/apps';
}

function directoryPath(sub: string, form: FormParameters): string {
  const [action = '', rest = ''] = sub.split('/', 2);
  if (action === 'view' && consumerKeyPattern.test(rest)) return `/apps/${rest}`;
  const stage = form.get('stage');
  return `/apps${queryString({ q: form.get('name'), owner: form.get('publisher'), stage: stage === undefined ? undefined : stageNames[stage] })}`;
}

function reviewPath(sub: string): string {
  const last = sub.split('/').at(-1) ?? '';
  if (consumerKeyPattern.test(last)) return `/review/${last}`;
  return `/review${queryString({ show: last === 'proposed' ? 'waiting' : Object.values(stageNames).find((stage) => stage === last && stage !== 'any') })}`;
}

/** The log of what happened to apps: whose acts, and which; undefined: another log. */
function auditLogPath(sub: string, form: FormParameters): string | undefined {
  const type = (form.get('type') ?? sub.split('/', 1)[0] ?? '').toLowerCase();
  return type === 'mwoauthconsumer'
    ? `/audit${queryString({ actor: form.get('user'), action: form.get('subtype') })}`
    : undefined;
}

/**
 * The page a person wanted to see before they signed in there: a title and a query. Only one that
 * leads somewhere here.
 */
function returnPath(form: FormParameters): string {
  const [title, rest] = [form.get('returnto') ?? '', form.get('returntoquery') ?? ''].map((text) =>
    text.toWellFormed(),
  ) as [string, string];
  const page = parsePageTitle(title);
  const isKnown =
    page.kind === 'oauth' ||
    (page.kind === 'special' &&
      localPath(page.name, page.subpage, makeFormParameters([])) !== undefined);
  // A title in a path: colons and slashes stay.
  const path = encodeURIComponent(title.trim().replace(/[\s_]+/g, '_'))
    .replace(/%3A/g, ':')
    .replace(/%2F/g, '/');
  return isKnown
    ? safeLocalPath(
        `/wiki/${path}${rest === '' ? '' : `?${rest.replace(/[^\x21-\x7e]|\\/gu, encodeURIComponent)}`}`,
      )
    : '/';
}

/** Our page for one of the reference's, with its parameters; undefined: it has no such page. */
function localPath(page: string, sub: string, form: FormParameters): string | undefined {
  switch (page) {
    case 'oauthconsumerregistration':
    case 'oauthregistration':
      return registrationPath(sub);
    case 'oauthlistconsumers':
      return directoryPath(sub, form);
    case 'oauthmanageconsumers':
      return reviewPath(sub);
    case 'oauthmanagemygrants':
    case 'oauthgrants':
      return '/consents';
    case 'listgrants':
      return '/scopes';
    case 'log':
      return auditLogPath(sub, form);
    case 'passwordreset':
      return '/password/forgotten';
    case 'preferences':
    case 'changepassword':
    case 'changeemail':
    case 'changecredentials':
      return '/account';
    // Nobody is signed out by a link: the start page has a button.
    case 'userlogout':
      return '/';
    default:
      return undefined;
  }
}

/**
 * Leads from a page of the reference to ours, with its parameters; undefined: there is no such
 * page.
 */
export async function redirectReferencePage(
  services: Services,
  request: FastifyRequest,
  reply: FastifyReply,
  page: string,
  sub: string,
  form: FormParameters,
): Promise<FastifyReply | undefined> {
  const signUp =
    page === 'createaccount' ||
    (page === 'userlogin' && (sub === 'signup' || form.get('type') === 'signup'));
  if (signUp || page === 'userlogin') {
    const returnValue = await returnToValue(
      services,
      requestOriginOf(services, request),
      returnPath(form),
    );
    return redirectLocally(
      reply,
      `/${signUp ? 'register' : 'sign-in'}${queryString({ returnto: returnValue === '/' ? undefined : returnValue })}`,
    );
  }
  const target = localPath(page, sub, form);
  return target === undefined ? undefined : redirectLocally(reply, target);
}
