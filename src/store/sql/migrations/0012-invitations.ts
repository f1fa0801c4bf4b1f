/** People who do not want to be invited, nor to be offered apps. */
export const invitations = `
CREATE TABLE invitations_declined (user_id INTEGER PRIMARY KEY REFERENCES accounts (id));
`;
