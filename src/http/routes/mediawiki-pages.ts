import type { FastifyReply } from 'fastify';
import type { FormValues } from '#wire/form.ts';
import { seeOther } from '../visitor.ts';

// The reference's pages for people (registry 8), by the addresses that are in people's bookmarks and in old mails.

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
  const params = new URLSearchParams(Object.entries(values).filter((pair): pair is [string, string] => Boolean(pair[1])));
  return params.size === 0 ? '' : `?${params}`;
};

function registration(sub: string): string {
  const [action = '', rest = ''] = sub.split('/', 2);
  // Whoever registers by this address registers a client of the reference, which knows no PKCE for apps that keep a secret.
  if (action === 'propose' && rest === 'oauth1a') return '/my/apps/new?kind=oauth1';
  if (action === 'propose') return `/my/apps/new${query({ kind: rest === 'oauth2' ? 'server' : undefined, from: 'mediawiki' })}`;
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

/** Leads from a page of the reference to ours, with its parameters; undefined: it has no such page. */
export function pageInstead(reply: FastifyReply, page: string, sub: string, form: FormValues): FastifyReply | undefined {
  switch (page) {
    case 'oauthconsumerregistration':
    case 'oauthregistration':
      return seeOther(reply, registration(sub));
    case 'oauthlistconsumers':
      return seeOther(reply, directory(sub, form));
    case 'oauthmanageconsumers':
      return seeOther(reply, review(sub));
    case 'oauthmanagemygrants':
    case 'oauthgrants':
      return seeOther(reply, '/consents');
    default:
      return undefined;
  }
}
