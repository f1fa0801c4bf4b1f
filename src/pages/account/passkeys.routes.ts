import type { Accounts } from '#accounts/accounts.ts';
import { notFound, type PageResponse, type PageRouter, type SignedInCall } from '../page.ts';
import { type AccountProblem, accountProblems, refusalStatus } from './account-problems.ts';
import { sendPasskeyOptions } from './passkey-options.ts';
import { passkeysPage, type RefusedPasskeyForm } from './passkeys.template.ts';

export interface PasskeyDependencies {
  readonly accounts: Pick<
    Accounts,
    'passkeysOf' | 'passkeyOptions' | 'addPasskey' | 'renamePasskey' | 'removePasskey'
  >;
}

/** A person's passkeys: add, rename, remove. */
export function passkeyRoutes(
  { getPage, postForm }: PageRouter,
  dependencies: PasskeyDependencies,
): void {
  const { accounts } = dependencies;

  getPage('/account/passkeys', (call) => showPasskeys(dependencies, call), 'signed-in');

  postForm(
    '/account/passkeys/options',
    async (call) =>
      sendPasskeyOptions(
        call,
        await accounts.passkeyOptions(call.user, call.form.get('password') ?? ''),
      ),
    'signed-in',
  );

  postForm(
    '/account/passkeys',
    async (call) => {
      const label = call.form.get('label') ?? '';
      const answer = await accounts.addPasskey(call.user, label, call.form.get('answer') ?? '');
      if (answer.ok) return { to: '/account/passkeys?done=passkey-added' };
      const form = { id: null, action: 'add', label } as const;
      return showRefusedForm(dependencies, call, form, answer.refusal);
    },
    'signed-in',
  );

  postForm(
    '/account/passkeys/rename',
    async (call) => {
      const [id, label] = [call.form.get('passkey') ?? '', call.form.get('label') ?? ''];
      const answer = await accounts.renamePasskey(call.user, id, label);
      if (answer.ok) return { to: '/account/passkeys?done=saved' };
      const { kind } = answer.refusal;
      if (kind === 'unknown') return notFound;
      return showRefusedForm(dependencies, call, { id, action: 'rename', label }, { kind });
    },
    'signed-in',
  );

  postForm(
    '/account/passkeys/remove',
    async (call) => {
      const id = call.form.get('passkey') ?? '';
      const answer = await accounts.removePasskey(call.user, id, call.form.get('password') ?? '');
      if (answer.ok) return { to: '/account/passkeys?done=passkey-removed' };
      const { refusal } = answer;
      if (refusal.kind === 'unknown') return notFound;
      const form = { id, action: 'remove', label: '' } as const;
      return showRefusedForm(dependencies, call, form, refusal);
    },
    'signed-in',
  );
}

async function showPasskeys(
  { accounts }: PasskeyDependencies,
  { frame, user }: SignedInCall,
  refused: RefusedPasskeyForm | null = null,
  label = '',
) {
  const keys = await accounts.passkeysOf(user);
  return passkeysPage(frame, {
    passkeys: keys.map((key) => ({
      id: key.id,
      label: key.label,
      addedAt: key.createdAt,
      lastUsedAt: key.lastUsedAt,
    })),
    refused,
    label,
  });
}

/** The controls of the forms, by what is refused. */
const controls = {
  add: { 'wrong-label': 'label' },
  rename: { 'wrong-label': 'label' },
  remove: { 'wrong-password': 'password' },
} as const satisfies Record<RefusedPasskeyForm['action'], Readonly<Record<string, string>>>;

/** The page once more, with what was typed into the form that was refused. */
async function showRefusedForm(
  dependencies: PasskeyDependencies,
  call: SignedInCall,
  { id, action, label }: Pick<RefusedPasskeyForm, 'id' | 'action'> & { readonly label: string },
  refusal: AccountProblem,
): Promise<PageResponse> {
  const problems = accountProblems(call.frame.words, refusal, controls[action]);
  return {
    status: refusalStatus(call.reply, refusal),
    page: await showPasskeys(dependencies, call, { id, action, problems }, label),
  };
}
