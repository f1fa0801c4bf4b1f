import { z } from 'zod';
import type { UserId } from '#kernel/ids.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import { later, type Seconds, seconds } from '#kernel/time.ts';
import { digestOf } from '#keys/digest.ts';
import type { Mint } from '#keys/id-generator.ts';
import type { Clock } from '#platform/clock.ts';
import type { Account } from './account.ts';
import type { Devices } from './devices.ts';
import type { PostOffice } from './emails.ts';
import { isPlain, tidy } from './fields.ts';
import type { PasswordCheck, WrongPassword } from './profile.ts';
import type {
  AccountRecords,
  AccountTokenKind,
  AccountTokens,
  Passkey,
  Passkeys,
} from './records.ts';
import type { From, OpenSession, SignedIn } from './sessions.ts';
import { networkOf, type Pacing, type Throttled, throttled, WINDOW } from './throttle.ts';

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
export interface PasskeyVerbs {
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
  signInOptions(from: From): Promise<Result<object, Throttled>>;
  signInWithPasskey(answer: string, from: From): Promise<Result<SignedIn, PasskeyProblem>>;
  /** Whose passkey a browser's answer was made with. Its challenge is spent. */
  passkeyHolder(answer: string, from: From): Promise<Result<Account, PasskeyProblem>>;
}

const CHALLENGE_FOR = seconds(300);
const MOST_KEYS = 20;
const MOST_ANSWER = 32_768;
/**
 * Nothing can be guessed here: it is for the sake of the store, so nobody is kept out for long, and
 * known browsers not at all.
 */
const TRIES_PER_NETWORK = { most: 60, window: WINDOW, pause: seconds(2) };
/** Ed25519, ECDSA and RSA (RFC 9053 §2, RFC 8812 §2). */
const algorithms = [-8, -7, -257];

const text = z.string().max(16_384);
const answered = z.object({
  id: z
    .string()
    .min(1)
    .max(1400)
    .regex(/^[\w-]+$/),
  rawId: z.string().max(1400),
  type: z.literal('public-key'),
  response: z.object({
    clientDataJSON: text,
    attestationObject: text.optional(),
    authenticatorData: text.optional(),
    signature: text.optional(),
    userHandle: z.string().max(128).nullish(),
    transports: z
      .array(z.string().regex(/^[a-z-]{1,20}$/))
      .max(10)
      .optional()
      .catch(undefined),
  }),
});
const clientData = z.object({ challenge: z.string().max(200) });
type Answered = z.infer<typeof answered>;

function parsed<T>(schema: z.ZodType<T>, json: string): T | undefined {
  try {
    return schema.safeParse(JSON.parse(json)).data;
  } catch {
    return undefined;
  }
}

const challengeOf = (answer: Answered): string => {
  const data = parsed(
    clientData,
    Buffer.from(answer.response.clientDataJSON, 'base64url').toString(),
  );
  return data === undefined ? '' : Buffer.from(data.challenge, 'base64url').toString('latin1');
};

const labelOf = (label: string): string | undefined => {
  const own = tidy(label);
  return own !== '' && Buffer.byteLength(own) <= 128 && isPlain(own) ? own : undefined;
};

// Loaded at its first use: it brings a library of certificates that most processes never need.
const library = () => import('@simplewebauthn/server');

/**
 * True for a key that vouches for itself at most. We ask for no attestation; a certificate sent all
 * the same would be looked up at an address that a stranger chose.
 */
async function isUnattested(attestationObject: string): Promise<boolean> {
  const { decodeAttestationObject } = await import('@simplewebauthn/server/helpers');
  const decoded = decodeAttestationObject(
    new Uint8Array(Buffer.from(attestationObject, 'base64url')),
  );
  const format = decoded.get('fmt');
  return (
    format === 'none' || (format === 'packed' && decoded.get('attStmt').get('x5c') === undefined)
  );
}

/** Everything about passkeys. */
export function makePasskeys(deps: {
  readonly records: AccountRecords & AccountTokens & Passkeys;
  readonly pacing: Pacing;
  readonly devices: Devices;
  readonly checkPassword: PasswordCheck;
  readonly openSession: OpenSession;
  readonly post: PostOffice;
  readonly mint: Mint;
  readonly clock: Clock;
  readonly settings: { readonly origin: string; readonly siteName: string };
}): PasskeyVerbs {
  const { records, pacing, devices, checkPassword, openSession, post, mint, clock, settings } =
    deps;
  const rpID = new URL(settings.origin).hostname;
  const wrong = refuse({ kind: 'wrong-passkey' });

  /** Slows down a network that asks all the time. */
  const waitFor = async (what: string, from: From): Promise<Seconds | undefined> => {
    const network = networkOf(from);
    return network === null || devices.knownToAnybody(from.devices)
      ? undefined
      : pacing.take(`${what} ${network}`, TRIES_PER_NETWORK);
  };

  async function challenge(kind: AccountTokenKind, userId: UserId | null): Promise<string> {
    const secret = mint.secret();
    await records.saveAccountToken({
      digest: digestOf(secret),
      kind,
      userId,
      data: '',
      expiresAt: later(clock.now(), CHALLENGE_FOR),
    });
    return secret;
  }

  /** Reads the answer and spends its challenge: each is good for one answer, right or wrong. */
  async function take(kind: AccountTokenKind, json: string) {
    const answer = json.length > MOST_ANSWER ? undefined : parsed(answered, json);
    const secret = answer === undefined ? '' : challengeOf(answer);
    const token = /^[\w-]{51}$/.test(secret)
      ? await records.takeAccountToken(digestOf(secret), kind, clock.now())
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

  /** Tells a person at their confirmed address what happened to their keys. */
  function tell(account: Account, kind: 'passkey-added' | 'passkey-removed'): void {
    if (account.email !== null && account.emailConfirmedAt !== null)
      post.send(account.email, account.language, { kind, name: account.name });
  }

  const verbs: PasskeyVerbs = {
    passkeysOf: (account) => records.listPasskeys(account.id),
    async passkeyOptions(account, password) {
      const checked = await checkPassword(account, password);
      if (!checked.ok) return checked;
      const keys = await records.listPasskeys(account.id);
      if (keys.length >= MOST_KEYS) return refuse({ kind: 'too-many' });
      const { generateRegistrationOptions } = await library();
      return accept(
        await generateRegistrationOptions({
          rpName: settings.siteName,
          rpID,
          userName: account.name,
          userDisplayName: account.realName || account.name,
          userID: new Uint8Array(Buffer.from(String(account.id))),
          challenge: await challenge('add-passkey', account.id),
          timeout: CHALLENGE_FOR * 1000,
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
      const own = labelOf(label);
      if (own === undefined) return refuse({ kind: 'wrong-label' });
      const taken = await take('add-passkey', json);
      if (taken === undefined || taken.token.userId !== account.id) return wrong;
      const { answer, checks } = taken;
      let made: { readonly publicKey: string; readonly counter: number };
      try {
        if (!(await isUnattested(answer.response.attestationObject ?? ''))) return wrong;
        const { verifyRegistrationResponse } = await library();
        const checked = await verifyRegistrationResponse({
          ...checks,
          response: { ...answer, clientExtensionResults: {} } as never,
          supportedAlgorithmIDs: algorithms,
        });
        if (!checked.verified) return wrong;
        const { credential } = checked.registrationInfo;
        if (credential.id !== answer.id) return wrong;
        made = {
          publicKey: Buffer.from(credential.publicKey).toString('base64url'),
          counter: credential.counter,
        };
      } catch {
        // The library throws what does not hold.
        return wrong;
      }
      if ((await records.listPasskeys(account.id)).length >= MOST_KEYS)
        return refuse({ kind: 'too-many' });
      const added = await records.addPasskey({
        ...made,
        id: answer.id,
        userId: account.id,
        transports: answer.response.transports ?? [],
        label: own,
        createdAt: clock.now(),
        lastUsedAt: null,
      });
      if (added !== 'added') return refuse({ kind: 'taken' });
      tell(account, 'passkey-added');
      return accept('added');
    },
    async renamePasskey(account, id, label) {
      const own = labelOf(label);
      if (own === undefined) return refuse({ kind: 'wrong-label' });
      const answer = await records.renamePasskey(account.id, id, own);
      return answer === 'set' ? accept('set') : refuse({ kind: 'unknown' });
    },
    async removePasskey(account, id, password) {
      const checked = await checkPassword(account, password);
      if (!checked.ok) return checked;
      if ((await records.removePasskey(account.id, id)) !== 'removed')
        return refuse({ kind: 'unknown' });
      tell(account, 'passkey-removed');
      return accept('removed');
    },

    async signInOptions(from) {
      const wait = await waitFor('passkey address', from);
      if (wait !== undefined) return throttled(wait);
      const { generateAuthenticationOptions } = await library();
      return accept(
        await generateAuthenticationOptions({
          rpID,
          challenge: await challenge('use-passkey', null),
          timeout: CHALLENGE_FOR * 1000,
          userVerification: 'required',
        }),
      );
    },
    async passkeyHolder(json, from) {
      const wait = await waitFor('passkey try', from);
      if (wait !== undefined) return throttled(wait);
      const taken = await take('use-passkey', json);
      const passkey = taken && (await records.findPasskey(taken.answer.id));
      if (taken === undefined || passkey === undefined) return wrong;
      const { answer, checks } = taken;
      const handle = answer.response.userHandle;
      if (handle && Buffer.from(handle, 'base64url').toString() !== String(passkey.userId))
        return wrong;
      let counter: number;
      try {
        const { verifyAuthenticationResponse } = await library();
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
        if (!checked.verified) return wrong;
        counter = checked.authenticationInfo.newCounter;
      } catch {
        return wrong;
      }
      if ((await records.usePasskey(passkey.id, counter, clock.now())) !== 'used') return wrong;
      const account = await records.findAccount(passkey.userId);
      if (account === undefined) return wrong;
      return account.blocked ? refuse({ kind: 'blocked' }) : accept(account);
    },
    async signInWithPasskey(json, from) {
      const holder = await verbs.passkeyHolder(json, from);
      return holder.ok ? accept(await openSession(holder.value, from, 'passkey')) : holder;
    },
  };
  return verbs;
}
