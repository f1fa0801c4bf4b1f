import type { ActionOutcome } from '#registry/actions/context.ts';
import { kindOf } from './app.template.ts';
import { type CodeSampleDependencies, makeSampleFacts } from './code-samples.view.ts';
import type { IssuedCredentialsView } from './issued-credentials.template.ts';

/** What an action issued. It is shown this once. */
export function makeIssuedCredentialsView(
  dependencies: CodeSampleDependencies,
  outcome: ActionOutcome,
  issuedFor: IssuedCredentialsView['issuedFor'],
): IssuedCredentialsView {
  const { client, secret, credentials, accessToken } = outcome;
  return {
    appName: client.name,
    appId: client.id,
    kind: kindOf(client),
    issuedFor,
    approved: client.stage === 'approved',
    secret,
    token: credentials?.token ?? accessToken,
    tokenSecret: credentials?.secret ?? null,
    // Samples want all of an app's credentials, and one more secret is not all.
    samples: issuedFor === 'secret' ? null : makeSampleFacts(dependencies, client, outcome),
  };
}
