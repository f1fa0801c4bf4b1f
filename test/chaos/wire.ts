import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/**
 * Stands between the program and a server it needs: carries, carries late, carries nothing, or
 * sends everybody away.
 */
export class Wire {
  readonly port: number;
  #fate: 'pass' | 'hang' | 'refuse' = 'pass';
  /** How late everything arrives, in either direction. */
  delayMs = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
  }

  static async to(target: number): Promise<Wire> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const wire = new Wire(server, (server.address() as AddressInfo).port);
    server.on('connection', (near) => wire.#join(near, connect(target, '127.0.0.1')));
    return wire;
  }

  /**
   * What hangs is held back, not lost: a network that drops what was acknowledged is none. It
   * arrives when things pass again.
   */
  set fate(fate: 'pass' | 'hang' | 'refuse') {
    this.#fate = fate;
    for (const socket of this.#sockets) {
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

  /** Ends every connection there is. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  close(): void {
    this.cut();
    this.#server.close();
  }

  #join(near: Socket, far: Socket): void {
    const pairs = [
      [near, far],
      [far, near],
    ] as const;
    for (const [one, other] of pairs) {
      this.#sockets.add(one);
      one.setNoDelay(true);
      one.on('error', () => {});
      one.on('close', () => {
        this.#sockets.delete(one);
        other.destroy();
      });
      let due = 0;
      one.on('data', (said) => {
        const now = performance.now();
        // Nothing overtakes what was said before it.
        due = Math.max(due, now + this.delayMs);
        const pass = () => void (other.destroyed || other.write(said));
        if (due <= now) pass();
        else setTimeout(pass, due - now);
      });
    }
    if (this.#fate === 'refuse') near.destroy();
    if (this.#fate === 'hang') for (const socket of [near, far]) socket.pause();
  }
}
