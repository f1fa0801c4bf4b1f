import * as z from 'zod';

// What a browser answers with a passkey (WebAuthn Level 3 §5.1), read before anything of it is
// believed.

const MAX_ANSWER_LENGTH = 32_768;

const text = z.string().max(16_384);
const answerSchema = z.object({
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
const clientDataSchema = z.object({ challenge: z.string().max(200) });
type PasskeyAnswer = z.infer<typeof answerSchema>;

function parseJson<T>(schema: z.ZodType<T>, json: string): T | undefined {
  try {
    return schema.safeParse(JSON.parse(json)).data;
  } catch {
    return undefined;
  }
}

export const challengeOf = (answer: PasskeyAnswer): string => {
  const data = parseJson(
    clientDataSchema,
    Buffer.from(answer.response.clientDataJSON, 'base64url').toString(),
  );
  return data === undefined ? '' : Buffer.from(data.challenge, 'base64url').toString('latin1');
};

/** Reads an answer; undefined when it is too long, or not of the form. */
export const parsePasskeyAnswer = (json: string): PasskeyAnswer | undefined =>
  json.length > MAX_ANSWER_LENGTH ? undefined : parseJson(answerSchema, json);

// Loaded at its first use: it brings a library of certificates that most processes never need.
export const loadLibrary = () => import('@simplewebauthn/server');

/**
 * True for a key that vouches for itself at most. We ask for no attestation; a certificate sent all
 * the same would be looked up at an address that a stranger chose.
 */
export async function isUnattested(attestationObject: string): Promise<boolean> {
  const { decodeAttestationObject } = await import('@simplewebauthn/server/helpers');
  const decoded = decodeAttestationObject(
    new Uint8Array(Buffer.from(attestationObject, 'base64url')),
  );
  const format = decoded.get('fmt');
  return (
    format === 'none' || (format === 'packed' && decoded.get('attStmt').get('x5c') === undefined)
  );
}
