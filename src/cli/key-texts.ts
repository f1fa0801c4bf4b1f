export const NO_KEYS_YET =
  'there are no keys yet: they are made when the server starts for the first time';
