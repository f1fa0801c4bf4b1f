import { parsePageCursor } from '#http/paging.ts';
import type { UserId } from '#kernel/ids.ts';
import type { Values } from '#registry/actions/fields.ts';
import type { Client, Restrictions } from '#registry/model/client.ts';
import { NO_USER_ID } from '#registry/queries/people.ts';
import type { SignedInCall } from '../page.ts';
import { parseAddresses } from './own-app.ts';

/** The end of a day, as Unix seconds; a text that is no day is judged by the registry. */
const endOfDay = (day: string | undefined): { readonly expiresAt?: number } =>
  day === undefined ? {} : { expiresAt: Math.floor(Date.parse(`${day}T23:59:59Z`) / 1000) };

/** Finds the account of a person who was named; undefined: there is none. */
type FindUserId = (name: string) => Promise<UserId | undefined>;

/** What a form about an app does. */
export interface AppAction {
  /** Name in the registry. */
  readonly action: string;
  /** What the form says, as the registry's action takes it. */
  values(call: SignedInCall, client: Client, findUserId: FindUserId): Promise<Values> | Values;
  /** What is said on the page that follows, and where that is. */
  readonly doneQuery: string;
  readonly to?: 'list';
  readonly issuesCredential?: 'secret' | 'reset';
  /** Done from the list, by somebody who does not manage the app yet. */
  readonly isInvited?: true;
}

const noValues = () => ({});
const idFromForm = (name: string) => (call: SignedInCall) => ({
  [name]: parsePageCursor(call.form.get('id')) ?? 0,
});
const userFromForm =
  (field: string) => async (call: SignedInCall, _client: Client, findUserId: FindUserId) => ({
    userId: (await findUserId((call.form.get(field) ?? '').trim())) ?? NO_USER_ID,
  });

/** The small forms of the page of an app, and of the list, by the last part of their address. */
export const appActions: Readonly<Record<string, AppAction>> = {
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
