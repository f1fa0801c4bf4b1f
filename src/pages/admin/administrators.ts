import { ADMINISTER_RIGHT } from '#accounts/rights.ts';

/** Who may see the pages of administration. */
export const administrators = { right: ADMINISTER_RIGHT } as const;

/** What changes who may do what asks for a recent proof as well (ADR 17). */
export const reauthenticatedAdministrators = { right: ADMINISTER_RIGHT, proven: true } as const;
