import type { UserId } from '#kernel/ids.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import { addSeconds, type Seconds, seconds } from '#kernel/time.ts';
import { digestOf } from '#keys/digest.ts';
import type { IdGenerator } from '#keys/id-generator.ts';
import type { Clock } from '#platform/clock.ts';
import type { Account } from './account.ts';
import type { KnownDevices } from './devices.ts';
import { isPlainText, normalizeText } from './fields.ts';
import type { Mailer } from './mailer.ts';
import { challengeOf, isUnattested, loadLibrary, parsePasskeyAnswer } from './passkey-answers.ts';
import type { Passkey, Passkeys } from './passkey-records.ts';
import type { PasswordCheck, WrongPassword } from './profile.ts';
import type { AccountRecords, AccountTokenKind, AccountTokens } from './records.ts';
import type { OpenSession, RequestOrigin, SignedIn } from './sessions.ts';
import { networkOf, type Pacer, THROTTLE_WINDOW, type Throttled, throttled } from './throttle.ts';

/**
 * The browser's answer does not hold: too late, not ours, a key we do not know, or a copy. It does
 * not tell which.
 */
export interface WrongPasskey {
  readonly kind: 'wrong-passkey';
}
type PasskeyProblem = WrongPasskey | Throttled | { readonly kind: 'blocked' };
export interface PasskeyRefusal {
  readonly kind: 'wrong-label' | 'too-many' | 'taken';
}

/** Keys that sign a person in (WebAuthn Level 3). Options and answers are JSON of its §5.1. */
export interface PasskeyService {
  passkeysOf(account: Account): Promise<readonly Passkey[]>;
  /**
   * What the browser makes a key with. Asks for the password, as a key stays when the session ends.
   */
  passkeyOptions(
    account: Account,
    password: string,
  ): Promise<Result<object, WrongPassword | PasskeyRefusal | Throttled>>;
  addPasskey(
    account: Account,
    label: string,
    answer: string,
  ): Promise<Result<'added', WrongPasskey | PasskeyRefusal>>;
  renamePasskey(
    account: Account,
    id: string,
    label: string,
  ): Promise<Result<'set', { readonly kind: 'wrong-label' | 'unknown' }>>;
  /**
   * Asks for the password, as adding one does: whoever found an open session must not lock its
   * person out. Tells them by mail.
   */
  removePasskey(
    account: Account,
    id: string,
    password: string,
  ): Promise<Result<'removed', WrongPassword | Throttled | { readonly kind: 'unknown' }>>;
  /** What the browser signs in with. It names nobody, so it tells nothing about anybody. */
  signInOptions(from: RequestOrigin): Promise<Result<object, Throttled>>;
  signInWithPasskey(answer: string, from: RequestOrigin): Promise<Result<SignedIn, PasskeyProblem>>;
  /** Whose passkey a browser's answer was made with. Its challenge is spent. */
  passkeyHolder(answer: string, from: RequestOrigin): Promise<Result<Account, PasskeyProblem>>;
}

const CHALLENGE_TTL_SECONDS = seconds(300);
const MAX_PASSKEYS = 20;
/**
 * Nothing can be guessed here: it is for the sake of the store, so nobody is kept out for long, and
 * known browsers not at all.
 */
const TRIES_PER_NETWORK = { most: 60, window: THROTTLE_WINDOW, pause: seconds(2) };
/** Ed25519, ECDSA and RSA (RFC 9053 §2, RFC 8812 §2). */
const algorithms = [-8, -7, -257];

const parseLabel = (label: string): string | undefined => {
  const validLabel = normalizeText(label);
  return validLabel !== '' && Buffer.byteLength(validLabel) <= 128 && isPlainText(validLabel)
    ? validLabel
    : undefined;
};

/** Everything about passkeys. */
export function makePasskeys(deps: {
  readonly records: AccountRecords & AccountTokens & Passkeys;
  readonly pacer: Pacer;
  readonly knownDevices: KnownDevices;
  readonly checkPassword: PasswordCheck;
  readonly openSession: OpenSession;
  readonly mailer: Mailer;
  readonly idGenerator: IdGenerator;
  readonly clock: Clock;
  readonly settings: { readonly origin: string; readonly siteName: string };
}): PasskeyService {
  const {
    records,
    pacer,
    knownDevices,
    checkPassword,
    openSession,
    mailer,
    idGenerator,
    clock,
    settings,
  } = deps;
  const rpID = new URL(settings.origin).hostname;
  const wrongPasskey = refuse({ kind: 'wrong-passkey' });

  /** Slows down a network that asks all the time. */
  const retryDelay = async (what: string, from: RequestOrigin): Promise<Seconds | undefined> => {
    const network = networkOf(from);
    return network === null || knownDevices.isKnownDevice(from.deviceCookie)
      ? undefined
      : pacer.countAndDelay(`${what} ${network}`, TRIES_PER_NETWORK);
  };

  async function createChallenge(kind: AccountTokenKind, userId: UserId | null): Promise<string> {
    const secret = idGenerator.secret();
    await records.saveAccountToken({
      digest: digestOf(secret),
      kind,
      userId,
      data: '',
      expiresAt: addSeconds(clock.now(), CHALLENGE_TTL_SECONDS),
    });
    return secret;
  }

  /** Reads the answer and spends its challenge: each is good for one answer, right or wrong. */
  async function consumeChallenge(kind: AccountTokenKind, json: string) {
    const answer = parsePasskeyAnswer(json);
    const secret = answer === undefined ? '' : challengeOf(answer);
    const token = /^[\w-]{51}$/.test(secret)
      ? await records.consumeAccountToken(digestOf(secret), kind, clock.now())
      : undefined;
    if (answer === undefined || token === undefined) return undefined;
    const checks = {
      expectedChallenge: Buffer.from(secret).toString('base64url'),
      expectedOrigin: settings.origin,
      expectedRPID: rpID,
      requireUserVerification: true,
    };
    return { answer, token, checks };
  }

  const service: PasskeyService = {
    passkeysOf: (account) => records.listPasskeys(account.id),
    async passkeyOptions(account, password) {
      const checked = await checkPassword(account, password);
      if (!checked.ok) return checked;
      const keys = await records.listPasskeys(account.id);
      if (keys.length >= MAX_PASSKEYS) return refuse({ kind: 'too-many' });
      const { generateRegistrationOptions } = await loadLibrary();
      return accept(
        await generateRegistrationOptions({
          rpName: settings.siteName,
          rpID,
          userName: account.name,
          userDisplayName: account.realName || account.name,
          userID: new Uint8Array(Buffer.from(String(account.id))),
          challenge: await createChallenge('add-passkey', account.id),
          timeout: CHALLENGE_TTL_SECONDS * 1000,
          attestationType: 'none',
          excludeCredentials: keys.map(({ id, transports }) => ({
            id,
            transports: [...transports],
          })),
          authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
          supportedAlgorithmIDs: algorithms,
        }),
      );
    },
    async addPasskey(account, label, json) {
      const validLabel = parseLabel(label);
      if (validLabel === undefined) return refuse({ kind: 'wrong-label' });
      const consumed = await consumeChallenge('add-passkey', json);
      if (consumed === undefined || consumed.token.userId !== account.id) return wrongPasskey;
      const { answer, checks } = consumed;
      let credentialKey: { readonly publicKey: string; readonly counter: number };
      try {
        if (!(await isUnattested(answer.response.attestationObject ?? ''))) return wrongPasskey;
        const { verifyRegistrationResponse } = await loadLibrary();
        const checked = await verifyRegistrationResponse({
          ...checks,
          response: { ...answer, clientExtensionResults: {} } as never,
          supportedAlgorithmIDs: algorithms,
        });
        if (!checked.verified) return wrongPasskey;
        const { credential } = checked.registrationInfo;
        if (credential.id !== answer.id) return wrongPasskey;
        credentialKey = {
          publicKey: Buffer.from(credential.publicKey).toString('base64url'),
          counter: credential.counter,
        };
      } catch {
        // The library throws what does not hold.
        return wrongPasskey;
      }
      if ((await records.listPasskeys(account.id)).length >= MAX_PASSKEYS)
        return refuse({ kind: 'too-many' });
      const passkey = {
        ...credentialKey,
        id: answer.id,
        userId: account.id,
        transports: answer.response.transports ?? [],
        label: validLabel,
        createdAt: clock.now(),
        lastUsedAt: null,
      };
      const email = await mailer.prepareChange(account, 'passkey-added');
      if ((await records.addPasskey(passkey, email)) !== 'added') return refuse({ kind: 'taken' });
      mailer.deliverSoon(email);
      return accept('added');
    },
    async renamePasskey(account, id, label) {
      const validLabel = parseLabel(label);
      if (validLabel === undefined) return refuse({ kind: 'wrong-label' });
      const answer = await records.renamePasskey(account.id, id, validLabel);
      return answer === 'set' ? accept('set') : refuse({ kind: 'unknown' });
    },
    async removePasskey(account, id, password) {
      const checked = await checkPassword(account, password);
      if (!checked.ok) return checked;
      const email = await mailer.prepareChange(account, 'passkey-removed');
      if ((await records.removePasskey(account.id, id, email)) !== 'removed')
        return refuse({ kind: 'unknown' });
      mailer.deliverSoon(email);
      return accept('removed');
    },

    async signInOptions(from) {
      const wait = await retryDelay('passkey address', from);
      if (wait !== undefined) return throttled(wait);
      const { generateAuthenticationOptions } = await loadLibrary();
      return accept(
        await generateAuthenticationOptions({
          rpID,
          challenge: await createChallenge('use-passkey', null),
          timeout: CHALLENGE_TTL_SECONDS * 1000,
          userVerification: 'required',
        }),
      );
    },
    async passkeyHolder(json, from) {
      const wait = await retryDelay('passkey try', from);
      if (wait !== undefined) return throttled(wait);
      const consumed = await consumeChallenge('use-passkey', json);
      const passkey = consumed && (await records.findPasskey(consumed.answer.id));
      if (consumed === undefined || passkey === undefined) return wrongPasskey;
      const { answer, checks } = consumed;
      const handle = answer.response.userHandle;
      if (handle && Buffer.from(handle, 'base64url').toString() !== String(passkey.userId))
        return wrongPasskey;
      let counter: number;
      try {
        const { verifyAuthenticationResponse } = await loadLibrary();
        const checked = await verifyAuthenticationResponse({
          ...checks,
          response: { ...answer, clientExtensionResults: {} } as never,
          credential: {
            id: passkey.id,
            publicKey: new Uint8Array(Buffer.from(passkey.publicKey, 'base64url')),
            counter: passkey.counter,
            transports: [...passkey.transports],
          },
        });
        if (!checked.verified) return wrongPasskey;
        counter = checked.authenticationInfo.newCounter;
      } catch {
        return wrongPasskey;
      }
      if ((await records.recordPasskeyUse(passkey.id, counter, clock.now())) !== 'used')
        return wrongPasskey;
      const account = await records.findAccount(passkey.userId);
      if (account === undefined) return wrongPasskey;
      return account.blocked ? refuse({ kind: 'blocked' }) : accept(account);
    },
    async signInWithPasskey(json, from) {
      const holder = await service.passkeyHolder(json, from);
      return holder.ok ? accept(await openSession(holder.value, from, 'passkey')) : holder;
    },
  };
  return service;
}
