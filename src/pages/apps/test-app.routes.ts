import type { IdGenerator } from '#keys/id-generator.ts';
import { pkceChallenge } from '#keys/pkce.ts';
import type { Registry } from '#registry/registry.ts';
import { notFound, type PageRouter } from '../page.ts';
import { type CodeSampleDependencies, makeSampleFacts } from './code-samples.view.ts';
import { findManageableApp, isTestable } from './own-app.ts';
import { testPage } from './test-app.template.ts';

export interface TestAppDependencies extends CodeSampleDependencies {
  readonly registry: Pick<Registry, 'query'>;
  readonly idGenerator: IdGenerator;
}

/** How the owner tries an app, before anybody reviewed it. */
export function testAppRoutes({ getPage }: PageRouter, dependencies: TestAppDependencies): void {
  const { idGenerator } = dependencies;
  getPage(
    '/my/apps/:id/test',
    async (call) => {
      const found = await findManageableApp(dependencies, call);
      if (found === undefined || !isTestable(found.client, call.user)) return notFound;
      const { client } = found;
      const verifier = idGenerator.secret();
      return testPage(call.frame, {
        appName: client.name,
        samples: makeSampleFacts(dependencies, client),
        proposed: client.stage === 'proposed',
        pkce: {
          verifier,
          challenge: pkceChallenge(verifier),
          state: idGenerator.randomHex(8),
        },
      });
    },
    'signed-in',
  );
}
