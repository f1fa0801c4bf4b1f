import type { ErrorPages } from '#http/error-pages.ts';
import { advertisedMethods } from '#http/fallback-texts.ts';
import { sessionOf } from '#http/session.ts';
import type { UnservedRequest } from '#http/unserved-requests.ts';
import type { Services } from '#http/world.ts';
import type { Frame } from './frame.ts';
import { notePage } from './note.template.ts';
import { pageFrame, resolveLanguage, sendPage } from './respond.ts';
import type { NoteKey } from './words.ts';

const notes: Partial<Record<UnservedRequest['kind'], NoteKey>> = {
  'not-found': 'not-found',
  method: 'method',
  'too-large': 'too-large',
  unavailable: 'fault',
  fault: 'fault',
};

/** The pages of errors that no handler answers. They keep the menu of whoever is signed in. */
export const makeErrorPages = (services: Services): ErrorPages => ({
  async send(request, reply, status, problem) {
    const words = resolveLanguage(request, null);
    const anonymousFrame: Frame = {
      words,
      siteName: services.siteName,
      user: null,
      csrfToken: '',
      currentPath: null,
      flashMessage: null,
    };
    // Only where nothing is wrong with the store.
    const session =
      status === 404 || status === 405
        ? await sessionOf(services, request).catch(() => undefined)
        : undefined;
    const frame =
      session === undefined
        ? anonymousFrame
        : pageFrame(services, {
            ...session,
            signedIn: true,
            words,
            currentPath: null,
            flashMessage: null,
          });
    const values =
      problem.kind === 'method'
        ? { methods: words.formatList(advertisedMethods(problem.allowed)) }
        : {};
    const reference = 'reference' in problem ? (problem.reference ?? null) : null;
    const note = notes[problem.kind] ?? 'unreadable';
    return sendPage(reply, status, notePage(frame, note, values, reference));
  },
});
