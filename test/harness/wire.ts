import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** What becomes of what is said. */
type Fate =
  /** It arrives, and so does the answer. */
  | 'pass'
  /** Whoever comes is sent away. */
  | 'refuse'
  /** It is held back, in either direction, and arrives when things pass again: a slow network. */
  | 'hang'
  /** Nothing arrives any more, in either direction, and nobody is told: a broken one. */
  | 'lose'
  /**
   * The connection is cut as soon as something that matches is said, which still arrives
   * (`arrives`) or does not.
   */
  | { readonly cutAt: string; readonly arrives: boolean };

/** One connection: from the program, and on to the server. */
interface Link {
  readonly near: Socket;
  readonly far: Socket;
  /** What the program said at its beginning. */
  beginning: string;
  isSilenced: boolean;
}

const MAX_BEGINNING = 4096;

/**
 * A wire between the program and a server it needs, which can be slowed down, cut and led
 * elsewhere.
 */
export class Wire {
  readonly port: number;
  /** Where new connections lead. Those there are stay, as they do when a name leads elsewhere. */
  target: number;
  /** How late everything arrives, in either direction. */
  delayMs = 0;
  /** Changes what the server says. */
  rewrite: (answer: Buffer) => Buffer = (answer) => answer;
  #fate: Fate = 'pass';
  readonly #server: Server;
  readonly #links = new Set<Link>();

  private constructor(server: Server, target: number) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    this.target = target;
  }

  static async to(target: number): Promise<Wire> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const wire = new Wire(server, target);
    server.on('connection', (near) => wire.#join(near, connect(wire.target, '127.0.0.1')));
    return wire;
  }

  get fate(): Fate {
    return this.#fate;
  }

  set fate(fate: Fate) {
    this.#fate = fate;
    for (const { near, far } of this.#links)
      for (const socket of [near, far]) {
        if (fate === 'hang') socket.pause();
        else socket.resume();
      }
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
    for (const { near, far } of this.#links) for (const socket of [near, far]) socket.destroy();
  }

  /**
   * Nothing arrives any more, in either direction, on connections that stand and on which this was
   * said at the beginning (any, when nothing is named). New ones work.
   */
  silence(said = ''): void {
    for (const link of this.#links) if (link.beginning.includes(said)) link.isSilenced = true;
  }

  close(): void {
    this.cut();
    this.#server.close();
  }

  #join(near: Socket, far: Socket): void {
    const link: Link = { near, far, beginning: '', isSilenced: false };
    this.#links.add(link);
    const end = () => {
      near.destroy();
      far.destroy();
      this.#links.delete(link);
    };
    for (const socket of [near, far]) socket.setNoDelay(true).on('error', end).on('close', end);
    if (this.#fate === 'refuse') {
      end();
      return;
    }
    const [toServer, toProgram] = [this.#carry(far), this.#carry(near)];
    near.on('data', (said: Buffer) => {
      if (link.beginning.length < MAX_BEGINNING) link.beginning += said.toString('latin1');
      if (!this.#isCarried(link)) return;
      const fate = this.#fate;
      if (typeof fate === 'object' && said.includes(fate.cutAt)) {
        this.#fate = 'pass';
        if (!fate.arrives) {
          end();
          return;
        }
        // It arrives and is worked on; the answer finds nobody.
        near.removeAllListeners('close').destroy();
        far.write(said, () => setTimeout(end, 200));
        return;
      }
      toServer(said);
    });
    far.on('data', (answer: Buffer) => {
      if (this.#isCarried(link)) toProgram(this.rewrite(answer));
    });
    if (this.#fate === 'hang') for (const socket of [near, far]) socket.pause();
  }

  #isCarried(link: Link): boolean {
    return this.#fate !== 'lose' && !link.isSilenced;
  }

  /** Writes late, if things are late; nothing overtakes what was said before it. */
  #carry(target: Socket): (said: Buffer) => void {
    let due = 0;
    return (said) => {
      const now = performance.now();
      due = Math.max(due, now + this.delayMs);
      const pass = () => void (target.destroyed || target.write(said));
      if (due <= now) pass();
      else setTimeout(pass, due - now);
    };
  }
}
