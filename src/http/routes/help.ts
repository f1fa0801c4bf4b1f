import type { FastifyInstance } from 'fastify';
import { type Diagnosis, differences } from '#oauth1/diagnose.ts';
import { parseSignedRequest, type SignedRequest } from '#oauth1/parse.ts';
import { MOST_PASTED_BYTES, readPastedRequest } from '#oauth1/pasted-request.ts';
import { type ExplainedView, type HelpView, helpPage } from '#pages/help.ts';
import type { Client } from '#registry/client.ts';
import type { Failure } from '#registry/failures.ts';
import type { Pair } from '#wire/form.ts';
import { type PageCall, showPage, takeForm } from '../page.ts';
import type { World } from '../world.ts';

const MOST_SHOWN = 50;

/** What was kept of a refused request, as one that can be explained; undefined: only names were kept. */
function keptRequest({ facts }: Failure): SignedRequest | undefined {
  const { method, path, params, signature } = facts as Record<string, unknown>;
  if (typeof method !== 'string' || typeof path !== 'string' || !Array.isArray(params) || typeof signature !== 'string') return undefined;
  const pairs = params as readonly Pair[];
  const oauth = new Map(pairs.filter(([name]) => name.startsWith('oauth_')));
  return { method, path, params: pairs, oauth: oauth.set('oauth_signature', signature), secure: true };
}

const viewOf = (diagnosis: Diagnosis, theirs: string): ExplainedView => ({
  method: diagnosis.method,
  uri: diagnosis.baseStringUri,
  parameters: diagnosis.normalizedParams,
  whole: diagnosis.baseString,
  verdict: diagnosis.verdict,
  cause: diagnosis.cause,
  differences: theirs.trim() === '' ? null : differences(diagnosis.baseString, theirs),
});

/** Help for developers whose requests are refused. */
export function helpRoutes(app: FastifyInstance, world: World): void {
  type Call = PageCall<NonNullable<PageCall['user']>>;

  /** The person's own apps, and the one they chose among them: nobody else's is ever explained. */
  async function start({ user }: Call, id: string | undefined): Promise<{ view: HelpView; client: Client | undefined }> {
    const clients = await world.records.listClients({ keeperId: user.id, limit: MOST_SHOWN });
    const client = clients.find((one) => one.id === id);
    const view: HelpView = {
      apps: clients.map(({ id: appId, name }) => ({ id: appId, name })),
      chosen: client ? { id: client.id, name: client.name, signs: client.protocol === 'oauth1' } : null,
      failures: client ? await world.failures.listFailures(client.id, 20) : [],
      request: '',
      theirs: '',
      mostPasted: MOST_PASTED_BYTES,
      problem: null,
      explained: null,
      notKept: false,
    };
    return { view, client };
  }

  const explained = async (signed: SignedRequest, client: Client, theirs: string) =>
    viewOf(await world.faces.core.oauth1.explain(signed, client), theirs);

  showPage(
    app,
    world,
    '/my/help',
    async (call) => {
      const { view, client } = await start(call, call.query.get('app'));
      const failure = view.failures.find(({ id, kind }) => kind === 'oauth1' && String(id) === call.query.get('failure'));
      if (failure === undefined || client === undefined) return helpPage(call.frame, view);
      const signed = keptRequest(failure);
      if (signed === undefined) return helpPage(call.frame, { ...view, notKept: true });
      return helpPage(call.frame, { ...view, explained: await explained(signed, client, '') });
    },
    'signed-in',
  );

  takeForm(
    app,
    world,
    '/my/help',
    async (call) => {
      const { form, frame } = call;
      const [request, theirs] = [form.get('request') ?? '', form.get('theirs') ?? ''];
      const started = await start(call, form.get('app'));
      const { client } = started;
      // Nobody's text is read who has no app that signs.
      if (client === undefined || client.protocol !== 'oauth1') return { to: '/my/help' };
      const view = { ...started.view, request: request.slice(0, MOST_PASTED_BYTES), theirs: theirs.slice(0, MOST_PASTED_BYTES) };
      const no = (key: 'help.unreadable' | 'help.not-yours' | 'help.too-long') => ({
        status: 400,
        page: helpPage(frame, { ...view, problem: frame.words.say(key, { most: MOST_PASTED_BYTES }) }),
      });
      const sent = readPastedRequest(request);
      if ((!sent.ok && sent.refusal.kind === 'too-long') || Buffer.byteLength(theirs) > MOST_PASTED_BYTES) return no('help.too-long');
      const signed = sent.ok ? parseSignedRequest(sent.value, 'rfc5849') : sent;
      if (!signed.ok) return no('help.unreadable');
      if (signed.value.oauth.get('oauth_consumer_key') !== client.id) return no('help.not-yours');
      return helpPage(frame, { ...view, explained: await explained(signed.value, client, theirs) });
    },
    'signed-in',
  );
}
