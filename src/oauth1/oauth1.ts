import type { Account } from '#accounts/account.ts';
import type { AccountRecords } from '#accounts/records.ts';
import { addressInRanges } from '#encoding/address.ts';
import type { RawRequest } from '#encoding/raw-request.ts';
import type { ClientId, ConsentId, SiteId, UserId } from '#kernel/ids.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import { addSeconds, type Instant } from '#kernel/time.ts';
import { digestOf } from '#keys/digest.ts';
import type { IdGenerator } from '#keys/id-generator.ts';
import type { SecretBox } from '#keys/secret-box.ts';
import type { Clock } from '#platform/clock.ts';
import { clientAccessDenial, coversSite } from '#registry/access.ts';
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
import type { UsageRecorder } from '#registry/usage.ts';
import {
  callbackDestination,
  encodeCallback,
  isCallbackAllowed,
  isRegisteredCallback,
  needsPercentEncoding,
} from './callback.ts';
import { type Diagnosis, diagnose, type RequestToDiagnose } from './diagnosis/diagnose.ts';
import { parseSignedRequest, type SignedRequest } from './parse.ts';
import type { OAuth1Profile } from './profile.ts';
import type { NonceClaim, TemporaryCredentialRecords, TokenCredentialRecords } from './records.ts';
import { type OAuth1Refusal, rejectParameter } from './refusals.ts';
import { findParameterProblem, type OAuth1Settings, verifySignature } from './verify.ts';

export interface OAuth1Dependencies {
  readonly temporaryCredentials: TemporaryCredentialRecords;
  readonly tokenCredentials: TokenCredentialRecords;
  readonly registry: RegistryRecords;
  readonly accounts: AccountRecords;
  readonly secretBox: SecretBox;
  readonly idGenerator: IdGenerator;
  readonly clock: Clock;
  readonly usage: UsageRecorder;
  readonly settings: OAuth1Settings;
}

/** A pair of credentials in plain text, for the client alone. */
export interface IssuedCredentials {
  readonly token: string;
  readonly secret: string;
  readonly client: Client;
}

/** A signed API request whose signature, token, consent, person and client all stand. */
export interface AuthenticatedRequest {
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
export type ApprovalOutcome =
  | { readonly kind: 'redirect'; readonly uri: ProvenRedirect }
  | { readonly kind: 'show-verifier'; readonly verifier: string };

/** A person's yes to a pair that holds, as far as it can be judged before it is written. */
export interface PreparedAuthorization {
  readonly token: string;
  readonly userId: UserId;
  readonly verifier: string;
  /** The consent it is bound to already; null: none yet. */
  readonly consentId: ConsentId | null;
  readonly approvalOutcome: ApprovalOutcome;
}

/** OAuth 1.0a under one profile. */
export interface OAuth1 {
  readonly profile: OAuth1Profile;
  /** Temporary credentials (RFC 5849 §2.1). */
  issueTemporaryCredentials(
    rawRequest: RawRequest,
  ): Promise<Result<IssuedCredentials, OAuth1Refusal>>;
  /**
   * The client that asks for this person's decision (RFC 5849 §2.2). The client identifier in the
   * URL is optional.
   */
  findClientToAuthorize(
    token: string,
    clientId: string | undefined,
    user: Account,
  ): Promise<Result<Client, OAuth1Refusal>>;
  /**
   * The client whose temporary credentials these are; undefined: they are unknown or expired.
   * Nothing is judged.
   */
  findClientOfToken(token: string): Promise<Client | undefined>;
  /**
   * Judges a person's yes to a pair, and where they would go; nothing is written. `earlier`: the
   * verifier of a yes that was given already, for the same answer once more; another person's, or
   * another yes, is refused.
   */
  prepareAuthorization(
    token: string,
    client: Client,
    user: Pick<Account, 'id'>,
    previousVerifier?: string,
  ): Promise<Result<PreparedAuthorization, OAuth1Refusal>>;
  /**
   * Where a person who denied a request may go back to: its callback, with what became of it in the
   * words of OAuth Problem Reporting, for RFC 5849 §2.2 has none. Undefined: there is no callback,
   * nobody is sent there, or the profile has no such way.
   */
  denialRedirect(
    token: string,
    client: Client,
    user: Pick<Account, 'id'>,
  ): Promise<ProvenRedirect | undefined>;
  /**
   * Takes the pair for this yes, before the consent is written: of two decisions one counts. It
   * cannot be exchanged yet.
   */
  claimTemporaryCredentials(
    prepared: PreparedAuthorization,
  ): Promise<Result<ApprovalOutcome, OAuth1Refusal>>;
  /** Binds the pair to the consent. */
  bindConsent(
    prepared: PreparedAuthorization,
    consent: Consent,
  ): Promise<Result<ApprovalOutcome, OAuth1Refusal>>;
  /** Judges, and binds the pair to a consent that stands. */
  authorizeUnderConsent(
    token: string,
    client: Client,
    consent: Consent,
  ): Promise<Result<ApprovalOutcome, OAuth1Refusal>>;
  /** Ends a pair: the person took their yes back before the exchange. */
  revokeTemporaryCredentials(token: string): Promise<void>;
  /** Token credentials (RFC 5849 §2.3). */
  issueTokenCredentials(
    rawRequest: RawRequest,
  ): Promise<Result<IssuedCredentials & { readonly method: string }, OAuth1Refusal>>;
  /** Checks a signed API request (RFC 5849 §3.2) for a site; null: any the consent covers. */
  authenticateRequest(
    rawRequest: RawRequest,
    site: SiteId | null,
  ): Promise<Result<AuthenticatedRequest, OAuth1Refusal>>;
  /**
   * Explains a request of this client to its developer: what is signed, and which mistake made the
   * signature that came. Nothing is spent.
   */
  diagnoseRequest(request: RequestToDiagnose, client: Client): Promise<Diagnosis>;
}

const TEMPORARY_SECRET = 'temporary secret';
const identifierPattern = /^[0-9a-zA-Z_-]{1,64}$/;

/** What a person is told who is not sent to a client. */
function redirectRefusal(client: Client, why: UnprovenRedirect): OAuth1Refusal {
  if (why.kind === 'not-registered')
    return { kind: 'callback_rejected', prefix: client.redirectIsPrefix };
  return why.kind === 'misleading'
    ? { kind: 'callback_misleading' }
    : { kind: 'consumer_key_refused', client, why };
}

/** Builds OAuth 1.0a under one profile. */
export function makeOAuth1(deps: OAuth1Dependencies): OAuth1 {
  const {
    temporaryCredentials,
    tokenCredentials,
    registry,
    accounts,
    secretBox,
    idGenerator,
    clock,
    usage,
    settings,
  } = deps;
  const { profile } = settings;

  async function findSigningClient(signed: SignedRequest): Promise<Client | undefined> {
    const key = signed.oauth.get('oauth_consumer_key') ?? '';
    const client = identifierPattern.test(key)
      ? await registry.findClient(key as ClientId)
      : undefined;
    return client?.protocol === 'oauth1' ? client : undefined;
  }

  /** Every secret the client may sign with, oldest first. */
  const decryptedClientSecrets = (client: Client | undefined) =>
    (client ? liveSecrets(client, clock.now()) : []).flatMap(({ id, encrypted: sealed }) =>
      sealed === null ? [] : [{ id, plain: secretBox.decrypt(sealed, CLIENT_SECRET) }],
    );

  /** The same to check with; for nobody, one that nobody can know. */
  function verificationSecrets(client: Client | undefined, tokenSecret: string) {
    const clientSecrets = decryptedClientSecrets(client);
    // For nobody, a secret made at this moment: a text in this file would be one that everybody
    // has.
    const [first = { id: null, plain: idGenerator.randomHex(20) }, ...others] = clientSecrets;
    const signer = {
      secrets: {
        clientSecret: first.plain,
        tokenSecret,
        publicKeyPem: client?.rsaPublicKey ?? null,
      },
      otherClientSecrets: others.map(({ plain }) => plain),
    };
    return { known: signer, used: (index: number) => [first, ...others][index] ?? first };
  }

  /**
   * Reads the request and checks what needs no secret; answers it with the client that claims to
   * have signed.
   */
  async function parseAndCheck(
    rawRequest: RawRequest,
  ): Promise<Result<{ signed: SignedRequest; client: Client | undefined }, OAuth1Refusal>> {
    const signed = parseSignedRequest(rawRequest, profile);
    if (!signed.ok) return signed;
    const problem = findParameterProblem(signed.value, settings, clock.now());
    if (problem) return refuse(problem);
    return accept({ signed: signed.value, client: await findSigningClient(signed.value) });
  }

  /**
   * What a profile may say of an app before anything is proven: nobody could sign for such an app,
   * or has a use for what they would get, so a signature is not asked for. Otherwise it is said to a
   * proven app alone; a hidden app is never told of.
   */
  function unprovenClientProblem(client: Client | undefined): OAuth1Refusal | undefined {
    if (!profile.clientProblemsBeforeSignature || client === undefined || client.suppressed)
      return undefined;
    if (client.ownerOnly) return { kind: 'owner_only', client };
    return hasNoSigningKey(client) ? { kind: 'no_secret' } : undefined;
  }

  /** True when there is nothing that the app could sign with. */
  const hasNoSigningKey = (client: Client): boolean =>
    client.rsaPublicKey === null &&
    liveSecrets(client, clock.now()).every(({ encrypted: sealed }) => sealed === null);

  /** Rules of the handshake that an honest signer can break (protocols 1.12). */
  function handshakeProblem(client: Client, rawRequest: RawRequest): OAuth1Refusal | undefined {
    if (client.ownerOnly) return { kind: 'owner_only', client };
    if (hasNoSigningKey(client)) return { kind: 'no_secret' };
    if (!addressInRanges(rawRequest.address, client.restrictions.addresses))
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
    const accessDenial = clientAccessDenial(client, user, where);
    if (accessDenial === undefined) return undefined;
    if (accessDenial.kind === 'user-blocked') return { kind: 'user_refused', problem: 'blocked' };
    return accessDenial.kind === 'address-not-allowed'
      ? { kind: 'address_refused' }
      : { kind: 'consumer_key_refused', client, why: accessDenial };
  }

  /**
   * Whether a callback may be used by a client (RFC 5849 §2.1); the registered one itself is
   * allowed beside what a prefix allows.
   */
  const isAllowedCallback = (callback: string, client: Client): boolean =>
    isCallbackAllowed(callback, client) ||
    (profile.registeredCallbackAllowed && isRegisteredCallback(callback, client));
  /** True when whoever consents would be sent to another host than the callback shows. */
  const isMisleadingCallback = (callback: string, client: Client): boolean =>
    callbackDestination(callback, client, profile.oobRedirectsToRegisteredUrl) === 'misleads';

  return {
    profile,

    async issueTemporaryCredentials(sent) {
      const parsed = await parseAndCheck(sent);
      if (!parsed.ok) return parsed;
      const { signed, client } = parsed.value;
      const clientProblem = unprovenClientProblem(client);
      if (clientProblem) return refuse(clientProblem);
      const { known: signer, used: secretAt } = verificationSecrets(client, '');
      const verified = verifySignature(
        signed,
        { client: client ? 'known' : 'unknown', token: 'none', ...signer },
        settings,
      );
      if (!verified.ok || client === undefined)
        return verified.ok ? refuse({ kind: 'consumer_key_unknown' }) : verified;
      const problem = handshakeProblem(client, sent);
      if (problem) return refuse(problem);
      const sentCallback = signed.oauth.get('oauth_callback');
      if (sentCallback === undefined || sentCallback === '') {
        return refuse(
          profile.missingCallback === 'callback-rejected'
            ? { kind: 'callback_rejected', prefix: client.redirectIsPrefix }
            : { kind: 'parameter_absent', parameter: 'oauth_callback' },
        );
      }
      if (profile.unencodedCallback === 'refuse' && needsPercentEncoding(sentCallback))
        return rejectParameter(
          'oauth_callback',
          'malformed',
          ' is a URI: percent-encode blanks and characters beyond ASCII in it, then once more as a parameter.',
        );
      const callback =
        profile.unencodedCallback === 'encode' ? encodeCallback(sentCallback) : sentCallback;
      if (!isAllowedCallback(callback, client))
        return refuse({ kind: 'callback_rejected', prefix: client.redirectIsPrefix });
      if (isMisleadingCallback(callback, client)) return refuse({ kind: 'callback_misleading' });
      const [token, secret] = [idGenerator.hex32(), idGenerator.randomHex(16)];
      const now = clock.now();
      const outcome = await temporaryCredentials.saveTemporaryCredentials(verified.value, {
        token,
        clientId: client.id,
        encryptedSecret: secretBox.encrypt(secret, TEMPORARY_SECRET),
        callback,
        expiresAt: addSeconds(now, settings.temporaryCredentialsTtlSeconds),
        authorized: null,
        used: false,
      });
      if (outcome !== 'saved') return nonceAlreadyUsed(signed);
      usage.recordUse({ clientId: client.id, secretId: secretAt(verified.value.secretIndex).id });
      return accept({ token, secret, client });
    },

    async findClientOfToken(token) {
      const pair = identifierPattern.test(token)
        ? await temporaryCredentials.findTemporaryCredentials(token, clock.now())
        : undefined;
      return pair && registry.findClient(pair.clientId);
    },

    async findClientToAuthorize(token, clientId, user) {
      const pair = identifierPattern.test(token)
        ? await temporaryCredentials.findTemporaryCredentials(token, clock.now())
        : undefined;
      const id = clientId ?? pair?.clientId;
      const client =
        id !== undefined && identifierPattern.test(id)
          ? await registry.findClient(id as ClientId)
          : undefined;
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
      return isMisleadingCallback(pair.callback, client)
        ? refuse({ kind: 'callback_misleading' })
        : accept(client);
    },

    async prepareAuthorization(token, client, user, previousVerifier) {
      const now = clock.now();
      const verifier = previousVerifier ?? idGenerator.randomHex(16);
      const pair = await temporaryCredentials.findTemporaryCredentials(token, now);
      if (pair === undefined || pair.clientId !== client.id)
        return refuse({ kind: 'token_rejected', token: 'temporary' });
      const isSameApproval =
        pair.authorized === null ||
        (pair.authorized.userId === user.id &&
          pair.authorized.verifierDigest === digestOf(verifier));
      if (pair.used || !isSameApproval) return refuse({ kind: 'token_used' });
      const outOfBand = pair.callback === 'oob';
      const callback = outOfBand ? client.redirectUri : pair.callback;
      // Judged as the client is now, and before anything is written: also a verifier that is only
      // shown is for nobody else.
      const redirect = proveRedirect(
        callback,
        client,
        user,
        'consent',
        outOfBand ? () => true : isAllowedCallback,
      );
      const isVerifierShown =
        outOfBand && !(profile.oobRedirectsToRegisteredUrl && client.redirectUri !== '');
      // Where a callback leads counts only for those who are sent there.
      if (!redirect.ok && !(isVerifierShown && redirect.refusal.kind === 'misleading'))
        return refuse(redirectRefusal(client, redirect.refusal));
      const params = [['oauth_verifier', verifier] as const, ['oauth_token', token] as const];
      const approvalOutcome: ApprovalOutcome =
        isVerifierShown || !redirect.ok
          ? { kind: 'show-verifier', verifier }
          : { kind: 'redirect', uri: withParameters(redirect.value, params) };
      return accept({
        token,
        userId: user.id,
        verifier,
        consentId: pair.authorized?.consentId ?? null,
        approvalOutcome,
      });
    },

    async denialRedirect(token, client, user) {
      const pair = profile.denialRedirects
        ? await temporaryCredentials.findTemporaryCredentials(token, clock.now())
        : undefined;
      if (pair === undefined || pair.clientId !== client.id || pair.callback === 'oob')
        return undefined;
      const redirect = proveRedirect(pair.callback, client, user, 'error', isAllowedCallback);
      const params = [
        ['oauth_problem', 'permission_denied'] as const,
        ['oauth_token', token] as const,
      ];
      return redirect.ok ? withParameters(redirect.value, params) : undefined;
    },

    claimTemporaryCredentials: (prepared) => authorizeCredentials(prepared, null),
    bindConsent: (prepared, consent) => authorizeCredentials(prepared, consent.id),

    async authorizeUnderConsent(token, client, consent) {
      const prepared = await this.prepareAuthorization(token, client, { id: consent.userId });
      return prepared.ok ? this.bindConsent(prepared.value, consent) : prepared;
    },

    revokeTemporaryCredentials: (token) => temporaryCredentials.deleteTemporaryCredentials(token),

    async issueTokenCredentials(sent) {
      const parsed = await parseAndCheck(sent);
      if (!parsed.ok) return parsed;
      const { signed, client } = parsed.value;
      const clientProblem = unprovenClientProblem(client);
      if (clientProblem) return refuse(clientProblem);
      const token = signed.oauth.get('oauth_token') ?? '';
      if (token === '' && profile.missingToken === 'parameter-absent')
        return refuse({ kind: 'parameter_absent', parameter: 'oauth_token' });
      const now = clock.now();
      const found = identifierPattern.test(token)
        ? await temporaryCredentials.findTemporaryCredentials(token, now)
        : undefined;
      const pair = found !== undefined && found.clientId === client?.id ? found : undefined;
      const { known: signer } = verificationSecrets(
        client,
        pair
          ? secretBox.decrypt(pair.encryptedSecret, TEMPORARY_SECRET)
          : idGenerator.randomHex(20),
      );
      const verified = verifySignature(
        signed,
        { client: client ? 'known' : 'unknown', token: pair ? 'known' : 'unknown', ...signer },
        settings,
      );
      if (!verified.ok)
        return verified.refusal.kind === 'token_rejected'
          ? refuse({ kind: 'token_rejected', token: 'temporary' })
          : verified;
      if (client === undefined || pair === undefined)
        return refuse({ kind: 'token_rejected', token: 'temporary' });
      const problem = handshakeProblem(client, sent);
      if (problem) return refuse(problem);
      const verifier = signed.oauth.get('oauth_verifier');
      if (verifier === undefined && profile.missingVerifier === 'parameter-absent')
        return refuse({ kind: 'parameter_absent', parameter: 'oauth_verifier' });
      // Everything the answer needs is fetched before the pair is spent.
      const boundConsentId = pair.authorized?.consentId ?? null;
      const consent =
        boundConsentId === null ? undefined : await registry.findConsentById(boundConsentId);
      const credentials =
        consent && (await tokenCredentials.findTokenCredentialsByConsent(consent.id));
      const user = consent && (await accounts.findAccount(consent.userId));
      // Judged before the pair is spent: what is refused for another reason can be exchanged when
      // the reason is gone.
      if (boundConsentId !== null && !pair.used) {
        if (!consent || !credentials || !user)
          return refuse({ kind: 'token_rejected', token: 'permanent' });
        const userDenial = userProblem(client, user);
        if (userDenial) return refuse(userDenial);
      }
      const outcome = await temporaryCredentials.redeemTemporaryCredentials(
        verified.value,
        token,
        digestOf(verifier ?? ''),
        now,
        addSeconds(now, settings.temporaryCredentialsTtlSeconds),
      );
      switch (outcome) {
        case 'nonce-seen':
          return nonceAlreadyUsed(signed);
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
          const secret = secretBox.decrypt(credentials.encryptedSecret, TOKEN_SECRET);
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
      const parsed = await parseAndCheck(sent);
      if (!parsed.ok) return parsed;
      const { signed, client } = parsed.value;
      const token = signed.oauth.get('oauth_token') ?? '';
      if (token === '' && profile.missingToken === 'parameter-absent')
        return refuse({ kind: 'parameter_absent', parameter: 'oauth_token' });
      const found = identifierPattern.test(token)
        ? await tokenCredentials.findTokenCredentials(token)
        : undefined;
      const pair = found !== undefined && found.consent.clientId === client?.id ? found : undefined;
      const { known: signer, used: secretAt } = verificationSecrets(
        client,
        pair
          ? secretBox.decrypt(pair.credentials.encryptedSecret, TOKEN_SECRET)
          : idGenerator.randomHex(20),
      );
      const verified = verifySignature(
        signed,
        { client: client ? 'known' : 'unknown', token: pair ? 'known' : 'unknown', ...signer },
        settings,
      );
      if (!verified.ok) return verified;
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
      if (!(await isFirstUse(verified.value))) return nonceAlreadyUsed(signed);
      const { id: secretId, plain } = secretAt(verified.value.secretIndex);
      // What stands in for a secret is known to nobody: what is signed under it could not be
      // checked.
      const clientSecret = secretId === null ? null : plain;
      usage.recordUse({ clientId: client.id, consentId: pair.consent.id, secretId, token }, true);
      return accept({
        client,
        consent: pair.consent,
        user,
        token,
        nonce: signed.oauth.get('oauth_nonce') ?? '',
        clientSecret,
      });
    },

    async diagnoseRequest(request, client) {
      const now = clock.now();
      const clientSecrets = decryptedClientSecrets(client).map(({ plain }) => plain);
      const signed = parseSignedRequest(request.rawRequest, profile);
      const token = (signed.ok && signed.value.oauth.get('oauth_token')) || '';
      const secrets = {
        clientSecrets,
        tokenSecret: await tokenSecretOf(client, token, now),
        publicKeyPem: client.rsaPublicKey,
      };
      return diagnose(request, settings, secrets, { now, secretMissing: 'no-secret' });
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
    if (!identifierPattern.test(token)) return null;
    const pair = await tokenCredentials.findTokenCredentials(token);
    if (pair?.consent.clientId === client.id)
      return secretBox.decrypt(pair.credentials.encryptedSecret, TOKEN_SECRET);
    const temporary = await temporaryCredentials.findTemporaryCredentials(token, now);
    return temporary?.clientId === client.id
      ? secretBox.decrypt(temporary.encryptedSecret, TEMPORARY_SECRET)
      : null;
  }

  async function authorizeCredentials(
    { token, userId, verifier, approvalOutcome }: PreparedAuthorization,
    consentId: ConsentId | null,
  ): Promise<Result<ApprovalOutcome, OAuth1Refusal>> {
    const now = clock.now();
    const approval = { userId, consentId, verifierDigest: digestOf(verifier) };
    const outcome = await temporaryCredentials.authorizeTemporaryCredentials(
      token,
      approval,
      now,
      addSeconds(now, settings.temporaryCredentialsTtlSeconds),
    );
    if (outcome === 'authorized') return accept(approvalOutcome);
    // The same form sent twice at the same time: the other request was faster, and it is the same
    // yes.
    const { authorized } =
      (outcome === 'already-authorized'
        ? await temporaryCredentials.findTemporaryCredentials(token, now)
        : undefined) ?? {};
    if (authorized?.userId === userId && authorized.verifierDigest === approval.verifierDigest)
      return accept(approvalOutcome);
    return refuse(
      outcome === 'already-authorized'
        ? { kind: 'token_used' }
        : { kind: 'token_rejected', token: 'temporary' },
    );
  }

  async function isFirstUse(nonce: NonceClaim): Promise<boolean> {
    return (await temporaryCredentials.claimNonce(nonce)) === 'first';
  }

  function nonceAlreadyUsed(signed: SignedRequest) {
    return refuse({ kind: 'nonce_used', nonce: signed.oauth.get('oauth_nonce') ?? '' } as const);
  }
}
