import type { FastifyInstance } from 'fastify';
import { digestOf } from '#keys/digest.ts';
import { consentPage } from '#pages/consent.ts';
import type { AuthorizationRequest } from '#registry/authorization-request.ts';
import type { Client } from '#registry/client.ts';
import { currentConsent } from '#registry/consents.ts';
import { hindrance } from '#registry/policy.ts';
import { destinationOf } from '#wire/browser-uri.ts';
import { refusalForPerson } from '../answers.ts';
import { permissionGroups } from '../app-views.ts';
import { carryBack, carryOut, handleOf, pending } from '../decision.ts';
import { pageForm } from '../sent.ts';
import { formIsOurs, frameOf, refuseForm, seeOther, sendNote, sendPage, signInFor, visitorOf } from '../visitor.ts';
import type { World } from '../world.ts';

/** Host, or scheme of an app on the device, that the person will be sent to. */
function placeOf(request: AuthorizationRequest, client: Client): string | null {
  const uri = request.asked.protocol === 'oauth2' ? request.asked.redirectUri : client.redirectUri;
  return destinationOf(uri);
}

/** The page where a person decides, and their decision; both protocols (house rule: the form carries the decision and nothing else). */
export function consentRoutes(app: FastifyInstance, world: World): void {
  app.get('/authorize/:handle', async (request, reply) => {
    const visitor = await visitorOf(world, request, reply);
    if (visitor.user === null) return seeOther(reply, signInFor(request));
    const asked = await pending(world, handleOf(request), visitor.user);
    const client = asked && (await world.records.findClient(asked.clientId));
    if (asked === undefined || client === undefined) return sendNote(world, reply, visitor, 404, 'request-gone');
    const owner = await world.records.findAccount(client.ownerId);
    const why = hindrance(client, visitor.user, { newConsent: true });
    const earlier = (await currentConsent(world.records, client, visitor.user, world.site))?.scopes ?? [];
    // An app that takes no new users still serves those who allowed all it asks for.
    if (why && !(why.kind === 'client-halted' && why.halted === 'consents' && asked.scopes.every((scope) => earlier.includes(scope)))) {
      const { status, note, values } = refusalForPerson({ kind: 'consumer_key_refused', client, why });
      return sendNote(world, reply, visitor, status, note, values);
    }
    const page = consentPage(frameOf(world, visitor), {
      appName: client.name,
      appDescription: client.description,
      ownerName: owner?.name ?? null,
      site: world.sites.nameOf(client.site) ?? null,
      groups: permissionGroups(
        world,
        visitor.words,
        ({ name }) => asked.scopes.includes(name) && !earlier.includes(name),
        client.optionalScopes,
      ),
      allowedBefore: permissionGroups(
        world,
        visitor.words,
        ({ name }) => asked.scopes.includes(name) && earlier.includes(name),
        client.optionalScopes,
      ),
      userName: visitor.user.name,
      returnsTo: placeOf(asked, client),
      proposed: client.stage === 'proposed',
      popup: asked.display === 'popup',
    });
    return sendPage(reply, 200, page);
  });

  app.post('/authorize/:handle', async (request, reply) => {
    const visitor = await visitorOf(world, request, reply);
    if (visitor.user === null) return seeOther(reply, signInFor(request));
    if (!formIsOurs(world, request, visitor)) return refuseForm(world, reply, visitor);
    const form = pageForm(request);
    const [accepted, cancelled] = [form.get('accept') !== undefined, form.get('cancel') !== undefined];
    if (accepted === cancelled) return sendNote(world, reply, visitor, 400, 'yes-or-no');
    if ((await pending(world, handleOf(request), visitor.user)) === undefined) return sendNote(world, reply, visitor, 404, 'request-gone');
    // Of two decisions on one request, one gets it.
    const asked = await world.requests.takeRequest(digestOf(handleOf(request)), world.clock.now());
    const client = asked && (await world.records.findClient(asked.clientId));
    if (asked === undefined || client === undefined) return sendNote(world, reply, visitor, 404, 'request-gone');
    if (cancelled) return carryBack(world, reply, { ...visitor, user: visitor.user }, asked, client);
    // It may have been switched off while the page was open.
    const why = hindrance(client, visitor.user);
    if (why) {
      const { status, note, values } = refusalForPerson({ kind: 'consumer_key_refused', client, why });
      return sendNote(world, reply, visitor, status, note, values);
    }
    // What was asked for, less what may be left out and was.
    const scopes = asked.scopes.filter((scope) => !client.optionalScopes.includes(scope) || form.get(`scope.${scope}`) !== undefined);
    const withdrawn = asked.scopes.filter((scope) => !scopes.includes(scope) && form.get(`before.${scope}`) !== undefined);
    return carryOut(world, request, reply, { ...visitor, user: visitor.user }, { ...asked, scopes }, client, { withdrawn });
  });
}
