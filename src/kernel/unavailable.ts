import { type Seconds, seconds } from './time.ts';

/**
 * A fault that may be over soon: what is asked of cannot be reached, does not answer, or is too
 * busy. Nothing is known to have been stored. HTTP answers 503 with Retry-After (RFC 9110 §15.6.4).
 * The message carries no secret and no address.
 */
export class Unavailable extends Error {
  override readonly name = 'Unavailable';
  /** When asking again makes sense. */
  readonly retryAfter: Seconds;

  constructor(message: string, retryAfter = 1, options: ErrorOptions = {}) {
    super(message, options);
    this.retryAfter = seconds(retryAfter);
  }
}

/** True for a fault that may be over soon. */
export const isUnavailable = (fault: unknown): fault is Unavailable => fault instanceof Unavailable;
