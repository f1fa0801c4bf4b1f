import { makeEmailBudget } from '#accounts/email-budget.ts';
import type { Config } from '#config/config.ts';
import { makeOwnerTokenIssuer } from '#oauth2/access-token.ts';
import { makeRegistry } from '#registry/registry.ts';
import { deriveKey } from './derived-keys.ts';
import type { Foundation } from './foundation.ts';
import type { makeProtocols } from './protocols.ts';

/** The registry of apps, under the rules of the configuration. */
export function composeRegistry(
  { config, platform, store, rules, rights, idGenerator, secretBox, clock, signing }: Foundation,
  { oauth2ProfileNamed }: ReturnType<typeof makeProtocols>,
) {
  return makeRegistry({
    records: store,
    emailBudget: makeEmailBudget({ limits: store, clock }),
    accounts: store,
    rules,
    idGenerator,
    secretBox,
    clock,
    rightsOf: rights.rightsOf,
    issueOwnerToken: makeOwnerTokenIssuer({ idGenerator, clock, oauth2ProfileNamed, signing }),
    // Of the oldest key: a new one must not turn every form that is open into one that came too
    // late.
    get etagKey() {
      return deriveKey(platform.masterKeys.oldestKey().key, 'change tokens');
    },
    settings: registrySettings(config, platform.mailTransport !== null),
  });
}

const registrySettings = (config: Config, emailEnabled: boolean) => {
  const { structure } = config;
  return {
    readOnly: config.readOnly,
    autoApprove: structure.auto_approve.map(({ risk_at_most: riskAtMost, ...condition }) =>
      riskAtMost === undefined ? condition : { ...condition, riskAtMost },
    ),
    twoPersonRisks: structure.review.two_person_risks,
    allowOwnApps: structure.review.own_apps,
    involvementSeconds: structure.review.involvement_window,
    oldSecretsTtlSeconds: structure.review.old_secrets_ttl,
    notifyGroups: structure.notices.groups,
    emailEnabled,
    webhookEndpoints: config.webhooks.map(({ name }) => name),
    idleProposalTtlSeconds: config.idleProposalTtlSeconds,
    accessTokenTtlSeconds: config.accessTokenTtlSeconds,
  };
};
