/** How far an app is suspended, under the words that the API and the pages use. */
export const suspension = `
ALTER TABLE clients ADD COLUMN suspension TEXT NOT NULL DEFAULT 'none';
UPDATE clients SET suspension = CASE halted WHEN 'consents' THEN 'new-consents' WHEN 'tokens' THEN 'all' ELSE 'none' END;
ALTER TABLE clients DROP COLUMN halted;
`;
