/**
 * What the independence of reviewers is judged by: who took part in an app and does not any more,
 * and what a first yes was said to. A yes of the version before says nothing of that and counts no
 * more. Of the past, the trail names whoever proposed an app, joined it, took it over, or changed
 * it.
 */
export const independence = `
ALTER TABLE approvals ADD COLUMN subject TEXT NOT NULL DEFAULT '';
CREATE TABLE involvements (
  client_id TEXT NOT NULL REFERENCES clients (id) ON DELETE CASCADE, user_id INTEGER NOT NULL, part TEXT NOT NULL, until INTEGER NOT NULL,
  PRIMARY KEY (client_id, user_id, part)) WITHOUT ROWID;
INSERT INTO involvements (client_id, user_id, part, until)
  SELECT a.client_id, a.actor_id, 'proposer', max(a.at) FROM audit a JOIN clients c ON c.id = a.client_id
  WHERE a.actor_id IS NOT NULL AND a.action IN ('propose', 'propose-autoapproved', 'create-owner-only') GROUP BY a.client_id, a.actor_id;
INSERT INTO involvements (client_id, user_id, part, until)
  SELECT a.client_id, a.actor_id, 'maintainer', max(a.at) FROM audit a JOIN clients c ON c.id = a.client_id
  WHERE a.actor_id IS NOT NULL AND a.action IN ('join', 'leave', 'invite', 'accept-offer', 'update', 'add-secret', 'retire-secret', 'revise', 'narrow',
    'revise-autoapproved', 'withdraw-revision') GROUP BY a.client_id, a.actor_id;
`;
