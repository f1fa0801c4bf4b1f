/**
 * Codes and refresh tokens say at which addresses they were bought (ADR 20). A code of the moment
 * of the upgrade counts as the core's, and ends within ten minutes. Refresh tokens from before
 * count as the dialect's, which are good at both: what people allowed goes on.
 *
 * An app may carry a mark that it sends plain challenges, until a day; only an importer sets one.
 * Confidential apps that could leave PKCE out at the dialect until now, whatever their registration
 * said, are told of at the first start after the upgrade, once.
 */
export const protocolProfiles = `
ALTER TABLE codes ADD COLUMN profile TEXT NOT NULL DEFAULT 'core';
ALTER TABLE refresh_tokens ADD COLUMN profile TEXT NOT NULL DEFAULT 'mediawiki';
ALTER TABLE clients ADD COLUMN plain_pkce_until INTEGER;
INSERT INTO settings (name, value) SELECT 'tell-of-pkce', 'once' WHERE EXISTS (SELECT 1 FROM clients
  WHERE protocol = 'oauth2' AND confidential = 1 AND pkce_optional = 0 AND owner_only = 0 AND grant_types LIKE '%authorization_code%');
`;
