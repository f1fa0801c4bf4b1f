/** What a server under load tells the load generator. */
export interface Ready {
  readonly port: number;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly redirectUri: string;
  readonly codeScope: string;
  readonly apiScope: string | null;
  readonly resource: string | null;
  readonly cookie: string;
  /** Refresh tokens to start with. */
  readonly codes: readonly string[];
  /** Tokens for introspection, where the tokens of client_credentials are not the ones. */
  readonly opaque: readonly string[];
  readonly paths: {
    readonly token: string;
    readonly introspect: string;
    readonly authorize: string;
  };
  readonly oauth1: {
    /** Who begins handshakes. */
    readonly key: string;
    readonly secret: string;
    /** Public origin, over which requests are signed. */
    readonly origin: string;
    /** An API that wants a signed request, and whoever may sign one. */
    readonly api: {
      readonly path: string;
      readonly key: string;
      readonly secret: string;
      readonly token: string;
      readonly tokenSecret: string;
    };
  } | null;
}

/** Answers the processor time this process has used, in microseconds, whenever it is asked. */
export function reportCpu(): void {
  process.on('message', (asked) => {
    const { user, system } = process.cpuUsage();
    if (asked === 'cpu') process.send?.({ cpu: user + system });
  });
}
