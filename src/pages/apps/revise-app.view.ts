import type { Client } from '#registry/model/client.ts';
import type { RevisedFields } from '#registry/model/revision.ts';
import type { Registry } from '#registry/registry.ts';
import { type FieldDependencies, makeFieldFormatter } from '../audit-entries.ts';
import { noProblems } from '../form-problems.ts';
import type { SignedInCall } from '../page.ts';
import { type DraftDependencies, formChoices } from './app-draft.ts';
import type { AppDraft } from './app-fields.template.ts';
import type { PreviewView, ReviseView } from './revise-app.template.ts';
import { describeRevisionChanges } from './revision-changes.ts';

export interface ReviseViewDependencies extends DraftDependencies, FieldDependencies {
  readonly registry: Pick<Registry, 'query' | 'takesEffectImmediately'>;
  readonly sites: DraftDependencies['sites'] & FieldDependencies['sites'];
}

const replacesOpenRevision = async (
  { registry }: ReviseViewDependencies,
  { actor }: SignedInCall,
  client: Client,
): Promise<boolean> => (await registry.query(actor).openRevision(client)) !== undefined;

/** The form of a change. */
export const makeReviseView = async (
  dependencies: ReviseViewDependencies,
  call: SignedInCall,
  client: Client,
  {
    draft,
    etag,
    problems = noProblems,
  }: Pick<ReviseView, 'draft' | 'etag'> & Partial<Pick<ReviseView, 'problems'>>,
): Promise<ReviseView> => ({
  appId: client.id,
  appName: client.name,
  draft,
  choices: formChoices(dependencies, call.frame.words),
  etag,
  problems,
  replacesOpenRevision: await replacesOpenRevision(dependencies, call, client),
});

/** The values of a draft as fields, to be sent again. */
function hiddenFields(
  draft: AppDraft,
  ignoreWarnings: boolean,
): readonly (readonly [string, string])[] {
  const {
    name,
    description,
    redirectUri,
    redirectIsPrefix,
    site,
    access,
    scopes,
    optional,
    reason,
  } = draft;
  return [
    ...Object.entries({ name, description, redirectUri, site, access, reason }),
    ...(redirectIsPrefix ? [['redirectIsPrefix', '1'] as const] : []),
    ...[...scopes].map((scope) => [`scope.${scope}`, '1'] as const),
    ...[...optional].map((scope) => [`optional.${scope}`, '1'] as const),
    ...(ignoreWarnings ? [['ignore_warnings', '1'] as const] : []),
  ];
}

/** What would change, with everything that was sent. */
export async function makePreviewView(
  dependencies: ReviseViewDependencies,
  call: SignedInCall,
  client: Client,
  next: RevisedFields,
  {
    draft,
    etag,
    ignoreWarnings,
  }: { readonly draft: AppDraft; readonly etag: string; readonly ignoreWarnings: boolean },
): Promise<PreviewView> {
  const { registry } = dependencies;
  const lookUpPerson = registry.query(call.actor).personLookup();
  const formatField = makeFieldFormatter(dependencies, call.frame.words, lookUpPerson);
  return {
    appId: client.id,
    appName: client.name,
    etag,
    differences: await describeRevisionChanges(client, next, formatField),
    appliesImmediately: registry.takesEffectImmediately(client, next),
    replacesOpenRevision: await replacesOpenRevision(dependencies, call, client),
    fields: hiddenFields(draft, ignoreWarnings),
  };
}
