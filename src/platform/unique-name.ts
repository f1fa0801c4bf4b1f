import { randomBytes } from 'node:crypto';

/** Names a draft beside a file: no other process, and no other draft of this one, has it. */
export const uniqueName = () => `${process.pid}.${randomBytes(4).toString('hex')}`;
