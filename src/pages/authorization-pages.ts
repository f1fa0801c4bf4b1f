import type { AuthorizationPages } from '#http/oauth/authorization-pages.ts';
import type { Services } from '#http/world.ts';
import { redirectToSignIn } from './account/sign-in-first.ts';
import { continueAuthorization } from './consent/authorization.ts';
import { authorizationErrorNote } from './consent/authorization-notes.ts';
import { keepLanguage, redirectToClient, sendMessage, sendNote, toPageVisitor } from './respond.ts';
import { noteTexts } from './words.ts';

/** What authorization endpoints lead a person to. */
export const makeAuthorizationPages = (services: Services): AuthorizationPages => ({
  signInFirst(request, reply, path) {
    keepLanguage(services, request, reply);
    return redirectToSignIn(services, request, reply, { path });
  },
  continueAuthorization(request, reply, visitor, pendingRequest, client, options) {
    const pageVisitor = toPageVisitor(services, request, reply, visitor);
    return continueAuthorization(
      services,
      request,
      reply,
      pageVisitor,
      pendingRequest,
      client,
      options,
    );
  },
  sendAuthorizationError(request, reply, visitor, { refusal, text }) {
    const pageVisitor = toPageVisitor(services, request, reply, visitor);
    const { status, note, values } = authorizationErrorNote(refusal);
    if (text === undefined) return sendNote(services, reply, pageVisitor, status, note, values);
    const { title } = noteTexts(pageVisitor.words, note, values);
    return sendMessage(services, reply, pageVisitor, status, title, text);
  },
  sendTooLarge: (request, reply, visitor) =>
    sendNote(services, reply, toPageVisitor(services, request, reply, visitor), 413, 'too-large'),
  redirectToClient(request, reply, to) {
    keepLanguage(services, request, reply);
    return redirectToClient(reply, to);
  },
});
