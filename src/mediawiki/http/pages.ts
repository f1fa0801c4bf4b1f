import type { FastifyReply, FastifyRequest } from 'fastify';
import { type FormValues, formValues } from '#encoding/form.ts';
import { ownPath, seeOther } from '#http/session.ts';
import type { World } from '#http/world.ts';
import { returnTo } from '#pages/account/sign-in-first.ts';
import { pageOf } from '../titles.ts';

// The reference's pages for people (registry 8), by the addresses that are in people's bookmarks
// and in old mails.

const key = /^[0-9a-f]{32}$/;
const stages: Readonly<Record<string, string>> = {
  '-1': 'any',
  '0': 'proposed',
  '1': 'approved',
  '2': 'rejected',
  '3': 'expired',
  '4': 'disabled',
  '5': 'configured',
};

const query = (values: Readonly<Record<string, string | undefined>>): string => {
  const params = new URLSearchParams(
    Object.entries(values).filter((pair): pair is [string, string] => Boolean(pair[1])),
  );
  return params.size === 0 ? '' : `?${params}`;
};

function registration(sub: string): string {
  const [action = '', rest = ''] = sub.split('/', 2);
  // Whoever registers by this address registers a client of the reference, which knows no PKCE for
  // apps that keep a secret.
  if (action === 'propose' && rest === 'oauth1a') return '/my/apps/new?kind=oauth1';
  if (action === 'propose')
    return `/my/apps/new${query({ kind: rest === 'oauth2' ? 'server' : undefined, from: 'mediawiki' })}`;
  if (action === 'copy' && key.test(rest)) return `/my/apps/new?copy=${rest}`;
  if (action === 'update' && key.test(rest)) return `/my/apps/${rest}`;
  return '/my/apps';
}

function directory(sub: string, form: FormValues): string {
  const [action = '', rest = ''] = sub.split('/', 2);
  if (action === 'view' && key.test(rest)) return `/apps/${rest}`;
  const stage = form.get('stage');
  return `/apps${query({ q: form.get('name'), owner: form.get('publisher'), stage: stage === undefined ? undefined : stages[stage] })}`;
}

function review(sub: string): string {
  const last = sub.split('/').at(-1) ?? '';
  if (key.test(last)) return `/review/${last}`;
  return `/review${query({ show: last === 'proposed' ? 'waiting' : Object.values(stages).find((stage) => stage === last && stage !== 'any') })}`;
}

/** The log of what happened to apps: whose acts, and which; undefined: another log. */
function log(sub: string, form: FormValues): string | undefined {
  const type = (form.get('type') ?? sub.split('/', 1)[0] ?? '').toLowerCase();
  return type === 'mwoauthconsumer'
    ? `/audit${query({ actor: form.get('user'), action: form.get('subtype') })}`
    : undefined;
}

/**
 * The page a person wanted to see before they signed in there: a title and a query. Only one that
 * leads somewhere here.
 */
function wantedPage(form: FormValues): string {
  const [title, rest] = [form.get('returnto') ?? '', form.get('returntoquery') ?? ''].map((text) =>
    text.toWellFormed(),
  ) as [string, string];
  const page = pageOf(title);
  const known =
    page.kind === 'oauth' ||
    (page.kind === 'special' && ourPage(page.name, page.sub, formValues([])) !== undefined);
  // A title in a path: colons and slashes stay.
  const path = encodeURIComponent(title.trim().replace(/[\s_]+/g, '_'))
    .replace(/%3A/g, ':')
    .replace(/%2F/g, '/');
  return known
    ? ownPath(
        `/wiki/${path}${rest === '' ? '' : `?${rest.replace(/[^\x21-\x7e]|\\/gu, encodeURIComponent)}`}`,
      )
    : '/';
}

/** Our page for one of the reference's, with its parameters; undefined: it has no such page. */
function ourPage(page: string, sub: string, form: FormValues): string | undefined {
  switch (page) {
    case 'oauthconsumerregistration':
    case 'oauthregistration':
      return registration(sub);
    case 'oauthlistconsumers':
      return directory(sub, form);
    case 'oauthmanageconsumers':
      return review(sub);
    case 'oauthmanagemygrants':
    case 'oauthgrants':
      return '/consents';
    case 'listgrants':
      return '/scopes';
    case 'log':
      return log(sub, form);
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
export async function pageInstead(
  world: World,
  request: FastifyRequest,
  reply: FastifyReply,
  page: string,
  sub: string,
  form: FormValues,
): Promise<FastifyReply | undefined> {
  const signUp =
    page === 'createaccount' ||
    (page === 'userlogin' && (sub === 'signup' || form.get('type') === 'signup'));
  if (signUp || page === 'userlogin') {
    const back = await returnTo(world, request, wantedPage(form));
    return seeOther(
      reply,
      `/${signUp ? 'register' : 'sign-in'}${query({ returnto: back === '/' ? undefined : back })}`,
    );
  }
  const ours = ourPage(page, sub, form);
  return ours === undefined ? undefined : seeOther(reply, ours);
}
