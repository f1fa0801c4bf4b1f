/**
 * Requests of people who have not signed in yet, whose addresses are too long to be carried in ours
 * (ADR 27).
 */
export const keptRequests = `
CREATE TABLE kept_requests (digest TEXT PRIMARY KEY, path TEXT NOT NULL, expires_at INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX kept_requests_by_expiry ON kept_requests (expires_at);
`;
