import type { FastifyReply, FastifyRequest } from 'fastify';
import { parseQuery } from '#http/request.ts';
import { sendJson } from '#http/responses.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import { managerOf } from '#registry/actor.ts';
import { hiddenReason } from '#registry/visibility.ts';
import { bodyProblem, failureData, toListedClient } from '../../client-management.ts';
import { restLayerError } from '../../oauth2-errors.ts';
import { authenticateReader, type ClientDependencies } from './caller.ts';

const MAX_LISTED = 500;

/** Which part of a list is asked for. */
interface ListRequest {
  readonly limit: number;
  readonly offset: number;
  readonly protocol: 'oauth1' | 'oauth2';
}

/** Reads the query; refused with the body of the answer. */
function parseListRequest(request: FastifyRequest): Result<ListRequest, object> {
  const pairs = parseQuery(request);
  const query: Readonly<Record<string, string>> = Object.fromEntries(pairs.ok ? pairs.value : []);
  const parseInteger = (name: 'limit' | 'offset', fallback: number) => {
    const text = query[name] ?? String(fallback);
    return /^\d{1,6}$/.test(text) ? Number(text) : undefined;
  };
  const refuseValue = (name: string, code: string) => {
    const text = `${name} has a value that does not fit.`;
    const shape = bodyProblem(
      name,
      (query[name] ?? '').slice(0, 64),
      code,
      text,
      failureData(code),
    );
    return refuse({ ...shape, errorKey: 'rest-parameter-validation-error' });
  };
  const limit = parseInteger('limit', 25);
  if (limit === undefined) return refuseValue('limit', 'badinteger');
  const offset = parseInteger('offset', 0);
  if (offset === undefined) return refuseValue('offset', 'badinteger');
  const version = query.oauth_version ?? '2';
  if (version !== '1' && version !== '2') return refuseValue('oauth_version', 'badvalue');
  return accept({ limit, offset, protocol: version === '1' ? 'oauth1' : 'oauth2' });
}

/** Lists the apps of whoever asks. */
export async function handleList(
  dependencies: ClientDependencies,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { services } = dependencies;
  const actor = await authenticateReader(dependencies, request, reply);
  if (actor === undefined) return reply;
  const me = actor.kind === 'person' ? actor.account : null;
  if (me === null) {
    const text = 'There is no account behind this request.';
    return sendJson(reply, 404, restLayerError(404, 'rest-nonexistent-user', text));
  }
  const asked = parseListRequest(request);
  if (!asked.ok) return sendJson(reply, 400, asked.refusal);
  const { limit, offset, protocol } = asked.value;
  // A token without the scope for managing apps sees what a stranger would: no hidden ones, no
  // contact address.
  const canManageApps = managerOf(actor) !== null;
  const registry = services.registry.query(actor);
  const filter = { ownerId: me.id, protocol } as const;
  const limitedCount = Math.min(limit, MAX_LISTED);
  const { items: clients } =
    limitedCount === 0
      ? { items: [] }
      : await registry.listClients({ ...filter, limit: offset + limitedCount });
  return sendJson(reply, 200, {
    clients: clients
      .slice(offset)
      .map((client) =>
        toListedClient(
          client,
          (field) => hiddenReason(field, client, actor, canManageApps) === undefined,
          services.origin,
        ),
      ),
    total: await registry.countClients(filter),
  });
}
