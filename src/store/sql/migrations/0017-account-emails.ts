/**
 * Emails about accounts wait in the outbox with everything else that is sent. Their contents hold
 * the secrets of links, so they are encrypted, and blanked when the email is delivered or given up.
 */
export const accountEmails = `
ALTER TABLE notices ADD COLUMN encrypted_email TEXT;
ALTER TABLE notices ADD COLUMN expires_at INTEGER;
`;
