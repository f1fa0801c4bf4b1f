import assert from 'node:assert/strict';
import type { Account } from '#accounts/account.ts';
import { ConsentTestServer, type TestApp } from '#harness/approvals.ts';
import type { CredentialPair } from '#harness/signed.ts';
import { csrfToken } from '#http/csrf.ts';
import type { ClientId } from '#kernel/ids.ts';
import { instant } from '#kernel/time.ts';
import { digestOf } from '#keys/digest.ts';
import type { Client } from '#registry/model/client.ts';
import type { Consent } from '#registry/model/consent.ts';
import type { Kept, Picture } from './attackers-picture.ts';
import type { Field } from './attackers-table.ts';

/**
 * People of the play, with the groups they begin with. Dora is a reviewer no longer, and Vic is
 * blocked, each with what they held before.
 */
export const cast = {
  ada: ['developer'],
  mia: ['developer'],
  fay: ['developer', 'reviewer'],
  rex: ['developer', 'reviewer'],
  rita: ['reviewer'],
  dora: ['developer', 'reviewer'],
  vic: ['developer', 'reviewer'],
  ben: [],
  root: ['administrator'],
} as const satisfies Readonly<Record<string, readonly string[]>>;
export type Name = keyof typeof cast;
export const names = Object.keys(cast) as readonly Name[];

/** Scopes of the apps through which people act. */
export const lentSets: readonly (readonly string[])[] = [
  ['editpage'],
  ['gatehouse:clients'],
  ['gatehouse:clients', 'editpage', 'sendemail'],
  ['gatehouse:review'],
  ['gatehouse:review', 'gatehouse:clients'],
  ['gatehouse:consents'],
  ['gatehouse:audit'],
  ['oauthmanageownclient'],
  ['oauthmanageownclient', 'editpage'],
];

/** A credential that was handed out, and the most it may ever do. */
export interface Lent {
  readonly kind: 'bearer' | 'pair';
  readonly token: string;
  readonly secret: string;
  readonly app: string;
  readonly person: number | null;
  readonly bound: readonly string[];
  readonly from: string;
}

export class AttackWorld extends ConsentTestServer {
  readonly people = {} as Record<Name, Account>;
  readonly apps: string[] = [];
  /** Secrets of apps as they were shown. */
  readonly secrets = new Map<string, string>();
  readonly lent: Lent[] = [];
  /** Texts that only some may read: where they stand. */
  readonly marks: { readonly text: string; readonly app: string; readonly kind: Field }[] = [];
  /** First yeses that were said before the play. */
  readonly yeses: { readonly app: string; readonly matter: string; readonly person: number }[] = [];
  readonly #tokens = new Map<string, Lent | null>();
  #count = 0;

  constructor() {
    super(
      {},
      `
review: { two_person_risks: [security] }
`,
    );
  }

  fresh(word: string): string {
    return `${word}${++this.#count}x`;
  }

  appOf(id: string): Promise<Client | undefined> {
    return this.server.store.findClient(id as ClientId);
  }

  async make(
    owner: Name,
    over: Record<string, unknown> & { readonly approve?: boolean },
  ): Promise<string> {
    const { approve = true, ...wanted } = over;
    const made = await this.createClient(
      this.people[owner],
      { name: this.fresh('app'), ...wanted } as never,
      approve,
    );
    this.apps.push(made.client.id);
    this.secrets.set(made.client.id, made.secret);
    this.marks.push({ text: made.client.name, app: made.client.id, kind: 'name' });
    const { id, ownerId } = made.client;
    const bound = made.client.scopes;
    if (made.accessToken)
      this.keep({
        kind: 'bearer',
        token: made.accessToken,
        secret: '',
        app: id,
        person: ownerId,
        bound,
        from: 'made',
      });
    if (made.credentials)
      this.keep({
        ...{
          kind: 'pair',
          token: made.credentials.token,
          secret: made.credentials.secret,
          app: id,
          person: ownerId,
          bound,
          from: 'made',
        },
      });
    return id;
  }

  keep(one: Lent): void {
    this.lent.push(one);
  }

  async open(): Promise<void> {
    for (const name of names) this.people[name] = await this.createPerson(name, cast[name]);
    const { ada, mia, fay, dora, vic } = this.people;
    const first = await this.make('ada', { scopes: ['editpage'] });
    await this.make('ada', {
      scopes: ['editpage', 'sendemail'],
      grantTypes: ['authorization_code', 'refresh_token', 'client_credentials'],
    });
    await this.make('ada', {
      scopes: ['editpage', 'gatehouse:clients'],
      ownerOnly: true,
      redirectUri: '',
      grantTypes: ['client_credentials'],
    });
    const waiting = await this.make('ada', { scopes: ['editpage', 'sendemail'], approve: false });
    await this.make('fay', { scopes: ['sendemail'], approve: false });
    await this.make('rex', { scopes: ['editpage'], approve: false });
    await this.make('ada', { scopes: ['editpage'], protocol: 'oauth1', grantTypes: [] });
    const [hidden, stopped] = [
      await this.make('ada', { scopes: ['editpage'] }),
      await this.make('ada', { scopes: ['sendemail'] }),
    ];
    await this.clients.disable(hidden as ClientId, { reason: 'so', suppress: true });
    await this.clients.disable(stopped as ClientId, { reason: 'so' });
    const revised = { clientId: this.apps[1], scopes: ['editpage', 'sendemail', 'highvolume'] };
    await this.act(ada, 'revise', { ...revised, description: this.described(this.apps[1] ?? '') });
    for (const [clientId, person] of [
      [first, mia],
      [first, fay],
      [waiting, fay],
    ] as const) {
      await this.act(ada, 'invite', { clientId, userId: person.id });
      await this.act(person, 'join', { clientId });
    }
    for (const clientId of [first, waiting])
      await this.act(fay, 'leave', { clientId, userId: fay.id });
    // Yeses of two who review no longer when the play begins. They count again if their givers do
    // (ADR 15).
    for (const [person, matter, app] of [
      [dora, 'approve', waiting],
      [vic, 'reenable', stopped],
    ] as const) {
      await this.act(person, matter, { clientId: app });
      this.yeses.push({ app, matter, person: person.id });
    }
    await this.act(ada, 'invite', { clientId: this.apps[1], userId: this.people.rex.id });
    await this.act(ada, 'update', {
      clientId: first,
      resetSecret: false,
      restrictions: this.#addresses(first),
    });
    await this.act(ada, 'add-secret', { clientId: first, label: this.label(first) });
    for (const name of ['dora', 'vic'] as const)
      for (const scopes of [lentSets[1], lentSets[3], lentSets[6]])
        await this.token(name, scopes ?? []);
    await this.server.store.setGroups(dora.id, []);
    await this.server.store.setBlocked(vic.id, true);
  }

  #addresses(app: string) {
    const text = `198.51.100.${++this.#count % 256}`;
    this.marks.push({ text, app, kind: 'restrictions' });
    return { addresses: [`${text}/32`, '192.0.2.0/24', '127.0.0.1/32'], pages: [] };
  }
  addresses = (app: string) => this.#addresses(app);

  /** A description that an app would have. */
  described(app: string): string {
    const text = this.fresh('described');
    this.marks.push({ text, app, kind: 'revision' });
    return text;
  }

  label(app: string): string {
    const text = this.fresh('label');
    this.marks.push({ text, app, kind: 'labels' });
    return text;
  }

  async act(
    person: Account,
    action: string,
    values: Readonly<Record<string, unknown>>,
  ): Promise<void> {
    const { registry, rights } = this.server.services;
    const { personActor } = await import('#harness/consents.ts');
    const answer = await registry.submit(personActor(person, rights.rightsOf(person)), action, {
      reason: '',
      ...values,
    });
    assert.ok(answer.ok, `${action}: ${JSON.stringify(answer)}`);
  }

  /**
   * A token of this person with these scopes, bought at the pages; null: the person was not let.
   */
  async token(name: Name, scopes: readonly string[]): Promise<Lent | null> {
    const key = `${name} ${scopes}`;
    const known = this.#tokens.get(key);
    if (known !== undefined) return known;
    const made = await this.createClient(this.people.root, { name: this.fresh('console'), scopes });
    let lent: Lent | null = null;
    const { blocked } = (await this.server.store.findAccount(this.people[name].id)) as Account;
    if (!blocked) {
      const { access_token: token } = await this.obtainTokens(
        made,
        this.people[name],
        scopes.join(' '),
      );
      lent = {
        ...{ kind: 'bearer', token, secret: '', app: made.client.id, person: this.people[name].id },
        ...{ bound: ['basic', ...scopes], from: 'bought' },
      };
      this.secrets.set(made.client.id, made.secret);
      this.keep(lent);
    }
    this.#tokens.set(key, lent);
    return lent;
  }

  /** What this person signs with: an owner-only app of theirs that the operator approved. */
  async pair(name: Name, scopes: readonly string[]): Promise<Lent | null> {
    const key = `signed ${name} ${scopes}`;
    const known = this.#tokens.get(key);
    if (known !== undefined) return known;
    await this.make(name, {
      protocol: 'oauth1',
      ownerOnly: true,
      redirectUri: '',
      grantTypes: [],
      scopes,
    });
    const lent = this.lent.at(-1) ?? null;
    this.#tokens.set(key, lent);
    return lent;
  }

  pairOf(app: string): CredentialPair {
    return { key: app, secret: this.secrets.get(app) ?? '' };
  }

  async asApp(id: string, secret = this.secrets.get(id) ?? ''): Promise<TestApp> {
    return { client: (await this.appOf(id)) as Client, secret };
  }

  /** A browser of this person, who proved who they are just now or long ago. */
  async browser(
    name: Name,
    stale: boolean,
  ): Promise<{ readonly cookie: string; readonly csrf: string }> {
    const secret = this.server.services.idGenerator.secret();
    const at = instant(this.now - (stale ? 601 : 0));
    const session = {
      digest: digestOf(secret),
      userId: this.people[name].id,
      createdAt: at,
      expiresAt: instant(this.now + 3600),
    };
    await this.server.store.saveSession({
      ...session,
      agent: '',
      address: '192.0.2.7',
      proof: { at, method: 'password' },
    });
    return { cookie: `__Host-gatehouse=${secret}`, csrf: csrfToken(secret) };
  }

  async picture(): Promise<Picture> {
    const { store } = this.server;
    const apps = new Map<string, Kept>();
    for (const client of await store.listClients({ limit: 1000 })) {
      const revision = (await store.openRevision(client.id)) ?? null;
      const given = [
        ...(await store.approvalsOf(client.id, null)),
        ...(revision ? await store.approvalsOf(client.id, revision.id) : []),
      ].map(({ reviewerId }) => reviewerId);
      apps.set(client.id, {
        client,
        team: await store.teamOf(client.id),
        revision,
        approvals: given,
      });
    }
    const consents = new Map<number, Consent>();
    const people = new Map<number, Account>();
    for (const { id } of Object.values(this.people)) {
      people.set(id, (await store.findAccount(id)) as Account);
      for (const consent of await store.listConsents(id)) consents.set(consent.id, consent);
    }
    return { apps, consents, people };
  }
}
