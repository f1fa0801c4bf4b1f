import { html } from 'hono/html';
import { bidiIsolate, csrfField, messageWithHtml, timeElement } from '../components.ts';
import type { Frame, Html } from '../frame.ts';
import type { MessageKey, Words } from '../words.ts';

// Who reviews what.

/** Who reviews something. */
export interface AssignmentView {
  readonly reviewer: string | null;
  readonly isMine: boolean;
  readonly assignedAt: number;
}

/** Who reviews it, in a cell of the queue. */
export const assignmentText = (words: Words, assignment: AssignmentView): Html =>
  assignment.isMine
    ? messageWithHtml(words, 'review.claim-mine', {
        since: timeElement(words, assignment.assignedAt),
      })
    : messageWithHtml(words, 'review.claim-other', {
        reviewer: bidiIsolate(assignment.reviewer ?? words.say('frame.nobody')),
        since: timeElement(words, assignment.assignedAt),
      });

/** The same on the page of the app, with what it means. */
const assignmentSentence = (words: Words, assignment: AssignmentView): Html =>
  assignment.isMine
    ? messageWithHtml(words, 'review.claim-is-mine', {
        since: timeElement(words, assignment.assignedAt),
      })
    : messageWithHtml(words, 'review.claim-is-other', {
        reviewer: bidiIsolate(assignment.reviewer ?? words.say('frame.nobody')),
        since: timeElement(words, assignment.assignedAt),
      });

/** The button that opens what has waited longest. */
export const nextReviewButton = (frame: Frame): Html =>
  html`<form method="post" action="/review/next">${csrfField(frame)}<button name="next" value="1">${frame.words.say('review.next')}</button></form>`;

/** Who looks at the app, and the button that changes it. */
export function assignmentPart(
  frame: Frame,
  { id, assignment }: { readonly id: string; readonly assignment: AssignmentView | null },
): Html {
  const { words } = frame;
  const button = (verb: 'claim' | 'release', key: MessageKey, name: string = verb) =>
    html`<form method="post" action="/review/${id}/${verb}">${csrfField(frame)}<button class="second" name="${name}" value="1">${words.say(key)}</button></form>`;
  const part = (tone: 'quiet' | 'advice', text: Html | string, action: Html) =>
    html`<p class="${tone}">${text}</p>
<div class="buttons">${action}</div>`;
  if (assignment === null)
    return part('quiet', words.say('review.claim-free'), button('claim', 'review.claim-take'));
  const sentence = assignmentSentence(words, assignment);
  return assignment.isMine
    ? part('quiet', sentence, button('release', 'review.claim-end'))
    : part('advice', sentence, button('claim', 'review.claim-over', 'over'));
}
