import type { FastifyReply, FastifyRequest } from 'fastify';
import { type FormParameters, makeFormParameters } from '#encoding/form.ts';
import { rawRequestOf } from '#http/request.ts';
import type { Protocols, Services } from '#http/world.ts';
import { readDialectParameters } from '../../php-parameters.ts';
import type { ProfileSubjectOf } from '../profile-subject.ts';

/** What the endpoints at Special:OAuth work with. */
export interface SpecialPageDependencies {
  readonly services: Services;
  /** Both protocols under the dialect's profile. */
  readonly protocols: Protocols;
  readonly subjectOf: ProfileSubjectOf;
}

/** A request to Special:OAuth. */
export interface SpecialRequest {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly form: FormParameters;
  /** The format of the answer that was asked for; `raw` where none was. */
  readonly format: string;
}

/** Query and form together, as they are signed. */
export const parseParameters = (request: FastifyRequest): FormParameters =>
  makeFormParameters(readDialectParameters(rawRequestOf(request)));
