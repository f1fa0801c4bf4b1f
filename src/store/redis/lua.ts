import { createHash } from 'node:crypto';

/** A Lua script with the digest Redis keeps it under. */
export interface LuaScript {
  readonly text: string;
  readonly sha: string;
}

/**
 * Prepares a script. Every key it touches is handed in, and all of them share a hash tag, so that
 * it runs in a Cluster too.
 */
export const defineScript = (text: string): LuaScript => ({
  text,
  sha: createHash('sha1').update(text).digest('hex'),
});
