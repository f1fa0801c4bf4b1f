/**
 * An expression that the analyser does not call safe, and that stays: what it reads is bounded, or
 * why the analyser is wrong.
 */
export interface AllowedExpression {
  /** Its text as it stands in the source; for `new RegExp(…)` the whole call. */
  readonly expression: string;
  /** The longest text that reaches it. */
  readonly bound: string;
  readonly reason: string;
}

export const allowedExpressions: readonly AllowedExpression[] = [
  {
    expression:
      '/^(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?:\\/\\/([^/?#]*))?([^?#]*)(?:\\?([^#]*))?(?:#.*)?$/s',
    bound: 'a callback: one parameter of a signed request, 16 kB',
    reason:
      'RFC 3986 Appendix B: each part ends where its delimiter stands, and every text matches',
  },
  {
    expression: '/^([A-Za-z][A-Za-z0-9+.-]*):(?:\\/\\/([^/?#]*))?([^?#]*)(.*)$/s',
    bound: 'a redirect URI: a form of 64 kB',
    reason:
      'RFC 3986 Appendix B: each part ends where its delimiter stands, and whatever follows the scheme matches',
  },
  {
    expression: '/^(\\[[^\\]]*\\]|[^:]*)(?::(\\d*))?$/',
    bound: 'the authority of a callback: 16 kB',
    reason: 'two ways to read a host, each in one pass',
  },
  {
    expression: '/:\\/\\/[^/?#]*:[^@]*@|[?&]password=/i',
    bound: "the operator's own database setting: 4 kB",
    reason: 'read once, at start, from the machine of the operator',
  },
  {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: this is how it stands in the source
    expression: "new RegExp(`\\\\p{Script=${name}}`, 'u')",
    bound: 'one character',
    reason:
      'the name is one of a list in the source; the expression matches one character and repeats nothing',
  },
  {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: this is how it stands in the source
    expression: "new RegExp(`\\\\p{Script_Extensions=${name}}`, 'u')",
    bound: 'one character',
    reason:
      'the name is one of a list in the source; the expression matches one character and repeats nothing',
  },
];
