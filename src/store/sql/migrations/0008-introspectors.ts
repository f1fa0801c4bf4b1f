/**
 * Apps that the operator named to ask about the access tokens of every app. Nobody is named by
 * itself.
 */
export const introspectors = `
ALTER TABLE clients ADD COLUMN introspector INTEGER NOT NULL DEFAULT 0;
`;
