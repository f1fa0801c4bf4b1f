/** Requests to other servers. */
export interface Web {
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
