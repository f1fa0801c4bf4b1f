import type { FastifyReply } from 'fastify';
import { redirectLocally } from '#http/redirects.ts';
import { notePage } from '#pages/note.template.ts';
import { identifyPageVisitor, pageFrame, sendPage } from '#pages/respond.ts';
import { readOnlyError, unsupportedVersionError } from '../../messages.ts';
import { handleAuthorize } from './authorize.ts';
import { handleIdentify } from './identify.ts';
import { handleInitiate } from './initiate.ts';
import { sendError } from './responses.ts';
import { handleRestRedirect } from './rest-redirect.ts';
import {
  parseParameters,
  type SpecialPageDependencies,
  type SpecialRequest,
} from './special-request.ts';
import { handleToken } from './token.ts';
import { handleUnknownAction } from './unknown-action.ts';
import { handleVerified } from './verified.ts';

const versionedSubpages =
  /^(?:initiate|authorize|authenticate|token|identify|verified|grants|approve)$/;
const changingSubpages = /^(?:initiate|authorize|authenticate|token|approve)$/;

/** Answers a request to a subpage of Special:OAuth; empty: to the page itself. */
export async function handleSpecialPage(
  dependencies: SpecialPageDependencies,
  { request, reply }: Pick<SpecialRequest, 'request' | 'reply'>,
  subpage: string,
): Promise<FastifyReply> {
  const { services } = dependencies;
  const form = parseParameters(request);
  const call = { request, reply, form, format: form.get('format') ?? 'raw' };
  const version = Math.trunc(Number.parseFloat(form.get('oauth_version') ?? '1')) || 0;
  const expectedVersion = subpage === 'approve' ? 2 : 1;
  if (versionedSubpages.test(subpage) && version !== expectedVersion)
    return sendError(services, call, unsupportedVersionError(version));
  // Who they are is still told; nothing new is begun (registry 8.1).
  if (services.registry.readOnly !== null && changingSubpages.test(subpage))
    return sendError(services, call, readOnlyError(services.registry.readOnly));
  switch (subpage) {
    case 'initiate':
      return handleInitiate(dependencies, call);
    case 'token':
      return handleToken(dependencies, call);
    case 'identify':
      return handleIdentify(dependencies, call);
    case 'authorize':
    case 'authenticate':
      return handleAuthorize(dependencies, call, subpage);
    case 'verified':
      return handleVerified(dependencies, call);
    case 'grants':
      return redirectLocally(reply, '/scopes');
    case 'rest_redirect':
      return handleRestRedirect(dependencies, call);
    case '': {
      const visitor = await identifyPageVisitor(services, request, reply);
      return sendPage(reply, 200, notePage(pageFrame(services, visitor), 'connecting'));
    }
    default:
      return handleUnknownAction(dependencies, call);
  }
}
