import { type Client, needsRedirectUri } from '#registry/model/client.ts';
import { type Revision, revisedFields } from '#registry/model/revision.ts';
import type { Team } from '#registry/model/team.ts';
import { DAY } from '#registry/usage.ts';
import type { DisplayChange, DisplayValue } from '../audit-table.ts';
import type { RequestedAppView } from './requested-app.template.ts';
import type { ReviewScene } from './review-scene.ts';

/** Fields in the order a reviewer reads them; some are for one protocol alone. */
function reviewFields(client: Client): readonly (keyof Client)[] {
  const { protocol, redirectUri } = client;
  const isOAuth2 = protocol === 'oauth2';
  const hasRedirect = redirectUri !== '' || needsRedirectUri(client);
  return [
    'name',
    'version',
    'description',
    'scopes',
    'optionalScopes',
    ...(hasRedirect ? (['redirectUri'] as const) : []),
    ...(hasRedirect && !isOAuth2 ? (['redirectIsPrefix'] as const) : []),
    'site',
    'email',
    'ownerOnly',
    'protocol',
    ...(isOAuth2
      ? (['confidential', 'grantTypes', 'pkceOptional', 'introspector', 'tokenAlgorithm'] as const)
      : (['rsaPublicKey'] as const)),
    'restrictions',
    'id',
  ];
}

/** The open change beside what is in force. */
const revisionChanges = (
  { client, isVisible, formatField }: ReviewScene,
  { fields }: Revision,
): Promise<readonly DisplayChange[]> =>
  Promise.all(
    revisedFields
      .filter((field) => JSON.stringify(client[field]) !== JSON.stringify(fields[field]))
      .map(async (field) =>
        isVisible(field)
          ? {
              field,
              before: await formatField(field, client[field]),
              after: await formatField(field, fields[field]),
            }
          : { field, before: { kind: 'hidden' }, after: { kind: 'hidden' } },
      ),
  );

/** What a change would make of the app. */
export async function makeChangeView(
  scene: ReviewScene,
  revision: Revision,
): Promise<NonNullable<RequestedAppView['change']>> {
  const { registry, client, words, isVisible, lookUpName } = scene;
  const changesRedirect = revision.fields.redirectUri !== client.redirectUri;
  return {
    by:
      revision.proposedBy === null
        ? words.say('frame.operator')
        : await lookUpName(revision.proposedBy),
    at: revision.proposedAt,
    changes: await revisionChanges(scene, revision),
    warnings:
      isVisible('redirectUri') && changesRedirect
        ? registry.redirectWarnings({ ...client, ...revision.fields })
        : [],
  };
}

type FieldRow = RequestedAppView['fields'][number];

async function fieldRow(
  { client, fieldHiddenReason, formatField }: ReviewScene,
  field: keyof Client,
): Promise<FieldRow> {
  const hidden = fieldHiddenReason(field);
  if (hidden === undefined) return { field, value: await formatField(field, client[field]) };
  return { field, value: { kind: hidden === 'private' ? 'private' : 'hidden' } };
}

async function maintainersRow(
  { words, lookUpName }: ReviewScene,
  { maintainers }: Team,
): Promise<readonly FieldRow[]> {
  if (maintainers.length === 0) return [];
  const items = await Promise.all(
    maintainers.map(async ({ userId, acceptedAt }) => ({
      text: await lookUpName(userId),
      ...(acceptedAt === null ? { risk: words.say('review.invited') } : {}),
    })),
  );
  return [{ field: 'maintainers', value: { kind: 'list', items } }];
}

/** The facts of an app, each with its value as this reviewer may see it. */
export async function makeFieldRows(scene: ReviewScene, team: Team): Promise<readonly FieldRow[]> {
  const { client, words, queries } = scene;
  const text = (value: string): DisplayValue => ({ kind: 'text', text: value });
  const lastUsedDay = (await queries.lastUsed('client', [client.id])).get(client.id);
  const lastUsed =
    lastUsedDay === undefined ? words.say('frame.never') : words.formatDate(lastUsedDay * DAY);
  return [
    ...(await Promise.all(reviewFields(client).map((field) => fieldRow(scene, field)))),
    ...(await maintainersRow(scene, team)),
    { field: 'registeredAt', value: text(words.formatDateTime(client.registeredAt)) },
    { field: 'stageAt', value: text(words.formatDateTime(client.stageAt)) },
    { field: 'lastUsed', value: text(lastUsed) },
  ];
}
