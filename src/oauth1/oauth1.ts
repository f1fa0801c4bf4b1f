import type { Account } from '#accounts/account.ts';
import type { AccountRecords } from '#accounts/records.ts';
import { addressInRanges } from '#encoding/address.ts';
import type { SentRequest } from '#encoding/raw-request.ts';
import type { ClientId, ConsentId, SiteId, UserId } from '#kernel/ids.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import { type Instant, later } from '#kernel/time.ts';
import { digestOf } from '#keys/digest.ts';
import type { Mint } from '#keys/id-generator.ts';
import type { Sealer } from '#keys/secret-box.ts';
import type { Clock } from '#platform/clock.ts';
import { coversSite, hindrance } from '#registry/access.ts';
import { CLIENT_SECRET, TOKEN_SECRET } from '#registry/actions/context.ts';
import { type Client, liveSecrets } from '#registry/model/client.ts';
import type { Consent } from '#registry/model/consent.ts';
import {
  looksUnknown,
  type ProvenRedirect,
  proveRedirect,
  type UnprovenRedirect,
  withParameters,
} from '#registry/model/proven-redirect.ts';
import type { RegistryRecords } from '#registry/records.ts';
import type { UsageNotes } from '#registry/usage.ts';
import {
  callbackAllowed,
  encodedCallback,
  isRegistered,
  landingOf,
  needsEncoding,
} from './callback.ts';
import { type Asked, type Diagnosis, diagnose } from './diagnosis/diagnose.ts';
import { parseSignedRequest, type SignedRequest } from './parse.ts';
import type { Handshakes, NonceClaim, TokenCredentialRecords } from './records.ts';
import { type OAuth1Refusal, rejected } from './refusals.ts';
import { type OAuth1Settings, parameterProblem, verifySigned } from './verify.ts';

export interface OAuth1Parts {
  readonly handshakes: Handshakes;
  readonly tokens: TokenCredentialRecords;
  readonly registry: RegistryRecords;
  readonly accounts: AccountRecords;
  readonly sealer: Sealer;
  readonly mint: Mint;
  readonly clock: Clock;
  readonly usage: UsageNotes;
  readonly settings: OAuth1Settings;
}

/** A pair of credentials in plain text, for the client alone. */
export interface IssuedPair {
  readonly token: string;
  readonly secret: string;
  readonly client: Client;
}

/** A signed API request whose signature, token, consent, person and client all stand. */
export interface SignedBy {
  readonly client: Client;
  readonly consent: Consent;
  readonly user: Account;
  readonly token: string;
  readonly nonce: string;
  /**
   * A secret of the client, the one it signed with if it did, for answers signed under it; null: it
   * holds none, and signs with its RSA key alone.
   */
  readonly clientSecret: string | null;
}

/** Where the person goes after saying yes. */
export type Completed =
  | { readonly kind: 'redirect'; readonly uri: ProvenRedirect }
  | { readonly kind: 'show-verifier'; readonly verifier: string };

/** A person's yes to a pair that holds, as far as it can be judged before it is written. */
export interface PreparedPair {
  readonly token: string;
  readonly userId: UserId;
  readonly verifier: string;
  /** The consent it is bound to already; null: none yet. */
  readonly consentId: ConsentId | null;
  readonly completed: Completed;
}

/** One face of OAuth 1.0a. */
export interface OAuth1 {
  /** Temporary credentials (RFC 5849 §2.1). */
  initiate(sent: SentRequest): Promise<Result<IssuedPair, OAuth1Refusal>>;
  /**
   * The client that asks for this person's decision (RFC 5849 §2.2). The client identifier in the
   * URL is optional.
   */
  ask(
    token: string,
    clientId: string | undefined,
    user: Account,
  ): Promise<Result<Client, OAuth1Refusal>>;
  /**
   * The client whose temporary credentials these are; undefined: they are unknown or expired.
   * Nothing is judged.
   */
  clientOf(token: string): Promise<Client | undefined>;
  /**
   * Judges a person's yes to a pair, and where they would go; nothing is written. `earlier`: the
   * verifier of a yes that was given already, for the same answer once more; another person's, or
   * another yes, is refused.
   */
  prepare(
    token: string,
    client: Client,
    user: Pick<Account, 'id'>,
    earlier?: string,
  ): Promise<Result<PreparedPair, OAuth1Refusal>>;
  /**
   * Where a person who denied a request may go back to: its callback, with what became of it in the
   * words of OAuth Problem Reporting, for RFC 5849 §2.2 has none. Undefined: there is no callback,
   * nobody is sent there, or the dialect is spoken, which has no such way.
   */
  wayBack(
    token: string,
    client: Client,
    user: Pick<Account, 'id'>,
  ): Promise<ProvenRedirect | undefined>;
  /**
   * Takes the pair for this yes, before the consent is written: of two decisions one counts. It
   * cannot be exchanged yet.
   */
  claim(prepared: PreparedPair): Promise<Result<Completed, OAuth1Refusal>>;
  /** Binds the pair to the consent. */
  complete(prepared: PreparedPair, consent: Consent): Promise<Result<Completed, OAuth1Refusal>>;
  /** Judges, and binds the pair to a consent that stands. */
  grant(token: string, client: Client, consent: Consent): Promise<Result<Completed, OAuth1Refusal>>;
  /** Ends a pair: the person took their yes back before the exchange. */
  end(token: string): Promise<void>;
  /** Token credentials (RFC 5849 §2.3). */
  exchange(
    sent: SentRequest,
  ): Promise<Result<IssuedPair & { readonly method: string }, OAuth1Refusal>>;
  /** Checks a signed API request (RFC 5849 §3.2) for a site; null: any the consent covers. */
  authenticateRequest(
    sent: SentRequest,
    site: SiteId | null,
  ): Promise<Result<SignedBy, OAuth1Refusal>>;
  /**
   * Explains a request of this client to its developer: what is signed, and which mistake made the
   * signature that came. Nothing is spent.
   */
  explain(asked: Asked, client: Client): Promise<Diagnosis>;
}

const TEMPORARY_SECRET = 'temporary secret';
const hexKey = /^[0-9a-zA-Z_-]{1,64}$/;

/** What a person is told who is not sent to a client. */
function unproven(client: Client, why: UnprovenRedirect): OAuth1Refusal {
  if (why.kind === 'not-registered')
    return { kind: 'callback_rejected', prefix: client.redirectIsPrefix };
  return why.kind === 'misleading'
    ? { kind: 'callback_misleading' }
    : { kind: 'consumer_key_refused', client, why };
}

/** Builds one face of OAuth 1.0a over its parts. */
export function makeOAuth1(parts: OAuth1Parts): OAuth1 {
  const { handshakes, tokens, registry, accounts, sealer, mint, clock, usage, settings } = parts;

  async function clientOf(signed: SignedRequest): Promise<Client | undefined> {
    const key = signed.oauth.get('oauth_consumer_key') ?? '';
    const client = hexKey.test(key) ? await registry.findClient(key as ClientId) : undefined;
    return client?.protocol === 'oauth1' ? client : undefined;
  }

  /** Every secret the client may sign with, oldest first. */
  const heldSecrets = (client: Client | undefined) =>
    (client ? liveSecrets(client, clock.now()) : []).flatMap(({ id, sealed }) =>
      sealed === null ? [] : [{ id, plain: sealer.open(sealed, CLIENT_SECRET) }],
    );

  /** The same to check with; for nobody, one that nobody can know. */
  function secretsOf(client: Client | undefined, tokenSecret: string) {
    const held = heldSecrets(client);
    // For nobody, a secret made at this moment: a text in this file would be one that everybody
    // has.
    const [first = { id: null, plain: mint.randomHex(20) }, ...others] = held;
    const known = {
      secrets: {
        clientSecret: first.plain,
        tokenSecret,
        publicKeyPem: client?.rsaPublicKey ?? null,
      },
      otherClientSecrets: others.map(({ plain }) => plain),
    };
    return { known, used: (index: number) => [first, ...others][index] ?? first };
  }

  /**
   * Reads the request and checks what needs no secret; answers it with the client that claims to
   * have signed.
   */
  async function read(
    sent: SentRequest,
  ): Promise<Result<{ signed: SignedRequest; client: Client | undefined }, OAuth1Refusal>> {
    const signed = parseSignedRequest(sent, settings.reading);
    if (!signed.ok) return signed;
    const problem = parameterProblem(signed.value, settings, clock.now());
    if (problem) return refuse(problem);
    return accept({ signed: signed.value, client: await clientOf(signed.value) });
  }

  /**
   * What the dialect says of an app before anything is proven (protocols 1.12): nobody could sign
   * for such an app, or has a use for what they would get, so a signature is not asked for. The
   * core says it to a proven app alone; a hidden app is never told of.
   */
  function claimProblem(client: Client | undefined): OAuth1Refusal | undefined {
    if (settings.reading !== 'mediawiki' || client === undefined || client.suppressed)
      return undefined;
    if (client.ownerOnly) return { kind: 'owner_only', client };
    return lacksKey(client) ? { kind: 'no_secret' } : undefined;
  }

  /** True when there is nothing that the app could sign with. */
  const lacksKey = (client: Client): boolean =>
    client.rsaPublicKey === null &&
    liveSecrets(client, clock.now()).every(({ sealed }) => sealed === null);

  /** Rules of the handshake that an honest signer can break (protocols 1.12). */
  function handshakeProblem(client: Client, sent: SentRequest): OAuth1Refusal | undefined {
    if (client.ownerOnly) return { kind: 'owner_only', client };
    if (lacksKey(client)) return { kind: 'no_secret' };
    if (!addressInRanges(sent.address, client.restrictions.addresses))
      return { kind: 'address_refused' };
    // Nobody can use a client that is suppressed, rejected, expired or disabled: why start.
    if (client.suppressed || !['approved', 'proposed'].includes(client.stage)) {
      return {
        kind: 'consumer_key_refused',
        client,
        why: { kind: 'client-not-usable', stage: client.stage, ownerOnly: false },
      };
    }
    return undefined;
  }

  /** Whether a person may use the client; every step that knows both asks. */
  function userProblem(
    client: Client,
    user: Account,
    where: { site?: SiteId; address?: string } = {},
  ): OAuth1Refusal | undefined {
    const why = hindrance(client, user, where);
    if (why === undefined) return undefined;
    if (why.kind === 'user-blocked') return { kind: 'user_refused', problem: 'blocked' };
    return why.kind === 'address-not-allowed'
      ? { kind: 'address_refused' }
      : { kind: 'consumer_key_refused', client, why };
  }

  /**
   * Whether a callback may be used by a client (RFC 5849 §2.1); the registered one itself is
   * allowed beside what a prefix allows.
   */
  const isCallback = (callback: string, client: Client): boolean =>
    callbackAllowed(callback, client) ||
    (settings.reading === 'rfc5849' && isRegistered(callback, client));
  /** True when whoever consents would be sent to another host than the callback shows. */
  const leadsAstray = (callback: string, client: Client): boolean =>
    landingOf(callback, client, settings.oobRedirects) === 'misleads';

  return {
    async initiate(sent) {
      const given = await read(sent);
      if (!given.ok) return given;
      const { signed, client } = given.value;
      const claimed = claimProblem(client);
      if (claimed) return refuse(claimed);
      const { known, used } = secretsOf(client, '');
      const nonce = verifySigned(
        signed,
        { client: client ? 'known' : 'unknown', token: 'none', ...known },
        settings,
      );
      if (!nonce.ok || client === undefined)
        return nonce.ok ? refuse({ kind: 'consumer_key_unknown' }) : nonce;
      const problem = handshakeProblem(client, sent);
      if (problem) return refuse(problem);
      const sentCallback = signed.oauth.get('oauth_callback');
      if (sentCallback === undefined || sentCallback === '') {
        return refuse(
          settings.reading === 'mediawiki'
            ? { kind: 'callback_rejected', prefix: client.redirectIsPrefix }
            : { kind: 'parameter_absent', parameter: 'oauth_callback' },
        );
      }
      if (settings.reading === 'rfc5849' && needsEncoding(sentCallback))
        return rejected(
          'oauth_callback',
          'malformed',
          ' is a URI: percent-encode blanks and characters beyond ASCII in it, then once more as a parameter.',
        );
      const callback =
        settings.reading === 'mediawiki' ? encodedCallback(sentCallback) : sentCallback;
      if (!isCallback(callback, client))
        return refuse({ kind: 'callback_rejected', prefix: client.redirectIsPrefix });
      if (leadsAstray(callback, client)) return refuse({ kind: 'callback_misleading' });
      const [token, secret] = [mint.hex32(), mint.randomHex(16)];
      const now = clock.now();
      const outcome = await handshakes.saveTemporary(nonce.value, {
        token,
        clientId: client.id,
        secretSealed: sealer.seal(secret, TEMPORARY_SECRET),
        callback,
        expiresAt: later(now, settings.temporaryFor),
        authorized: null,
        used: false,
      });
      if (outcome !== 'saved') return seen(signed);
      usage.note({ clientId: client.id, secretId: used(nonce.value.secret).id });
      return accept({ token, secret, client });
    },

    async clientOf(token) {
      const pair = hexKey.test(token)
        ? await handshakes.findTemporary(token, clock.now())
        : undefined;
      return pair && registry.findClient(pair.clientId);
    },

    async ask(token, clientId, user) {
      const pair = hexKey.test(token)
        ? await handshakes.findTemporary(token, clock.now())
        : undefined;
      const id = clientId ?? pair?.clientId;
      const client =
        id !== undefined && hexKey.test(id) ? await registry.findClient(id as ClientId) : undefined;
      // A hidden app looks like one that was never registered: its requests are unknown, too.
      if (client === undefined || looksUnknown(client, user))
        return refuse(
          clientId === undefined
            ? { kind: 'token_rejected', token: 'temporary' }
            : { kind: 'consumer_key_unknown' },
        );
      if (client.protocol !== 'oauth1') return refuse({ kind: 'wrong_protocol', client });
      const problem = userProblem(client, user);
      if (problem) return refuse(problem);
      if (client.ownerOnly) return refuse({ kind: 'owner_only', client });
      if (pair === undefined || pair.clientId !== client.id)
        return refuse({ kind: 'token_rejected', token: 'temporary' });
      if (pair.used) return refuse({ kind: 'token_used' });
      return leadsAstray(pair.callback, client)
        ? refuse({ kind: 'callback_misleading' })
        : accept(client);
    },

    async prepare(token, client, user, earlier) {
      const now = clock.now();
      const verifier = earlier ?? mint.randomHex(16);
      const pair = await handshakes.findTemporary(token, now);
      if (pair === undefined || pair.clientId !== client.id)
        return refuse({ kind: 'token_rejected', token: 'temporary' });
      const mine =
        pair.authorized === null ||
        (pair.authorized.userId === user.id &&
          pair.authorized.verifierDigest === digestOf(verifier));
      if (pair.used || !mine) return refuse({ kind: 'token_used' });
      const outOfBand = pair.callback === 'oob';
      const callback = outOfBand ? client.redirectUri : pair.callback;
      // Judged as the client is now, and before anything is written: also a verifier that is only
      // shown is for nobody else.
      const back = proveRedirect(
        callback,
        client,
        user,
        'consent',
        outOfBand ? () => true : isCallback,
      );
      const shown = outOfBand && !(settings.oobRedirects && client.redirectUri !== '');
      // Where a callback leads counts only for those who are sent there.
      if (!back.ok && !(shown && back.refusal.kind === 'misleading'))
        return refuse(unproven(client, back.refusal));
      const params = [['oauth_verifier', verifier] as const, ['oauth_token', token] as const];
      const completed: Completed =
        shown || !back.ok
          ? { kind: 'show-verifier', verifier }
          : { kind: 'redirect', uri: withParameters(back.value, params) };
      return accept({
        token,
        userId: user.id,
        verifier,
        consentId: pair.authorized?.consentId ?? null,
        completed,
      });
    },

    async wayBack(token, client, user) {
      const pair =
        settings.reading === 'rfc5849'
          ? await handshakes.findTemporary(token, clock.now())
          : undefined;
      if (pair === undefined || pair.clientId !== client.id || pair.callback === 'oob')
        return undefined;
      const back = proveRedirect(pair.callback, client, user, 'error', isCallback);
      const params = [
        ['oauth_problem', 'permission_denied'] as const,
        ['oauth_token', token] as const,
      ];
      return back.ok ? withParameters(back.value, params) : undefined;
    },

    claim: (prepared) => authorize(prepared, null),
    complete: (prepared, consent) => authorize(prepared, consent.id),

    async grant(token, client, consent) {
      const prepared = await this.prepare(token, client, { id: consent.userId });
      return prepared.ok ? this.complete(prepared.value, consent) : prepared;
    },

    end: (token) => handshakes.endTemporary(token),

    async exchange(sent) {
      const given = await read(sent);
      if (!given.ok) return given;
      const { signed, client } = given.value;
      const claimed = claimProblem(client);
      if (claimed) return refuse(claimed);
      const token = signed.oauth.get('oauth_token') ?? '';
      if (token === '' && settings.reading === 'rfc5849')
        return refuse({ kind: 'parameter_absent', parameter: 'oauth_token' });
      const now = clock.now();
      const found = hexKey.test(token) ? await handshakes.findTemporary(token, now) : undefined;
      const pair = found !== undefined && found.clientId === client?.id ? found : undefined;
      const { known } = secretsOf(
        client,
        pair ? sealer.open(pair.secretSealed, TEMPORARY_SECRET) : mint.randomHex(20),
      );
      const nonce = verifySigned(
        signed,
        { client: client ? 'known' : 'unknown', token: pair ? 'known' : 'unknown', ...known },
        settings,
      );
      if (!nonce.ok)
        return nonce.refusal.kind === 'token_rejected'
          ? refuse({ kind: 'token_rejected', token: 'temporary' })
          : nonce;
      if (client === undefined || pair === undefined)
        return refuse({ kind: 'token_rejected', token: 'temporary' });
      const problem = handshakeProblem(client, sent);
      if (problem) return refuse(problem);
      const verifier = signed.oauth.get('oauth_verifier');
      if (verifier === undefined && settings.reading === 'rfc5849')
        return refuse({ kind: 'parameter_absent', parameter: 'oauth_verifier' });
      // Everything the answer needs is fetched before the pair is spent.
      const bound = pair.authorized?.consentId ?? null;
      const consent = bound === null ? undefined : await registry.findConsentById(bound);
      const credentials = consent && (await tokens.findTokenCredentialsOf(consent.id));
      const user = consent && (await accounts.findAccount(consent.userId));
      // Judged before the pair is spent: what is refused for another reason can be exchanged when
      // the reason is gone.
      if (bound !== null && !pair.used) {
        if (!consent || !credentials || !user)
          return refuse({ kind: 'token_rejected', token: 'permanent' });
        const barred = userProblem(client, user);
        if (barred) return refuse(barred);
      }
      const outcome = await handshakes.redeemTemporary(
        nonce.value,
        token,
        digestOf(verifier ?? ''),
        now,
        later(now, settings.temporaryFor),
      );
      switch (outcome) {
        case 'nonce-seen':
          return seen(signed);
        case 'already-used':
          return refuse({ kind: 'token_used' });
        case 'not-authorized':
          return refuse({ kind: 'permission_unknown' });
        case 'wrong-verifier':
          return refuse({ kind: 'verifier_invalid' });
        case 'gone':
          return refuse({ kind: 'token_rejected', token: 'temporary' });
        case 'redeemed': {
          if (!credentials) return refuse({ kind: 'token_rejected', token: 'permanent' });
          const secret = sealer.open(credentials.secretSealed, TOKEN_SECRET);
          return accept({
            token: credentials.token,
            secret,
            client,
            method: signed.oauth.get('oauth_signature_method') ?? '',
          });
        }
      }
    },

    async authenticateRequest(sent, site) {
      const given = await read(sent);
      if (!given.ok) return given;
      const { signed, client } = given.value;
      const token = signed.oauth.get('oauth_token') ?? '';
      if (token === '' && settings.reading === 'rfc5849')
        return refuse({ kind: 'parameter_absent', parameter: 'oauth_token' });
      const found = hexKey.test(token) ? await tokens.findTokenCredentials(token) : undefined;
      const pair = found !== undefined && found.consent.clientId === client?.id ? found : undefined;
      const { known, used } = secretsOf(
        client,
        pair ? sealer.open(pair.credentials.secretSealed, TOKEN_SECRET) : mint.randomHex(20),
      );
      const nonce = verifySigned(
        signed,
        { client: client ? 'known' : 'unknown', token: pair ? 'known' : 'unknown', ...known },
        settings,
      );
      if (!nonce.ok) return nonce;
      if (client === undefined || pair === undefined)
        return refuse({ kind: 'token_rejected', token: 'permanent' });
      const user = await accounts.findAccount(pair.consent.userId);
      if (user === undefined) return refuse({ kind: 'user_refused', problem: 'gone' });
      const where = { address: sent.address, ...(site === null ? {} : { site }) };
      const problem = userProblem(client, user, where);
      if (problem) return refuse(problem);
      if (site !== null && !coversSite(pair.consent.site, site)) {
        return refuse({
          kind: 'consumer_key_refused',
          client,
          why: { kind: 'wrong-site', site: pair.consent.site },
        });
      }
      // Last: what is refused for any other reason has spent nothing, and can be judged again (RFC
      // 5849 §3.3).
      if (!(await spent(nonce.value))) return seen(signed);
      const { id: secretId, plain } = used(nonce.value.secret);
      // What stands in for a secret is known to nobody: what is signed under it could not be
      // checked.
      const clientSecret = secretId === null ? null : plain;
      usage.note({ clientId: client.id, consentId: pair.consent.id, secretId, token }, true);
      return accept({
        client,
        consent: pair.consent,
        user,
        token,
        nonce: signed.oauth.get('oauth_nonce') ?? '',
        clientSecret,
      });
    },

    async explain(asked, client) {
      const now = clock.now();
      const clientSecrets = heldSecrets(client).map(({ plain }) => plain);
      const signed = parseSignedRequest(asked.sent, settings.reading);
      const token = (signed.ok && signed.value.oauth.get('oauth_token')) || '';
      const secrets = {
        clientSecrets,
        tokenSecret: await tokenSecretOf(client, token, now),
        publicKeyPem: client.rsaPublicKey,
      };
      return diagnose(asked, settings, secrets, { now, secretMissing: 'no-secret' });
    },
  };

  /**
   * The secret of a token that the client holds, permanent or temporary; empty without a token,
   * null for one it does not hold.
   */
  async function tokenSecretOf(
    client: Client,
    token: string,
    now: Instant,
  ): Promise<string | null> {
    if (token === '') return '';
    if (!hexKey.test(token)) return null;
    const pair = await tokens.findTokenCredentials(token);
    if (pair?.consent.clientId === client.id)
      return sealer.open(pair.credentials.secretSealed, TOKEN_SECRET);
    const temporary = await handshakes.findTemporary(token, now);
    return temporary?.clientId === client.id
      ? sealer.open(temporary.secretSealed, TEMPORARY_SECRET)
      : null;
  }

  async function authorize(
    { token, userId, verifier, completed }: PreparedPair,
    consentId: ConsentId | null,
  ): Promise<Result<Completed, OAuth1Refusal>> {
    const now = clock.now();
    const yes = { userId, consentId, verifierDigest: digestOf(verifier) };
    const outcome = await handshakes.authorizeTemporary(
      token,
      yes,
      now,
      later(now, settings.temporaryFor),
    );
    if (outcome === 'authorized') return accept(completed);
    // The same form sent twice at the same time: the other request was faster, and it is the same
    // yes.
    const { authorized } =
      (outcome === 'already-authorized' ? await handshakes.findTemporary(token, now) : undefined) ??
      {};
    if (authorized?.userId === userId && authorized.verifierDigest === yes.verifierDigest)
      return accept(completed);
    return refuse(
      outcome === 'already-authorized'
        ? { kind: 'token_used' }
        : { kind: 'token_rejected', token: 'temporary' },
    );
  }

  async function spent(nonce: NonceClaim): Promise<boolean> {
    return (await handshakes.claimNonce(nonce)) === 'first';
  }

  function seen(signed: SignedRequest) {
    return refuse({ kind: 'nonce_used', nonce: signed.oauth.get('oauth_nonce') ?? '' } as const);
  }
}
