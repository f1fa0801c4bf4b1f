/** Requests to other servers. */
export interface HttpClient {
  /**
   * Posts a body and answers with the status; redirects are not followed. Throws when there is no
   * answer within `timeoutMs`.
   */
  post(
    url: string,
    headers: Readonly<Record<string, string>>,
    body: string,
    timeoutMs: number,
  ): Promise<number>;
}

/** Requests over the global fetch. */
export function makeHttpClient(): HttpClient {
  return {
    async post(url, headers, body, timeoutMs) {
      const answer = await fetch(url, {
        method: 'POST',
        headers: { ...headers },
        body,
        // Only the address that the operator wrote down gets to see what is posted.
        redirect: 'manual',
        signal: AbortSignal.timeout(timeoutMs),
      });
      // Nobody reads it: an endless body would otherwise hold the connection.
      await answer.body?.cancel();
      return answer.status;
    },
  };
}
