import type { OAuth1 } from '#oauth1/oauth1.ts';
import type { OAuth2 } from '#oauth2/oauth2.ts';

/**
 * The same verb twice: over facts that may be some hundred milliseconds old, and over the store.
 * The cached one may accept. Whatever it refuses is asked of the store, so that nobody is kept out
 * by a memory; it must have spent nothing by then.
 */
const cachedFirst =
  <A extends readonly unknown[], T>(
    cached: (...asked: A) => Promise<T>,
    authoritative: (...asked: A) => Promise<T>,
    isPositive: (answer: T) => boolean,
  ) =>
  async (...args: A): Promise<T> => {
    const answer = await cached(...args);
    return isPositive(answer) ? answer : authoritative(...args);
  };
const isOk = ({ ok }: { readonly ok: boolean }) => ok;

/**
 * Request tokens and checks of signed requests; what they are exchanged for, and people's
 * decisions, are the store's alone.
 */
export function cachedOAuth1(cached: OAuth1, authoritative: OAuth1): OAuth1 {
  return {
    ...authoritative,
    issueTemporaryCredentials: cachedFirst(
      cached.issueTemporaryCredentials,
      authoritative.issueTemporaryCredentials,
      isOk,
    ),
    authenticateRequest: cachedFirst(
      cached.authenticateRequest,
      authoritative.authenticateRequest,
      isOk,
    ),
  };
}

/** Introspection and checks of tokens, and tokens for an app itself. */
export function cachedOAuth2(cached: OAuth2, authoritative: OAuth2): OAuth2 {
  const cachedToken = cachedFirst(cached.issueTokens, authoritative.issueTokens, isOk);
  return {
    ...authoritative,
    // What a token request buys lasts for longer than any memory. Only the grant that is stored on
    // condition that the client is still what was judged may be judged from one; codes and refresh
    // tokens, which are spent by being refused, are the store's.
    issueTokens: (request) =>
      request.form.get('grant_type') === 'client_credentials'
        ? cachedToken(request)
        : authoritative.issueTokens(request),
    introspectToken: cachedFirst(
      cached.introspectToken,
      authoritative.introspectToken,
      (answer) => answer.ok && answer.value.active,
    ),
    authenticateToken: cachedFirst(cached.authenticateToken, authoritative.authenticateToken, isOk),
  };
}
