import { fromStoredRequest } from '#http/oauth/refused-request.ts';
import type { DialectProtocols } from '#http/world.ts';
import { stripProxyPrefix } from '#oauth1/diagnosis/arrival.ts';
import type { Diagnosis, RequestToDiagnose } from '#oauth1/diagnosis/diagnosis.ts';
import type { OAuth1 } from '#oauth1/oauth1.ts';
import { parseSignedRequest } from '#oauth1/parse.ts';
import { parsePastedRequest } from '#oauth1/pasted-request.ts';
import { MAX_PASTED_BYTES } from '#oauth1/pasted-text.ts';
import type { Client } from '#registry/model/client.ts';
import type { PageResponse, PageRouter, SignedInCall } from '../page.ts';
import { unreadableText } from './explained-texts.ts';
import { failureText } from './failure-text.ts';
import { type HelpView, helpPage } from './help.template.ts';
import { type HelpViewDependencies, makeExplainedView, makeHelpView } from './help.view.ts';

/** Explains requests under one profile of the protocol. */
interface Explainer {
  readonly oauth1: Pick<OAuth1, 'diagnoseRequest' | 'profile'>;
}

export interface HelpDependencies extends HelpViewDependencies {
  readonly protocols: {
    readonly core: Explainer;
    readonly dialect: (Explainer & Pick<DialectProtocols, 'ownsTarget'>) | null;
  };
  readonly issuer: string;
  /** People reach us by https. */
  readonly secure: boolean;
}

/** Help for developers whose requests are refused. */
export function helpRoutes(
  { getPage, postForm }: PageRouter,
  dependencies: HelpDependencies,
): void {
  getPage('/my/help', (call) => showHelp(dependencies, call), 'signed-in');
  postForm('/my/help', (call) => explainPastedRequest(dependencies, call), 'signed-in');
}

/** The path that a proxy may have stripped from the requests it passed on. */
function issuerPrefixes({ issuer }: HelpDependencies): readonly string[] {
  const prefix = new URL(issuer).pathname.replace(/\/$/, '');
  return prefix === '' ? [] : [prefix];
}

/** The explainer of the profile that judged a stored request; the core's, if it is not served. */
const explainerNamed = ({ protocols }: HelpDependencies, profile: string): Explainer =>
  protocols.dialect?.oauth1.profile.name === profile ? protocols.dialect : protocols.core;

/** The explainer of the profile that judges what is sent to a request target. */
const explainerAt = ({ protocols }: HelpDependencies, target: string): Explainer =>
  protocols.dialect?.ownsTarget(target) ? protocols.dialect : protocols.core;

/** Explains a request under one profile. */
function diagnose(
  { secure }: HelpDependencies,
  { oauth1 }: Explainer,
  input: RequestToDiagnose,
  client: Client,
): Promise<Diagnosis> {
  return oauth1.diagnoseRequest({ ...input, rawRequest: { ...input.rawRequest, secure } }, client);
}

/** Recent failures of one's own apps; one of them explained, where it was chosen. */
async function showHelp(dependencies: HelpDependencies, call: SignedInCall): Promise<PageResponse> {
  const { query, frame } = call;
  const { view, client } = await makeHelpView(dependencies, call, query.get('app'));
  const failure = view.failures.find(
    ({ id, kind }) => kind === 'oauth1' && String(id) === query.get('failure'),
  );
  if (failure === undefined || client === undefined) return helpPage(frame, view);
  const stored = fromStoredRequest(failure.facts);
  if (stored === undefined) return helpPage(frame, { ...view, requestNotStored: true });
  const { refusal } = failure.facts;
  const diagnosis = await diagnose(
    dependencies,
    explainerNamed(dependencies, stored.profile),
    {
      rawRequest: stored.rawRequest,
      receivedAt: failure.at,
      prefixes: issuerPrefixes(dependencies),
      refusal: typeof refusal === 'string' ? refusal : null,
    },
    client,
  );
  const refusalReason = failureText(frame.words, failure);
  return helpPage(frame, { ...view, explanation: makeExplainedView(diagnosis, '', refusalReason) });
}

/** Explains a signed request that was pasted into the form. */
async function explainPastedRequest(
  dependencies: HelpDependencies,
  call: SignedInCall,
): Promise<PageResponse> {
  const { form, frame } = call;
  const [request, clientBaseString] = [form.get('request') ?? '', form.get('theirs') ?? ''];
  const { view: emptyView, client } = await makeHelpView(dependencies, call, form.get('app'));
  // Nobody's text is read who has no app that signs.
  if (client === undefined || client.protocol !== 'oauth1') return { to: '/my/help' };
  const view = {
    ...emptyView,
    request: request.slice(0, MAX_PASTED_BYTES),
    theirs: clientBaseString.slice(0, MAX_PASTED_BYTES),
  };
  if (Buffer.byteLength(clientBaseString) > MAX_PASTED_BYTES)
    return refuseRequest(call, view, tooLong(call));
  const pasted = parsePastedRequest(request);
  if (!pasted.ok) {
    const problem =
      pasted.refusal.kind === 'too-long'
        ? tooLong(call)
        : frame.words.say('help.unreadable', { why: unreadableText(frame.words, pasted.refusal) });
    return refuseRequest(call, view, problem);
  }
  const input = stripProxyPrefix(pasted.value);
  const explainer = explainerAt(dependencies, input.rawRequest.target);
  const parsed = parseSignedRequest(input.rawRequest, explainer.oauth1.profile);
  const consumerKey = parsed.ok ? parsed.value.oauth.get('oauth_consumer_key') : undefined;
  if (consumerKey !== undefined && consumerKey !== client.id)
    return refuseRequest(call, view, frame.words.say('help.not-yours'));
  const prefixes = [...issuerPrefixes(dependencies), ...(input.prefixes ?? [])];
  const diagnosis = await diagnose(
    dependencies,
    explainer,
    { ...input, prefixes, clientBaseString },
    client,
  );
  const explanation = makeExplainedView(diagnosis, clientBaseString, null);
  return helpPage(frame, { ...view, explanation });
}

const tooLong = ({ frame }: SignedInCall): string =>
  frame.words.say('help.too-long', { most: MAX_PASTED_BYTES });

/** The form once more, with what is wrong with the pasted request. */
const refuseRequest = ({ frame }: SignedInCall, view: HelpView, problem: string): PageResponse => ({
  status: 400,
  page: helpPage(frame, { ...view, problems: [{ field: 'request', text: problem }] }),
});
