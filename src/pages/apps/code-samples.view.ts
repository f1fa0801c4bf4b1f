import type { SiteId } from '#kernel/ids.ts';
import { coversSite } from '#registry/access.ts';
import type { ActionOutcome } from '#registry/actions/context.ts';
import type { Client } from '#registry/model/client.ts';
import type { Sites } from '#registry/model/sites.ts';
import { kindOf } from './app.template.ts';
import type { SampleFacts } from './sample-values.ts';

/** What code samples are made with. */
export interface CodeSampleDependencies {
  readonly issuer: string;
  readonly site: SiteId;
  readonly sites: Pick<Sites, 'all'>;
}

/** What code samples of an app are made of; what was issued just now is filled in. */
export function makeSampleFacts(
  dependencies: CodeSampleDependencies,
  client: Client,
  issued?: Pick<ActionOutcome, 'secret' | 'credentials' | 'accessToken'>,
): SampleFacts {
  const issuer = dependencies.issuer.replace(/\/$/, '');
  const isThisSite = coversSite(client.site, dependencies.site);
  const siteOrigin = dependencies.sites.all.find(({ id }) => id === client.site)?.origin;
  return {
    kind: kindOf(client),
    issuer,
    clientId: client.id,
    secret: issued?.secret ?? null,
    token: issued?.credentials?.token ?? issued?.accessToken ?? null,
    tokenSecret: issued?.credentials?.secret ?? null,
    redirectUri: client.redirectUri,
    scopes: client.scopes,
    actsForItself: !client.ownerOnly && client.grantTypes.includes('client_credentials'),
    probeUrl: isThisSite ? `${issuer}/api/v1/me` : `${siteOrigin ?? 'https://api.example'}/`,
  };
}
