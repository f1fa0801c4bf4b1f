import type { FastifyInstance } from 'fastify';
import { type Diagnosis, differences } from '#oauth1/diagnose.ts';
import { parseSignedRequest, type Reading, type SignedRequest } from '#oauth1/parse.ts';
import { MOST_PASTED_BYTES, readPastedRequest } from '#oauth1/pasted-request.ts';
import { noProblems } from '#pages/form-problems.ts';
import { type ExplainedView, type HelpView, helpPage } from '#pages/help.ts';
import type { Client } from '#registry/client.ts';
import { keptRequest } from '../kept-request.ts';
import { type PageCall, showPage, takeForm } from '../page.ts';
import type { World } from '../world.ts';

const MOST_SHOWN = 50;

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
      problems: noProblems,
      explained: null,
      notKept: false,
    };
    return { view, client };
  }

  /** Judged by the face that the request went to. */
  const explained = async (signed: SignedRequest, reading: Reading, client: Client, theirs: string) => {
    const face = (reading === 'mediawiki' && world.faces.mediawiki) || world.faces.core;
    return viewOf(await face.oauth1.explain(signed, client), theirs);
  };

  showPage(
    app,
    world,
    '/my/help',
    async (call) => {
      const { view, client } = await start(call, call.query.get('app'));
      const failure = view.failures.find(({ id, kind }) => kind === 'oauth1' && String(id) === call.query.get('failure'));
      if (failure === undefined || client === undefined) return helpPage(call.frame, view);
      const kept = keptRequest(failure.facts);
      const signed = kept && parseSignedRequest(kept.sent, kept.reading);
      if (kept === undefined || !signed?.ok) return helpPage(call.frame, { ...view, notKept: true });
      return helpPage(call.frame, { ...view, explained: await explained(signed.value, kept.reading, client, '') });
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
        page: helpPage(frame, { ...view, problems: [{ field: 'request', text: frame.words.say(key, { most: MOST_PASTED_BYTES }) }] }),
      });
      const sent = readPastedRequest(request);
      if ((!sent.ok && sent.refusal.kind === 'too-long') || Buffer.byteLength(theirs) > MOST_PASTED_BYTES) return no('help.too-long');
      const signed = sent.ok ? parseSignedRequest(sent.value, 'rfc5849') : sent;
      if (!signed.ok) return no('help.unreadable');
      if (signed.value.oauth.get('oauth_consumer_key') !== client.id) return no('help.not-yours');
      return helpPage(frame, { ...view, explained: await explained(signed.value, 'rfc5849', client, theirs) });
    },
    'signed-in',
  );
}
