import assert from 'node:assert/strict';
import {
  basicAuthorization,
  codeVerifier,
  redirectUri,
  signedAuthorization,
  type TestData,
} from '#harness/inhabitants.ts';
import { type Answer, type Node, until } from './nodes.ts';

const WORKERS = 6;
/** How many things one phase of a test may use up. */
const STOCK = 150;

const bodyOf = (answer: Answer) => JSON.parse(answer.text || '{}') as Record<string, unknown>;
const pick = <T>(things: readonly T[]): T | undefined =>
  things[Math.floor(Math.random() * things.length)];

/**
 * Keeps several nodes busy with every kind of thing that must be stored, and remembers what was
 * answered, to hold them to it later. What may never happen goes to `wrong` at once: an answer that
 * is neither a success, nor the refusal of something that may have been spent, nor a 503 with
 * Retry-After.
 */
export class Load {
  readonly #nodes: readonly Node[];
  readonly #there: TestData;
  readonly #issuer: string;
  readonly #web: { readonly authorization: string };
  #codes: string[] = [];
  /** Access tokens nobody has revoked. */
  readonly #tokens: string[] = [];
  readonly #revoked: string[] = [];
  /** Successes with each code, and with each signed request. */
  readonly #codeWins = new Map<string, number>();
  readonly #signedWins = new Map<Readonly<Record<string, string>>, number>();
  /** What each refresh token was exchanged for. */
  readonly #successors = new Map<string, Set<string>>();
  /** Refresh tokens that are good. */
  readonly #chains: string[] = [];
  readonly #pairs: { readonly key: string; readonly secret: string }[] = [];
  readonly wrong: string[] = [];
  /** Answers: successes, refusals and 503, and connections that broke. */
  readonly counts = { done: 0, refused: 0, unavailable: 0, broken: 0 };
  /** Nodes that may break connections: they are being killed. */
  readonly mortal = new Set<Node>();
  #running: Promise<unknown> | undefined;
  #over = false;

  constructor(nodes: readonly Node[], there: TestData, issuer: string) {
    this.#nodes = nodes;
    this.#there = there;
    this.#issuer = issuer;
    this.#web = basicAuthorization(there.oauth2App);
  }

  async begin(): Promise<void> {
    this.#codes = [...(await this.#there.authorizationCodes(STOCK))];
    this.#over = false;
    this.#running = Promise.all(Array.from({ length: WORKERS }, (_, index) => this.#work(index)));
  }

  /** Waits until so many more requests succeeded: the nodes do their work (again). */
  async progress(count = 40): Promise<void> {
    const before = this.counts.done;
    await until(
      `${count} more successes after ${before}: ${JSON.stringify(this.counts)}`,
      () => this.counts.done >= before + count,
    );
  }

  /** Waits until somebody was told to come again later. */
  async refusals(count = 5): Promise<void> {
    const before = this.counts.unavailable;
    await until(
      `${count} more 503: ${JSON.stringify(this.counts)}`,
      () => this.counts.unavailable >= before + count,
    );
  }

  /** Handshakes under way may be gone: where they were kept has lost what was written last. */
  forgetHandshakes(): void {
    this.#pairs.length = 0;
  }

  /** A node dies as in a power failure, in the middle of its work, and comes back. */
  async kill(victim: Node): Promise<void> {
    this.mortal.add(victim);
    await victim.end('SIGKILL');
    await this.progress();
    await victim.run();
    this.mortal.delete(victim);
    await this.progress();
  }

  async stop(): Promise<void> {
    this.#over = true;
    await this.#running;
  }

  /**
   * Everything that was answered is so, on every node, and nothing that is good once is good again.
   */
  async audit(): Promise<void> {
    assert.deepEqual(this.wrong, []);
    const nodes = this.#nodes;
    const certain = async (
      ask: (node: Node) => Promise<Answer | null>,
      which: number,
    ): Promise<Answer> => {
      const answer = await ask(nodes[which % nodes.length] as Node);
      assert.ok(
        answer !== null && answer.status < 500,
        `after everything is well again: ${answer?.status} ${answer?.text}`,
      );
      return answer;
    };
    const each = async <T>(
      things: readonly T[],
      check: (thing: T, which: number) => Promise<void>,
    ) => {
      const rest = things.entries();
      await Promise.all(
        Array.from({ length: WORKERS }, async () => {
          for (const [which, thing] of rest) await check(thing, which);
        }),
      );
    };
    const isActive = async (token: string, which: number) =>
      bodyOf(await certain((node) => node.post('/oauth2/introspect', this.#web, { token }), which))
        .active;
    await each(this.#tokens, async (token, which) =>
      assert.equal(await isActive(token, which), true, 'a token that was answered is there'),
    );
    await each(this.#revoked, async (token, which) =>
      assert.equal(await isActive(token, which), false, 'what was revoked stays revoked'),
    );
    await each([...this.#successors], async ([, answers]) =>
      assert.equal(answers.size, 1, 'a refresh token has one successor'),
    );
    await each(this.#chains, async (refresh, which) => {
      const answer = await certain(
        (node) =>
          node.post('/oauth2/token', this.#web, {
            grant_type: 'refresh_token',
            refresh_token: refresh,
          }),
        which,
      );
      assert.equal(answer.status, 200, `a refresh token that was answered is good: ${answer.text}`);
    });
    this.#chains.length = 0;
    await each(this.#pairs.splice(0), async ({ key, secret }, which) => {
      const verifier = await this.#there.verifierFor(key);
      let answer: Answer | undefined;
      await until('a signature is not taken for one from before a restart', async () => {
        // Signed again each time, as an honest client does (ADR 9).
        const sign = (node: Node) =>
          this.#signed(
            node,
            'POST',
            '/oauth1/token',
            { key, secret },
            { oauth_verifier: verifier },
          );
        answer = await certain(sign, which);
        return !answer.text.startsWith('oauth_problem=nonce_used&');
      });
      assert.equal(
        answer?.status,
        200,
        `temporary credentials that were answered are good: ${answer?.text}`,
      );
    });
    await each([...this.#signedWins], async ([headers, wins], which) => {
      assert.ok(wins <= 1, 'a signed request was let in twice');
      const again = await certain((node) => node.ask('GET', '/api/v1/me', headers), which);
      // One that was never let in may be let in now: nobody knows of it.
      if (wins === 1) assert.equal(again.status, 401, 'a signed request was let in again');
    });
    await each([...this.#codeWins], async ([code, wins], which) => {
      assert.ok(wins <= 1, 'a code was good twice');
      const again = await certain((node) => this.#redeem(node, code), which);
      if (wins === 1) assert.equal(again.status, 400, 'a code was good again');
    });
    // Their codes were sent again just now, so what they bought has ended.
    this.#codeWins.clear();
    this.#signedWins.clear();
    this.#successors.clear();
  }

  get tally(): string {
    const { done, refused, unavailable, broken } = this.counts;
    return `${done} done, ${refused} refused, ${unavailable} told to come later, ${broken} broken; ${this.#tokens.length} tokens held to`;
  }

  #redeem(node: Node, code: string): Promise<Answer | null> {
    const form = {
      grant_type: 'authorization_code',
      code,
      redirect_uri: redirectUri,
      code_verifier: codeVerifier,
    };
    return node.post('/oauth2/token', this.#web, form);
  }

  #signed(
    node: Node,
    method: string,
    path: string,
    token: { key: string; secret: string } | null,
    extra: Record<string, string>,
  ) {
    return node.ask(
      method,
      path,
      signedAuthorization(method, `${this.#issuer}${path}`, this.#there.oauth1App, token, extra),
    );
  }

  /**
   * Judges one answer: true for a success, false for a refusal that is in `may`, undefined when
   * nobody knows what became of it.
   */
  #judge(
    what: string,
    node: Node,
    answer: Answer | null,
    may: readonly number[] = [],
  ): boolean | undefined {
    const { counts, wrong } = this;
    if (answer === null) {
      counts.broken += 1;
      if (!this.mortal.has(node)) wrong.push(`${what}: the connection broke`);
      return undefined;
    }
    if (answer.status === 503 && /^\d+$/.test(answer.headers.get('retry-after') ?? '')) {
      counts.unavailable += 1;
      return undefined;
    }
    if (answer.status === 200) {
      counts.done += 1;
      return true;
    }
    counts.refused += 1;
    if (!may.includes(answer.status))
      wrong.push(`${what}: ${answer.status} ${answer.text.slice(0, 200)} ${node.said.slice(-500)}`);
    return false;
  }

  async #work(index: number): Promise<void> {
    const turns = [
      this.#issue,
      this.#look,
      this.#spendSignature,
      this.#redeemOnce,
      this.#refresh,
      this.#revoke,
      this.#redeemTwice,
      this.#handshake,
    ];
    for (let turn = index; !this.#over; turn++) {
      const before = this.counts.done;
      await turns[turn % turns.length]?.call(this);
      // Where nothing works, a client waits a moment before it asks again.
      if (this.counts.done === before) await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }

  get #one(): Node {
    return pick(this.#nodes) as Node;
  }

  async #token(): Promise<string | undefined> {
    const node = this.#one;
    const answer = await node.post('/oauth2/token', this.#web, {
      grant_type: 'client_credentials',
    });
    return this.#judge('issue', node, answer)
      ? String(bodyOf(answer as Answer).access_token)
      : undefined;
  }

  async #issue(): Promise<void> {
    const token = await this.#token();
    if (token !== undefined) this.#tokens.push(token);
  }

  async #look(): Promise<void> {
    const [node, token] = [this.#one, pick(this.#tokens)];
    if (token === undefined) return;
    const answer = await node.post('/oauth2/introspect', this.#web, { token });
    if (this.#judge('introspection', node, answer) && bodyOf(answer as Answer).active !== true)
      this.wrong.push(`a token that is good was said not to be: ${answer?.text}`);
  }

  async #revoke(): Promise<void> {
    const token = await this.#token();
    if (token === undefined) return;
    const node = this.#one;
    if (this.#judge('revocation', node, await node.post('/oauth2/revoke', this.#web, { token })))
      this.#revoked.push(token);
  }

  /** The same signed request to every node at once. */
  async #spendSignature(): Promise<void> {
    const { client, token } = this.#there.ownerOnlyApp;
    const headers = signedAuthorization('GET', `${this.#issuer}/api/v1/me`, client, token);
    this.#signedWins.set(headers, 0);
    await Promise.all(
      this.#nodes.map(async (node) => {
        if (
          this.#judge('signed request', node, await node.ask('GET', '/api/v1/me', headers), [401])
        )
          this.#signedWins.set(headers, (this.#signedWins.get(headers) ?? 0) + 1);
      }),
    );
  }

  /** A code, asked for again when nobody knows what became of it. */
  async #redeemOnce(): Promise<void> {
    const code = this.#codes.pop();
    if (code === undefined) return;
    this.#codeWins.set(code, 0);
    for (let attempt = 0; attempt < 3; attempt++) {
      const node = this.#one;
      const answer = await this.#redeem(node, code);
      const outcome = this.#judge('code', node, answer, attempt > 0 ? [400] : []);
      if (outcome === false) return;
      if (outcome === undefined) continue;
      this.#codeWins.set(code, (this.#codeWins.get(code) ?? 0) + 1);
      this.#chains.push(String(bodyOf(answer as Answer).refresh_token));
      return;
    }
  }

  async #redeemTwice(): Promise<void> {
    const code = this.#codes.pop();
    if (code === undefined) return;
    this.#codeWins.set(code, 0);
    await Promise.all(
      this.#nodes.map(async (node) => {
        if (this.#judge('code twice', node, await this.#redeem(node, code), [400]))
          this.#codeWins.set(code, (this.#codeWins.get(code) ?? 0) + 1);
      }),
    );
  }

  /**
   * One refresh token to every node at once; one that nobody knows the fate of is good for another
   * try.
   */
  async #refresh(): Promise<void> {
    const refresh = this.#chains.shift();
    if (refresh === undefined) return;
    const answers = this.#successors.get(refresh) ?? new Set();
    this.#successors.set(refresh, answers);
    const form = { grant_type: 'refresh_token', refresh_token: refresh };
    await Promise.all(
      this.#nodes.map(async (node) => {
        const answer = await node.post('/oauth2/token', this.#web, form);
        if (this.#judge('refresh', node, answer))
          answers.add(String(bodyOf(answer as Answer).refresh_token));
      }),
    );
    this.#chains.push([...answers][0] ?? refresh);
    if (answers.size === 0) this.#successors.delete(refresh);
  }

  async #handshake(): Promise<void> {
    const node = this.#one;
    const answer = await this.#signed(node, 'POST', '/oauth1/initiate', null, {
      oauth_callback: 'oob',
    });
    // A Redis that was started again takes a nonce for used when it cannot know better (ADR 9).
    if (
      !this.#judge(
        'initiate',
        node,
        answer,
        answer?.text.startsWith('oauth_problem=nonce_used&') ? [401] : [],
      )
    )
      return;
    const given = new URLSearchParams(answer?.text);
    if (this.#pairs.length < 40)
      this.#pairs.push({
        key: given.get('oauth_token') ?? '',
        secret: given.get('oauth_token_secret') ?? '',
      });
  }
}
