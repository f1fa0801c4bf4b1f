import type { FastifyReply, FastifyRequest } from 'fastify';
import type { FormParameters } from '#encoding/form.ts';
import type { UnservedRequest } from './unserved-requests.ts';

// How errors look that no handler answers. The server knows its own protocols and its API; what a
// page or a dialect looks like is handed in.

/** How an error looks to a person in a browser. */
export interface ErrorPages {
  /** Sends the page that says why a request is not served. */
  send(
    request: FastifyRequest,
    reply: FastifyReply,
    status: number,
    problem: UnservedRequest,
  ): Promise<FastifyReply>;
}

/** The body of an answer that is no page. */
export interface ErrorBody {
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An error at a path of a dialect, in words for developers. */
export interface DialectError {
  readonly kind: UnservedRequest['kind'];
  readonly status: number;
  readonly text: string;
  readonly path: string;
  /** What of the query could be read: in it a client may name the form of errors. */
  readonly query: FormParameters;
  /** Under what the error is logged, where it is ours. */
  readonly reference: string | undefined;
}

/** Errors at the paths of a dialect, in its shape. */
export interface DialectErrors {
  /**
   * Who asks at a path of the dialect: programs alone, or also people, who get a page. Null: the
   * path is not the dialect's.
   */
  audienceOf(path: string): 'programs' | 'people' | null;
  /** The body of an error at a path of the dialect. */
  formatError(error: DialectError): ErrorBody;
  /** Endpoints, each by the names that clients of other servers try. */
  readonly endpoints: Readonly<Record<string, RegExp>>;
  /** Most bytes that are read of a body at a path; undefined: as everywhere. */
  maxBodyBytesAt(path: string): number | undefined;
}
