import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** What becomes of what a client says. */
type Fate =
  /** It arrives, and so does the answer. */
  | 'pass'
  /** Whoever comes is sent away. */
  | 'refuse'
  /** Nothing arrives any more, in either direction, and nobody is told. */
  | 'hang'
  /**
   * The connection is cut as soon as something that matches is said, which still arrives
   * (`answered: false`) or does not.
   */
  | { readonly cutAt: string; readonly arrives: boolean };

/** A wire to a server, which can be cut and slowed down. */
export class Wire {
  readonly port: number;
  fate: Fate = 'pass';
  readonly #server: Server;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  /** What was said on a connection at its beginning. */
  readonly #said = new Map<Socket, string>();
  readonly #silenced = new Set<Socket>();
  /** Changes what the server says. */
  rewrite: (answer: Buffer) => Buffer = (answer) => answer;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
  }

  static async to(port: number): Promise<Wire> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const wire = new Wire(server, (server.address() as AddressInfo).port);
    server.on('connection', (near) => wire.#join(near, connect(port, '127.0.0.1')));
    return wire;
  }

  /** The same address, by way of this wire. */
  through(url: string): string {
    const way = new URL(url);
    way.hostname = '127.0.0.1';
    way.port = String(this.port);
    return way.href;
  }

  /** Ends every connection that stands, as when the server goes away. */
  cut(): void {
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy();
  }

  /**
   * Nothing arrives any more, in either direction, on connections that stand and on which this was
   * said.
   */
  silence(what: string): void {
    for (const [near, said] of this.#said) if (said.includes(what)) this.#silenced.add(near);
  }

  close(): void {
    this.cut();
    this.#server.close();
  }

  #join(near: Socket, far: Socket): void {
    if (this.fate === 'refuse') {
      near.destroy();
      far.destroy();
      return;
    }
    const pair = [near, far] as const;
    this.#pairs.add(pair);
    const end = () => {
      near.destroy();
      far.destroy();
      this.#pairs.delete(pair);
      this.#said.delete(near);
      this.#silenced.delete(near);
    };
    for (const socket of pair) socket.on('error', end).on('close', end);
    near.on('data', (said) => {
      const { fate } = this;
      const before = this.#said.get(near) ?? '';
      if (before.length < 4096) this.#said.set(near, before + said.toString('latin1'));
      if (fate === 'hang' || this.#silenced.has(near)) return;
      if (typeof fate === 'object' && said.includes(fate.cutAt)) {
        this.fate = 'pass';
        if (!fate.arrives) return end();
        // It arrives and is worked on; the answer finds nobody.
        near.removeAllListeners('close').destroy();
        far.write(said, () => setTimeout(end, 200));
        return;
      }
      far.write(said);
    });
    far.on('data', (answer) => {
      if (this.fate !== 'hang' && !this.#silenced.has(near) && !near.destroyed)
        near.write(this.rewrite(answer as Buffer));
    });
  }
}
