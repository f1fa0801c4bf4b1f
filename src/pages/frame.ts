import type { HtmlEscapedString } from 'hono/utils/html';
import type { MessageKey, Words } from './words.ts';

/**
 * HTML that is safe to send: everything put into a template is escaped unless it is itself Html.
 */
export type Html = HtmlEscapedString | Promise<HtmlEscapedString>;

/** Who is signed in, as the frame needs it. */
export interface FrameUser {
  readonly name: string;
  readonly mayPropose: boolean;
  readonly mayReview: boolean;
  readonly mayAdminister: boolean;
}

/** What every page knows. */
export interface Frame {
  readonly words: Words;
  readonly siteName: string;
  /** Null: nobody is signed in. */
  readonly user: FrameUser | null;
  /** Every form of the page has it. */
  readonly csrfToken: string;
  /**
   * Path and query of the page, for the links that change its language; null where it cannot be
   * asked for again.
   */
  readonly currentPath: string | null;
  /** What was just done, said on the page that follows. */
  readonly flashMessage: MessageKey | null;
}
