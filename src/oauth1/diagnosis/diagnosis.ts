import type { RawRequest } from '#encoding/raw-request.ts';
import type { Instant } from '#kernel/time.ts';
import type { SignedRequest } from '../parse.ts';
import type { OAuth1Profile } from '../profile.ts';
import type { SignatureMethod } from '../signature.ts';
import type { Finding } from './finding.ts';

/** A request to be explained, and what is known of the way it went. */
export interface RequestToDiagnose {
  readonly rawRequest: RawRequest;
  /** Scheme, host and port that somebody typed, as they stood there; none: nobody did. */
  readonly typedOrigins?: readonly string[];
  /** Paths that a proxy may have put in front or taken away. */
  readonly prefixes?: readonly string[];
  /** When it came; null: not known, as of one that was pasted. */
  readonly receivedAt?: Instant | null;
  /** The base string of the developer's own library; empty: not given. */
  readonly clientBaseString?: string;
  /** What it was refused for, when it was. */
  readonly refusal?: string | null;
}

/** What signatures are checked with. */
export interface DiagnosisSecrets {
  /** None: the app has no secret now, or it was not given. */
  readonly clientSecrets: readonly string[];
  /** Empty without a token; null: the token is not known. */
  readonly tokenSecret: string | null;
  readonly publicKeyPem: string | null;
}

/** What the server signs over, step by step (RFC 5849 §3.4.1). */
export interface SignedParts {
  readonly method: string;
  readonly baseStringUri: string;
  readonly normalizedParams: string;
  readonly baseString: string;
}

/** What the server makes of a request. Never a secret. */
export interface Diagnosis {
  /** The name of the profile it was read by. */
  readonly profile: string;
  /** Null: the request cannot be read. */
  readonly signed: SignedParts | null;
  /** 'not-checked': the secret or key is not known, or the method is not served. */
  readonly verdict: 'right' | 'wrong' | 'no-signature' | 'not-checked' | 'not-read';
  /**
   * What is to be said, each of it true: what refuses the request first, then what is known of the
   * signature.
   */
  readonly findings: readonly Finding[];
}

/** What of a diagnosis depends on who asks. */
export interface DiagnosisContext {
  /** Null: there is no clock to compare with. */
  readonly now: Instant | null;
  /** What it means that there is no client secret. */
  readonly secretMissing: 'no-secret' | 'secret-not-given';
}

export type Judgement = Pick<Diagnosis, 'verdict' | 'findings'>;

export interface SignatureCase {
  readonly request: RequestToDiagnose;
  readonly signed: SignedRequest;
  readonly given: string;
  readonly method: SignatureMethod;
  readonly texts: readonly string[];
  readonly origin: string;
  readonly profile: OAuth1Profile;
  readonly secrets: DiagnosisSecrets;
}
