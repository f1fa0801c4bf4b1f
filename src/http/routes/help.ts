import type { FastifyInstance } from 'fastify';
import { type Diagnosis, differences } from '#oauth1/diagnose.ts';
import { parseSignedRequest, type SignedRequest } from '#oauth1/parse.ts';
import { type ExplainedView, type HelpView, helpPage } from '#pages/help.ts';
import type { Client } from '#registry/client.ts';
import type { Failure } from '#registry/failures.ts';
import type { Pair } from '#wire/form.ts';
import type { SentRequest } from '#wire/sent-request.ts';
import { type PageCall, showPage, takeForm } from '../page.ts';
import type { World } from '../world.ts';

const MOST_SHOWN = 50;

/** A request as somebody copied it: request line with the whole address, header lines, an empty line, the form. */
export function readPasted(text: string): SentRequest | undefined {
  const [head = '', ...rest] = text
    .replace(/\r\n/g, '\n')
    .trimStart()
    .split(/\n[ \t]*\n/);
  const [first = '', ...lines] = head.trimEnd().split('\n');
  const parts = /^([A-Za-z]{1,16})\s+(https?:\/\/[^/?#\s]+)?([^\s#]*)(?:\s+HTTP\/[\d.]+)?\s*$/.exec(first.trim());
  if (parts === null) return undefined;
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const header = /^([!#$%&'*+.^_`|~\w-]+):[ \t]*(.*?)[ \t]*$/.exec(line);
    if (header === null) return undefined;
    headers[(header[1] as string).toLowerCase()] = header[2] as string;
  }
  const target = parts[3] || '/';
  return {
    method: parts[1] as string,
    target: target.startsWith('/') ? target : `/${target}`,
    headers,
    body: rest.length === 0 ? undefined : Buffer.from(rest.join('\n\n').trimEnd()),
    address: '',
    secure: true,
  };
}

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
      const view = { ...started.view, request, theirs };
      const no = (key: 'help.unreadable' | 'help.not-yours') => ({
        status: 400,
        page: helpPage(frame, { ...view, problem: frame.words.say(key) }),
      });
      const sent = readPasted(request);
      const signed = sent && parseSignedRequest(sent, 'rfc5849');
      if (client === undefined || client.protocol !== 'oauth1') return { to: '/my/help' };
      if (signed === undefined || !signed.ok) return no('help.unreadable');
      if (signed.value.oauth.get('oauth_consumer_key') !== client.id) return no('help.not-yours');
      return helpPage(frame, { ...view, explained: await explained(signed.value, client, theirs) });
    },
    'signed-in',
  );
}
