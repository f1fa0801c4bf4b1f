import type { OAuth1 } from '#oauth1/oauth1.ts';
import type { OAuth2 } from '#oauth2/oauth2.ts';

/**
 * The same verb twice: over facts that may be some hundred milliseconds old, and over the store.
 * The quick one may say yes. Whatever it refuses is asked of the store, so that nobody is kept out
 * by a memory; it must have spent nothing by then.
 */
const quickly =
  <A extends readonly unknown[], T>(
    quick: (...asked: A) => Promise<T>,
    sure: (...asked: A) => Promise<T>,
    yes: (answer: T) => boolean,
  ) =>
  async (...asked: A): Promise<T> => {
    const answer = await quick(...asked);
    return yes(answer) ? answer : sure(...asked);
  };
const isOk = ({ ok }: { readonly ok: boolean }) => ok;

/**
 * Request tokens and checks of signed requests; what they are exchanged for, and people's
 * decisions, are the store's alone.
 */
export function quickOAuth1(quick: OAuth1, sure: OAuth1): OAuth1 {
  return {
    ...sure,
    initiate: quickly(quick.initiate, sure.initiate, isOk),
    authenticateRequest: quickly(quick.authenticateRequest, sure.authenticateRequest, isOk),
  };
}

/** Introspection and checks of tokens, and tokens for an app itself. */
export function quickOAuth2(quick: OAuth2, sure: OAuth2): OAuth2 {
  const token = quickly(quick.token, sure.token, isOk);
  return {
    ...sure,
    // What a token request buys lasts for longer than any memory. Only the grant that is stored on
    // condition that the client is still what was judged may be judged from one; codes and refresh
    // tokens, which are spent by being refused, are the store's.
    token: (request) =>
      request.form.get('grant_type') === 'client_credentials'
        ? token(request)
        : sure.token(request),
    introspect: quickly(
      quick.introspect,
      sure.introspect,
      (answer) => answer.ok && answer.value.active,
    ),
    authenticateToken: quickly(quick.authenticateToken, sure.authenticateToken, isOk),
  };
}
