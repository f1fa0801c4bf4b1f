import type { FastifyInstance } from 'fastify';
import { keptRequest } from '#http/oauth/refused-request.ts';
import type { World } from '#http/world.ts';
import { isMediawikiTarget } from '#mediawiki/titles.ts';
import { withoutPrefix } from '#oauth1/diagnosis/arrival.ts';
import type { Asked, Diagnosis } from '#oauth1/diagnosis/diagnose.ts';
import { differences } from '#oauth1/diagnosis/differences.ts';
import { parseSignedRequest, type Reading } from '#oauth1/parse.ts';
import { MOST_PASTED_BYTES, readPastedRequest } from '#oauth1/pasted-request.ts';
import type { Client } from '#registry/model/client.ts';
import { unseen } from '#registry/visibility.ts';
import { noProblems } from '../form-problems.ts';
import { type PageCall, showPage, takeForm } from '../page.ts';
import type { ExplainedView } from './explained.template.ts';
import { unreadableText } from './explained-texts.ts';
import { failureText, type HelpView, helpPage } from './help.template.ts';

const MOST_SHOWN = 50;

const viewOf = (
  diagnosis: Diagnosis,
  theirs: string,
  refusedFor: string | null,
): ExplainedView => ({
  ...diagnosis,
  refusedFor,
  differences:
    theirs.trim() === '' || diagnosis.signed === null
      ? null
      : differences(diagnosis.signed.baseString, theirs),
});

/** Help for developers whose requests are refused. */
export function helpRoutes(app: FastifyInstance, world: World): void {
  type Call = PageCall<NonNullable<PageCall['user']>>;

  /** The person's own apps, and the one they chose among them: nobody else's is ever explained. */
  async function start(
    { user, actor }: Call,
    id: string | undefined,
  ): Promise<{ view: HelpView; client: Client | undefined }> {
    const clients = await world.records.listClients({ keeperId: user.id, limit: MOST_SHOWN });
    const client = clients.find((one) => one.id === id);
    // What was hidden for what its name says is hidden from its keepers, too.
    const nameOf = (one: Client) =>
      unseen('name', one, actor, true) === undefined ? one.name : null;
    const view: HelpView = {
      apps: clients.map((one) => ({ id: one.id, name: nameOf(one) })),
      chosen: client
        ? { id: client.id, name: nameOf(client), signs: client.protocol === 'oauth1' }
        : null,
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

  /** Judged by the face that the request went to, as it reads. */
  const diagnosed = (asked: Asked, reading: Reading, client: Client): Promise<Diagnosis> => {
    const face = (reading === 'mediawiki' && world.faces.mediawiki) || world.faces.core;
    return face.oauth1.explain({ ...asked, sent: { ...asked.sent, secure: world.secure } }, client);
  };
  const prefix = new URL(world.issuer).pathname.replace(/\/$/, '');
  const prefixes = prefix === '' ? [] : [prefix];

  showPage(
    app,
    world,
    '/my/help',
    async (call) => {
      const { view, client } = await start(call, call.query.get('app'));
      const failure = view.failures.find(
        ({ id, kind }) => kind === 'oauth1' && String(id) === call.query.get('failure'),
      );
      if (failure === undefined || client === undefined) return helpPage(call.frame, view);
      const kept = keptRequest(failure.facts);
      if (kept === undefined) return helpPage(call.frame, { ...view, notKept: true });
      const { refusal } = failure.facts;
      const asked = {
        sent: kept.sent,
        at: failure.at,
        prefixes,
        refusal: typeof refusal === 'string' ? refusal : null,
      };
      const refusedFor = failureText(call.frame.words, failure);
      return helpPage(call.frame, {
        ...view,
        explained: viewOf(await diagnosed(asked, kept.reading, client), '', refusedFor),
      });
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
      const view = {
        ...started.view,
        request: request.slice(0, MOST_PASTED_BYTES),
        theirs: theirs.slice(0, MOST_PASTED_BYTES),
      };
      const no = (problem: string) => ({
        status: 400,
        page: helpPage(frame, { ...view, problems: [{ field: 'request', text: problem }] }),
      });
      const tooLong = () => no(frame.words.say('help.too-long', { most: MOST_PASTED_BYTES }));
      if (Buffer.byteLength(theirs) > MOST_PASTED_BYTES) return tooLong();
      const pasted = readPastedRequest(request);
      if (!pasted.ok) {
        if (pasted.refusal.kind === 'too-long') return tooLong();
        return no(
          frame.words.say('help.unreadable', { why: unreadableText(frame.words, pasted.refusal) }),
        );
      }
      const asked = withoutPrefix(pasted.value);
      const reading =
        isMediawikiTarget(asked.sent.target) && world.faces.mediawiki !== null
          ? 'mediawiki'
          : 'rfc5849';
      const signed = parseSignedRequest(asked.sent, reading);
      const named = signed.ok ? signed.value.oauth.get('oauth_consumer_key') : undefined;
      if (named !== undefined && named !== client.id) return no(frame.words.say('help.not-yours'));
      const diagnosis = await diagnosed(
        { ...asked, prefixes: [...prefixes, ...(asked.prefixes ?? [])], theirs },
        reading,
        client,
      );
      return helpPage(frame, { ...view, explained: viewOf(diagnosis, theirs, null) });
    },
    'signed-in',
  );
}
