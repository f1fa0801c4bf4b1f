import type { FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import type { Actor } from '#registry/actor.ts';
import type { RegistryRefusal } from '#registry/refusals.ts';
import type { Services } from '../world.ts';

/** Scopes of our own: what an app may do with the registry in a person's name. */
export const apiScopes = {
  clients: 'gatehouse:clients',
  review: 'gatehouse:review',
  consents: 'gatehouse:consents',
  audit: 'gatehouse:audit',
} as const;
export type ApiScope = (typeof apiScopes)[keyof typeof apiScopes];

/** Who calls, and everything a handler needs. */
export interface ApiCall<P = Readonly<Record<string, string>>, Q = unknown, B = unknown> {
  readonly services: Services;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly actor: Actor;
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  /** The change token of `If-Match` (RFC 9110 §13.1.1), if one was sent. */
  readonly ifMatch: string | undefined;
}

/** What a handler says: a value with its status, or a refusal of the registry. */
export type ApiResponse =
  | {
      readonly status: number;
      readonly body?: unknown;
      readonly headers?: Readonly<Record<string, string>>;
    }
  | { readonly refusal: RegistryRefusal };

/** One route of the API: what is documented is what is checked. */
export interface ApiRoute {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** With `:name` for parameters, below /api/v1. */
  readonly path: string;
  readonly id: string;
  readonly summary: string;
  readonly tag: string;
  /**
   * The scope a token needs; null: any signed-in caller; 'public': open to all, and a caller who
   * says who they are may see more.
   */
  readonly scope: ApiScope | null | 'public';
  readonly params?: z.ZodType;
  readonly query?: z.ZodType;
  readonly body?: z.ZodType;
  readonly answer: {
    readonly status: number;
    readonly schema?: z.ZodType;
    readonly media?: string;
  };
  /** Codes of refusals that are particular to this route. */
  readonly refusals: readonly RegistryRefusal['kind'][];
  handle(call: ApiCall<never, never, never>): Promise<ApiResponse>;
}

/** Declares a route with the types its schemas promise. */
export const route = <
  P extends z.ZodType = z.ZodType,
  Q extends z.ZodType = z.ZodType,
  B extends z.ZodType = z.ZodType,
>(
  definition: Omit<ApiRoute, 'params' | 'query' | 'body' | 'handle'> & {
    readonly params?: P;
    readonly query?: Q;
    readonly body?: B;
    readonly handle: (call: ApiCall<z.output<P>, z.output<Q>, z.output<B>>) => Promise<ApiResponse>;
  },
): ApiRoute => definition as unknown as ApiRoute;
