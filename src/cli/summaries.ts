// Commands whose file is loaded when they are called: what the overview shows of them.

export const serveSummary = {
  words: 'serve',
  summary: 'Starts the server. Ctrl-C stops it cleanly.',
} as const;

export const explainSummary = {
  words: 'explain oauth1',
  summary: [
    'Explains how the server reads and signs an OAuth 1 request, and which mistake makes the signature that came.',
    'Reads the request on standard input: as it was sent (request line, header lines, an empty line, the form), a curl command, what',
    'curl -v printed, or JSON: {method, url, headers, body, clientSecret, tokenSecret, signatureMethod, publicKeyPem, baseString, origin, profile}.',
  ].join('\n'),
} as const;
