/**
 * What finds the rows that used to stay: the sealed answers of used refresh tokens, which are of no
 * use once the grace is over, and the days on which things were last used. The first index holds
 * the rotations of the last minute or so alone.
 */
export const growth = `
CREATE INDEX refresh_answers ON refresh_tokens (used_at) WHERE answer_sealed IS NOT NULL;
CREATE INDEX last_used_by_day ON last_used (kind, day);
`;
