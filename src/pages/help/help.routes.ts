import type { FastifyInstance } from 'fastify';
import { fromStoredRequest } from '#http/oauth/refused-request.ts';
import type { Services } from '#http/world.ts';
import { isMediawikiTarget } from '#mediawiki/titles.ts';
import { stripProxyPrefix } from '#oauth1/diagnosis/arrival.ts';
import type { Diagnosis, RequestToDiagnose } from '#oauth1/diagnosis/diagnose.ts';
import { compareBaseStrings } from '#oauth1/diagnosis/differences.ts';
import { type OAuth1ProfileName, parseSignedRequest } from '#oauth1/parse.ts';
import { MAX_PASTED_BYTES, parsePastedRequest } from '#oauth1/pasted-request.ts';
import type { Client } from '#registry/model/client.ts';
import { hiddenReason } from '#registry/visibility.ts';
import { noProblems } from '../form-problems.ts';
import { getPage, type PageCall, postForm } from '../page.ts';
import type { ExplainedView } from './explained.template.ts';
import { unreadableText } from './explained-texts.ts';
import { failureText, type HelpView, helpPage } from './help.template.ts';

const MAX_APPS = 50;

const makeExplainedView = (
  diagnosis: Diagnosis,
  theirBaseString: string,
  refusalReason: string | null,
): ExplainedView => ({
  ...diagnosis,
  refusalReason,
  differences:
    theirBaseString.trim() === '' || diagnosis.signed === null
      ? null
      : compareBaseStrings(diagnosis.signed.baseString, theirBaseString),
});

/** Help for developers whose requests are refused. */
export function helpRoutes(app: FastifyInstance, services: Services): void {
  type SignedInCall = PageCall<NonNullable<PageCall['user']>>;

  /** The person's own apps, and the one they chose among them: nobody else's is ever explained. */
  async function loadHelp(
    { user, actor }: SignedInCall,
    id: string | undefined,
  ): Promise<{ view: HelpView; client: Client | undefined }> {
    const clients = await services.records.listClients({ managerId: user.id, limit: MAX_APPS });
    const client = clients.find((candidate) => candidate.id === id);
    // What was hidden for what its name says is hidden from its keepers, too.
    const nameOf = (one: Client) =>
      hiddenReason('name', one, actor, true) === undefined ? one.name : null;
    const view: HelpView = {
      apps: clients.map((one) => ({ id: one.id, name: nameOf(one) })),
      selectedApp: client
        ? { id: client.id, name: nameOf(client), signsRequests: client.protocol === 'oauth1' }
        : null,
      failures: client ? await services.failures.listFailures(client.id, 20) : [],
      request: '',
      theirs: '',
      maxPastedBytes: MAX_PASTED_BYTES,
      problems: noProblems,
      explanation: null,
      requestNotStored: false,
    };
    return { view, client };
  }

  /** Judged by the face that the request went to, as it reads. */
  const diagnose = (
    input: RequestToDiagnose,
    profile: OAuth1ProfileName,
    client: Client,
  ): Promise<Diagnosis> => {
    const protocols =
      (profile === 'mediawiki' && services.protocols.mediawiki) || services.protocols.core;
    return protocols.oauth1.diagnoseRequest(
      { ...input, rawRequest: { ...input.rawRequest, secure: services.secure } },
      client,
    );
  };
  const prefix = new URL(services.issuer).pathname.replace(/\/$/, '');
  const prefixes = prefix === '' ? [] : [prefix];

  getPage(
    app,
    services,
    '/my/help',
    async (call) => {
      const { view, client } = await loadHelp(call, call.query.get('app'));
      const failure = view.failures.find(
        ({ id, kind }) => kind === 'oauth1' && String(id) === call.query.get('failure'),
      );
      if (failure === undefined || client === undefined) return helpPage(call.frame, view);
      const storedRequest = fromStoredRequest(failure.facts);
      if (storedRequest === undefined)
        return helpPage(call.frame, { ...view, requestNotStored: true });
      const { refusal } = failure.facts;
      const input = {
        rawRequest: storedRequest.rawRequest,
        receivedAt: failure.at,
        prefixes,
        refusal: typeof refusal === 'string' ? refusal : null,
      };
      const refusalReason = failureText(call.frame.words, failure);
      return helpPage(call.frame, {
        ...view,
        explanation: makeExplainedView(
          await diagnose(input, storedRequest.profile, client),
          '',
          refusalReason,
        ),
      });
    },
    'signed-in',
  );

  postForm(
    app,
    services,
    '/my/help',
    async (call) => {
      const { form, frame } = call;
      const [request, theirBaseString] = [form.get('request') ?? '', form.get('theirs') ?? ''];
      const loaded = await loadHelp(call, form.get('app'));
      const { client } = loaded;
      // Nobody's text is read who has no app that signs.
      if (client === undefined || client.protocol !== 'oauth1') return { to: '/my/help' };
      const view = {
        ...loaded.view,
        request: request.slice(0, MAX_PASTED_BYTES),
        theirs: theirBaseString.slice(0, MAX_PASTED_BYTES),
      };
      const refuse = (problem: string) => ({
        status: 400,
        page: helpPage(frame, { ...view, problems: [{ field: 'request', text: problem }] }),
      });
      const tooLong = () => refuse(frame.words.say('help.too-long', { most: MAX_PASTED_BYTES }));
      if (Buffer.byteLength(theirBaseString) > MAX_PASTED_BYTES) return tooLong();
      const pasted = parsePastedRequest(request);
      if (!pasted.ok) {
        if (pasted.refusal.kind === 'too-long') return tooLong();
        return refuse(
          frame.words.say('help.unreadable', { why: unreadableText(frame.words, pasted.refusal) }),
        );
      }
      const input = stripProxyPrefix(pasted.value);
      const profile =
        isMediawikiTarget(input.rawRequest.target) && services.protocols.mediawiki !== null
          ? 'mediawiki'
          : 'rfc5849';
      const parsed = parseSignedRequest(input.rawRequest, profile);
      const consumerKey = parsed.ok ? parsed.value.oauth.get('oauth_consumer_key') : undefined;
      if (consumerKey !== undefined && consumerKey !== client.id)
        return refuse(frame.words.say('help.not-yours'));
      const diagnosis = await diagnose(
        {
          ...input,
          prefixes: [...prefixes, ...(input.prefixes ?? [])],
          clientBaseString: theirBaseString,
        },
        profile,
        client,
      );
      return helpPage(frame, {
        ...view,
        explanation: makeExplainedView(diagnosis, theirBaseString, null),
      });
    },
    'signed-in',
  );
}
