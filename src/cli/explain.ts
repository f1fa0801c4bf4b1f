import { z } from 'zod';
import { explain } from '#oauth1/explain.ts';
import { type Command, print, refused, UsageError } from './command.ts';

const asked = z.strictObject({
  method: z.string().min(1).max(32),
  url: z.string().min(1).max(65_536),
  headers: z.record(z.string(), z.string()).default({}),
  body: z.string().max(1_048_576).nullish(),
  clientSecret: z.string().max(4096).default(''),
  tokenSecret: z.string().max(4096).default(''),
  signatureMethod: z.string().max(64).nullish(),
  publicKeyPem: z.string().max(65_536).nullish(),
});

/** `gatehouse explain oauth1`: the answer to "invalid signature" (RFC 5849 §3.4). */
export const explainOAuth1: Command = {
  words: 'explain oauth1',
  summary:
    'Shows how the server builds the signature base string of a request. Reads JSON on standard input:\n{method, url, headers, body, clientSecret, tokenSecret, signatureMethod, publicKeyPem?}',
  positionals: [],
  options: {},
  async run(given, io) {
    let json: unknown;
    try {
      json = JSON.parse(await io.stdin());
    } catch {
      throw new UsageError('standard input is not JSON: pipe in {"method": …, "url": …, "headers": …}.');
    }
    const request = asked.safeParse(json);
    if (!request.success) {
      const [problem] = request.error.issues;
      throw new UsageError(`the request on standard input does not fit at "${problem?.path.join('.') ?? ''}": ${problem?.message ?? ''}.`);
    }
    const answer = explain(request.data);
    if (!answer.ok) {
      return refused(io, given, `the request cannot be signed as it is: ${JSON.stringify(answer.refusal)}`);
    }
    print(
      io,
      given,
      answer.value,
      Object.entries(answer.value).map(([name, value]) => `${name}\n  ${value}`),
    );
    return 0;
  },
};
