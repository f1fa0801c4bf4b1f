import { eventually, RedisServer } from './redis.ts';

const SLOTS = 16_384;

/** What one member knows of another (`CLUSTER NODES`). */
interface Known {
  readonly id: string;
  readonly port: number;
  readonly flags: readonly string[];
  readonly master: string;
  readonly slots: readonly (readonly [from: number, to: number])[];
}

const toKnown = (line: string): Known => {
  const [id = '', address = '', flags = '', master = '', , , , , ...slots] = line.split(' ');
  return {
    id,
    port: Number(/:(\d+)/.exec(address)?.[1]),
    flags: flags.split(','),
    master,
    // What is on its way from one member to another stands in brackets.
    slots: slots
      .filter((slot) => !slot.startsWith('['))
      .map((slot) => [Number(slot.split('-')[0]), Number(slot.split('-').at(-1))]),
  };
};

/**
 * Several masters that share the slots, each with as many replicas as were asked for. Who is what
 * changes when one takes over.
 */
export class RedisCluster {
  readonly servers: readonly RedisServer[];

  private constructor(servers: readonly RedisServer[]) {
    this.servers = servers;
  }

  static async start(
    masters: number,
    replicas: number,
    ...more: readonly string[]
  ): Promise<RedisCluster> {
    const settings = [
      '--cluster-enabled',
      'yes',
      '--cluster-node-timeout',
      '1500',
      '--cluster-require-full-coverage',
      'no',
    ];
    const following = [
      '--repl-diskless-sync-delay',
      '0',
      '--cluster-allow-replica-migration',
      'no',
    ];
    const all = Array.from({ length: masters * (1 + replicas) }, () =>
      RedisServer.start(...settings, ...following, ...more),
    );
    const cluster = new RedisCluster(await Promise.all(all));
    const { servers } = cluster;
    for (const [which, server] of servers.entries()) {
      await server.ask(`CLUSTER SET-CONFIG-EPOCH ${which + 1}`);
      const [from, to] = [which, which + 1].map((part) => Math.ceil((part * SLOTS) / masters)) as [
        number,
        number,
      ];
      if (which < masters)
        await server.ask(
          `CLUSTER ADDSLOTS ${Array.from({ length: to - from }, (_, slot) => from + slot).join(' ')}`,
        );
    }
    for (const server of servers.slice(1))
      await servers[0]?.ask(`CLUSTER MEET 127.0.0.1 ${server.port}`);
    await eventually(async () => {
      for (const server of servers)
        if ((await cluster.known(server)).length < servers.length)
          throw new Error('they have not all met');
    });
    for (const [which, server] of servers.entries()) {
      if (which < masters) continue;
      const master = servers[which % masters] as RedisServer;
      const answer = await server.ask(`CLUSTER REPLICATE ${await cluster.idOf(master)}`);
      if (!answer.startsWith('+OK')) throw new Error(answer);
    }
    await cluster.settled();
    return cluster;
  }

  get urls(): readonly string[] {
    return this.servers.map(({ url }) => url);
  }

  async known(by: RedisServer): Promise<readonly Known[]> {
    const answer = await by.ask('CLUSTER NODES');
    return answer
      .split(/\r?\n/)
      .filter((line) => /^[0-9a-f]{40} /.test(line))
      .map(toKnown);
  }

  async idOf(server: RedisServer): Promise<string> {
    return (await server.ask('CLUSTER MYID')).split('\r\n')[1] as string;
  }

  async slotOf(key: string): Promise<number> {
    return Number((await this.#someone.ask(`CLUSTER KEYSLOT ${key}`)).slice(1));
  }

  /** Who takes what is written under the key, as a majority of those who run sees it. */
  async masterOf(key: string): Promise<RedisServer> {
    const slot = await this.slotOf(key);
    return eventually(async () => {
      const votes = new Map<number, number>();
      const running = this.servers.filter(({ isRunning, isStopped }) => isRunning && !isStopped);
      for (const server of running) {
        const holds = ({ flags, slots }: Known) =>
          flags.includes('master') &&
          !flags.includes('fail') &&
          slots.some(([from, to]) => from <= slot && slot <= to);
        const port = (await this.known(server)).find(holds)?.port;
        if (port !== undefined) votes.set(port, (votes.get(port) ?? 0) + 1);
      }
      const [most] = [...votes].sort(([, one], [, other]) => other - one);
      if (most === undefined || most[1] * 2 <= running.length) throw new Error('nobody yet');
      return this.servers.find(({ port }) => port === most[0]) as RedisServer;
    });
  }

  /** Those who follow this one and have all it has. */
  async replicasOf(master: RedisServer): Promise<readonly RedisServer[]> {
    const id = await this.idOf(master);
    const ports = (await this.known(master))
      .filter((known) => known.master === id)
      .map(({ port }) => port);
    return this.servers.filter(({ port }) => ports.includes(port));
  }

  /**
   * Waits until every member that runs is content, follows whom it should, and says the same of who
   * holds what.
   */
  async settled(): Promise<void> {
    await eventually(async () => {
      const said = new Set<string>();
      for (const server of this.servers) {
        if (!server.isRunning) continue;
        if (!(await server.ask('CLUSTER INFO')).includes('cluster_state:ok'))
          throw new Error('the cluster is not settled');
        const info = await server.ask('INFO replication');
        if (/role:slave/.test(info) && !/master_link_status:up/.test(info))
          throw new Error('a replica follows nobody');
        const known = (await this.known(server)).map(
          ({ id, master, slots }) => `${id} ${master} ${slots.join(' ')}`,
        );
        said.add(known.sort().join('\n'));
      }
      if (said.size !== 1) throw new Error('they do not agree');
    });
  }

  /** Whoever follows takes over, in agreement with its master. */
  async handOver(to: RedisServer): Promise<void> {
    const answer = await to.ask('CLUSTER FAILOVER');
    if (!answer.startsWith('+OK')) throw new Error(answer);
    await eventually(async () => {
      if (!(await to.ask('INFO replication')).includes('role:master')) throw new Error('not yet');
    });
  }

  /**
   * Moves one slot as `redis-cli --cluster reshard` does; `between` is called before, while and
   * after its keys are moved.
   */
  async move(
    slot: number,
    from: RedisServer,
    to: RedisServer,
    between: (step: string) => Promise<void>,
  ): Promise<void> {
    const ok = async (server: RedisServer, command: string) => {
      const answer = await server.ask(command);
      if (!/^\+(?:OK|NOKEY)/.test(answer)) throw new Error(`${command}: ${answer}`);
    };
    const [source, target] = [await this.idOf(from), await this.idOf(to)];
    await ok(to, `CLUSTER SETSLOT ${slot} IMPORTING ${source}`);
    await ok(from, `CLUSTER SETSLOT ${slot} MIGRATING ${target}`);
    await between('begun');
    for (let turn = 0; ; turn++) {
      const keys = (await from.ask(`CLUSTER GETKEYSINSLOT ${slot} 20`))
        .split('\r\n')
        .filter((line) => /^[^*$]/.test(line));
      if (keys.length === 0) break;
      await ok(from, `MIGRATE 127.0.0.1 ${to.port} "" 0 5000 KEYS ${keys.join(' ')}`);
      if (turn === 1) await between('half moved');
    }
    await between('moved');
    const masters = (await this.known(to))
      .filter(({ flags }) => flags.includes('master'))
      .map(({ port }) => port);
    const others = this.servers.filter(
      (server) => server !== to && server !== from && masters.includes(server.port),
    );
    for (const server of [to, from, ...others])
      await ok(server, `CLUSTER SETSLOT ${slot} NODE ${target}`);
  }

  async remove(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.remove()));
  }

  get #someone(): RedisServer {
    return this.servers.find(({ isRunning, isStopped }) => isRunning && !isStopped) as RedisServer;
  }
}
