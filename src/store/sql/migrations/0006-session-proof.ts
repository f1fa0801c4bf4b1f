/**
 * When and how the person of a session last proved who they are. Sessions opened before have none,
 * and are asked for one when it matters.
 */
export const sessionProof = `
ALTER TABLE sessions ADD COLUMN proven_at INTEGER;
ALTER TABLE sessions ADD COLUMN proven_by TEXT;
`;
