import { renderAccountEmail } from '#accounts/account-emails.ts';
import { accountEmailTemplates, renderNotificationEmail } from '#pages/email-templates.ts';
import { type Delivery, makeDelivery } from '#registry/notifications/delivery.ts';
import type { Foundation } from './foundation.ts';

/** What leaves the outbox: emails in the reader's language, and webhooks. */
export function composeDelivery({
  config,
  platform,
  store,
  clock,
  log,
  secretBox,
}: Foundation): Delivery {
  const emailTexts = accountEmailTemplates(config.siteName);
  return makeDelivery({
    outbox: store,
    mail: platform.mailTransport,
    web: platform.httpClient,
    clock,
    log,
    findReceiver: async (id) => {
      const account = await store.findAccount(id);
      if (account?.email == null || account.emailConfirmedAt === null || account.blocked)
        return null;
      return { to: account.email, language: account.language };
    },
    renderNotification: (facts, language) => renderNotificationEmail(facts, config, language),
    renderAccountEmail: (encrypted) => renderAccountEmail(secretBox, emailTexts, encrypted),
    endpoints: config.webhooks,
    issuer: config.issuer,
    concurrency: 4,
  });
}
