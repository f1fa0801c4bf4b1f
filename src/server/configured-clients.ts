import type { Config } from '#config/config.ts';
import { StartupError } from '#config/startup-error.ts';
import type { SecretBox } from '#keys/secret-box.ts';
import type { Clock } from '#platform/clock.ts';
import { MAX_SECRET_FILE_BYTES, readRegularFile } from '#platform/plain-file.ts';
import { CLIENT_SECRET } from '#registry/actions/context.ts';
import type { FieldRules } from '#registry/actions/fields.ts';
import { readConfiguredClients } from '#registry/configured-clients.ts';
import type { Store } from '#store/store.ts';

interface ConfiguredClientParts {
  readonly config: Config;
  readonly store: Store;
  readonly rules: FieldRules;
  readonly secretBox: SecretBox;
  readonly clock: Clock;
}

/**
 * Takes the apps of the configuration in, all or none. Throws StartupError that names every
 * problem.
 */
export async function loadConfiguredClients({
  config,
  store,
  rules,
  secretBox,
  clock,
}: ConfiguredClientParts): Promise<void> {
  const { structure } = config;
  // Without apps nobody is looked up: an instance may have very many accounts.
  const accounts = structure.clients.length === 0 ? [] : await store.listAccounts();
  const owners = new Map(accounts.map(({ name, id }) => [name.toLowerCase(), id]));
  const before =
    structure.clients.length === 0 ? [] : await store.listClients({ stage: 'configured' });
  const uris = new Map<string, string>(before.map(({ id, redirectUri }) => [id, redirectUri]));
  const read = readConfiguredClients(structure.clients, {
    rules,
    ownerOf: (name) => owners.get(name.toLowerCase()),
    readSecret: (path) => readRegularFile(path, MAX_SECRET_FILE_BYTES).toString('utf8'),
    encryptSecret: (secret) => secretBox.encrypt(secret, CLIENT_SECRET),
    email: config.mailFrom,
    now: clock.now(),
    acceptedUriOf: (id) => uris.get(id),
  });
  if (!read.ok) {
    const lines = read.refusal.map(
      ({ app, field, problem }) => `  ${[app, field].filter(Boolean).join(' ')}: ${problem}`,
    );
    throw new StartupError(`the apps of the configuration do not fit:\n${lines.join('\n')}`);
  }
  const outcome = await store.saveConfiguredClients(read.value.clients, read.value.secrets);
  if (outcome !== 'saved')
    throw new StartupError(
      `the apps of the configuration do not fit:\n  ${outcome.taken}: an app with this identifier, or this owner, name and version, was registered before`,
    );
  // An owner-only app acts under its owner's consent; by describing it the operator gives it for
  // them. An OAuth 1 one would need a token, too.
  for (const client of read.value.clients.filter(
    ({ ownerOnly, protocol }) => ownerOnly && protocol === 'oauth2',
  )) {
    const at = clock.now();
    const consent = {
      userId: client.ownerId,
      clientId: client.id,
      site: client.site,
      scopes: client.scopes,
      acceptedAt: at,
    };
    const auditEntry = {
      at,
      action: 'accept',
      actorId: null,
      via: 'config',
      address: null,
      clientId: client.id,
      reason: '',
      changes: [],
    } as const;
    await store.saveConsent(consent, null, auditEntry);
  }
}
