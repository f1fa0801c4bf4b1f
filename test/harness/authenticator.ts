import { createHash, generateKeyPairSync, sign } from 'node:crypto';

const bytes = (content: Uint8Array) =>
  Buffer.concat([Buffer.from([0x58, content.length]), content]);
const sha256 = (text: string | Buffer) => createHash('sha256').update(text).digest();

/**
 * A passkey in software: it answers as a browser would (WebAuthn Level 3 §5.1), and can be told to
 * lie.
 */
export function softwareAuthenticator({
  origin,
  rpId,
}: {
  readonly origin: string;
  readonly rpId: string;
}) {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
  const id = sha256(x).subarray(0, 16);
  let counter = 0;
  const count = (value: number) => {
    const field = Buffer.alloc(4);
    field.writeUInt32BE(value);
    return field;
  };
  const clientData = (type: string, challenge: string, from: string) =>
    Buffer.from(JSON.stringify({ type, challenge, origin: from, crossOrigin: false }));
  const name = id.toString('base64url');
  return {
    id: name,
    /** The answer to options for a new key. `fmt`: the form of attestation it claims. */
    create(
      options: { readonly challenge: string },
      { from = origin, fmt = 'none', flags = 0x45 } = {},
    ): string {
      const coordinate = (text: string) => bytes(Buffer.from(text, 'base64url'));
      const key = Buffer.concat([
        Buffer.from('a5010203262001', 'hex'),
        Buffer.from([0x21]),
        coordinate(x),
        Buffer.from([0x22]),
        coordinate(y),
      ]);
      const attested = Buffer.concat([Buffer.alloc(16), Buffer.from([0, id.length]), id, key]);
      const data = Buffer.concat([sha256(rpId), Buffer.from([flags]), count(counter), attested]);
      const text = (value: string) =>
        Buffer.concat([Buffer.from([0x60 + value.length]), Buffer.from(value)]);
      // A certificate, where one is claimed: whatever it says must not be read.
      const statement =
        fmt === 'none'
          ? Buffer.from([0xa0])
          : Buffer.concat([
              Buffer.from([0xa1]),
              text('x5c'),
              Buffer.from([0x81]),
              bytes(Buffer.alloc(30)),
            ]);
      const object = Buffer.concat([
        Buffer.from([0xa3]),
        ...[text('fmt'), text(fmt), text('attStmt'), statement, text('authData'), bytes(data)],
      ]);
      return JSON.stringify({
        id: name,
        rawId: name,
        type: 'public-key',
        clientExtensionResults: {},
        response: {
          clientDataJSON: clientData('webauthn.create', options.challenge, from).toString(
            'base64url',
          ),
          attestationObject: object.toString('base64url'),
          transports: ['internal'],
        },
      });
    },
    /** The answer to options for signing in. */
    get(
      options: { readonly challenge: string },
      { from = origin, flags = 0x05, userHandle = undefined as string | undefined, step = 1 } = {},
    ): string {
      counter += step;
      const data = Buffer.concat([sha256(rpId), Buffer.from([flags]), count(counter)]);
      const client = clientData('webauthn.get', options.challenge, from);
      return JSON.stringify({
        id: name,
        rawId: name,
        type: 'public-key',
        clientExtensionResults: {},
        response: {
          clientDataJSON: client.toString('base64url'),
          authenticatorData: data.toString('base64url'),
          signature: sign('sha256', Buffer.concat([data, sha256(client)]), privateKey).toString(
            'base64url',
          ),
          ...(userHandle === undefined
            ? {}
            : { userHandle: Buffer.from(userHandle).toString('base64url') }),
        },
      });
    },
  };
}
