/** One message to one person. */
export interface Letter {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  /**
   * With angle brackets (RFC 5322 §3.6.4). The same for every attempt, so that a repetition can be
   * recognised.
   */
  readonly messageId: string;
}

/** Letters to people. */
export interface Mail {
  /**
   * Sends a letter. `refused`: it will never be taken (RFC 5321 §4.2.1, 5yz); the reply and status
   * code alone, as servers repeat the address in their words. Anything that may be better later
   * throws, and the fault's `code` tells what happened.
   */
  send(letter: Letter): Promise<'sent' | { readonly refused: string }>;
}
