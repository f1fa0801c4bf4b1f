import type { ClientId } from '#kernel/ids.ts';
import type { RegistryRecords } from '#registry/records.ts';
import type { Driver } from '../driver.ts';
import { inEachDialect } from './dialect.ts';
import { toAccount, toApproval, toInvolvement, toMaintainer, toOffer, toRevision } from './rows.ts';
import type { Row } from './schema.ts';
import { execute, fetchAll, fetchOne, sql } from './statement.ts';

const findOpenRevision = sql<Row<'revisions'>>(
  `SELECT * FROM revisions WHERE client_id = :client AND stage = 'proposed'`,
);

const selectRevisions = sql<Row<'revisions'>>(
  `SELECT * FROM revisions WHERE client_id = :client ORDER BY id DESC`,
);

const selectMaintainers = sql<Row<'maintainers'>>(
  `SELECT * FROM maintainers WHERE client_id = :client ORDER BY invited_at, user_id`,
);

const findOffer = sql<Row<'offers'>>(`SELECT * FROM offers WHERE client_id = :client`);

const selectInvitations = sql<{ client_id: string; kind: 'maintain' | 'own' }>(`
  SELECT client_id, 'maintain' AS kind FROM maintainers WHERE user_id = :user AND accepted_at IS NULL
  UNION ALL SELECT client_id, 'own' AS kind FROM offers WHERE to_id = :user`);

const findOpenInvitation = sql<{ found: number }>(
  `SELECT 1 AS found FROM maintainers WHERE user_id = :to AND invited_by = :from AND accepted_at IS NULL LIMIT 1`,
);

const findDeclined = sql<{ found: number }>(
  `SELECT 1 AS found FROM invitations_declined WHERE user_id = :user`,
);

const insertDeclined = sql(
  `INSERT INTO invitations_declined (user_id) VALUES (:user) ON CONFLICT DO NOTHING`,
);

const deleteDeclined = sql(`DELETE FROM invitations_declined WHERE user_id = :user`);

const selectApprovals = sql<Row<'approvals'>>(
  `SELECT * FROM approvals WHERE client_id = :client AND revision_id = :revision ORDER BY at`,
);

const selectInvolvements = sql<Row<'involvements'>>(
  `SELECT * FROM involvements WHERE client_id = :client ORDER BY until, user_id, part`,
);

const selectAccountsInGroups = sql<Row<'accounts'>>(
  inEachDialect(
    ({ selectJsonTexts }) => `
  SELECT * FROM accounts WHERE blocked = 0
    AND EXISTS (${selectJsonTexts('accounts.groups')} INTERSECT ${selectJsonTexts(':groups')})
  ORDER BY id LIMIT :limit`,
  ),
);

type TeamVerbs =
  | 'openRevision'
  | 'listRevisions'
  | 'teamOf'
  | 'invitationsOf'
  | 'hasOpenInvitation'
  | 'declinesInvitations'
  | 'setInvitationsDeclined'
  | 'approvalsOf'
  | 'involvementsIn'
  | 'listAccountsInGroups';

/** Answers who has to do with a client: revisions, maintainers, offers and approvals. */
export function makeTeamStore(driver: Driver): Pick<RegistryRecords, TeamVerbs> {
  return {
    async openRevision(client) {
      const row = await driver.read(fetchOne(findOpenRevision, { client }));
      return row && toRevision(row);
    },
    listRevisions: async (client) =>
      (await driver.read(fetchAll(selectRevisions, { client }))).map(toRevision),
    teamOf: (client) =>
      driver.read(
        (function* () {
          const rows = yield* fetchAll(selectMaintainers, { client });
          const offered = yield* fetchOne(findOffer, { client });
          return { maintainers: rows.map(toMaintainer), offer: offered ? toOffer(offered) : null };
        })(),
      ),
    invitationsOf: async (user) =>
      (await driver.read(fetchAll(selectInvitations, { user }))).map(({ client_id, kind }) => ({
        clientId: client_id as ClientId,
        kind,
      })),
    hasOpenInvitation: async (from, to) =>
      (await driver.read(fetchOne(findOpenInvitation, { from, to }))) !== undefined,
    declinesInvitations: async (user) =>
      (await driver.read(fetchOne(findDeclined, { user }))) !== undefined,
    setInvitationsDeclined: async (user, off) =>
      void (await driver.write(
        () => execute(off ? insertDeclined : deleteDeclined, { user }),
        'autocommit',
      )),
    approvalsOf: async (client, revisionId) =>
      (await driver.read(fetchAll(selectApprovals, { client, revision: revisionId ?? 0 }))).map(
        toApproval,
      ),
    involvementsIn: async (client) =>
      (await driver.read(fetchAll(selectInvolvements, { client }))).map(toInvolvement),
    listAccountsInGroups: async (groups, limit) =>
      groups.length === 0
        ? []
        : (
            await driver.read(
              fetchAll(selectAccountsInGroups, { groups: JSON.stringify(groups), limit }),
            )
          ).map(toAccount),
  };
}
