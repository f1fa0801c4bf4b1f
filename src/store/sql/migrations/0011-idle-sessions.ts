/**
 * When a session was used last, and when it ends however much it is used; `expires_at` is when it
 * ends unless it is used before. Null in sessions of the version before: they began to be idle when
 * they were opened, and end when they expire.
 */
export const idleSessions = `
ALTER TABLE sessions ADD COLUMN active_at INTEGER;
ALTER TABLE sessions ADD COLUMN ends_at INTEGER;
`;
