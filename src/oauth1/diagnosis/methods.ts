import type { MethodOrUriMistake } from './addresses.ts';
import { makeFinding } from './finding.ts';

const METHODS = ['GET', 'POST', 'PUT', 'HEAD', 'PATCH', 'DELETE', 'OPTIONS'] as const;

/** The method another one, or in small letters. */
export function methodMistakes(method: string): readonly MethodOrUriMistake[] {
  const ours = method.toUpperCase();
  const others = METHODS.filter((one) => one !== ours);
  return [
    ...others.map((text) => ({ found: makeFinding('other-method', { ours, theirs: text }), text })),
    ...[ours.toLowerCase(), ours[0] + ours.slice(1).toLowerCase()]
      .filter((text) => text !== ours)
      .map((text) => ({ found: makeFinding('lower-case-method', { ours, theirs: text }), text })),
  ];
}
