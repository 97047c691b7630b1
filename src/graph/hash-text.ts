/**
 * Identities of operators and graphs: a text in, 32 hexadecimal digits out, the same in every thread
 * and every run. Four FNV-1a hashes of 32 bits, each begun with another character, stand side by side;
 * graphs have at most thousands of operators, so that is far from any collision. `node:crypto` would
 * do as well, but loading it costs a worker more than hashing a whole graph.
 */
import {fnv1a} from '../base/hash.ts';

/** 32 hexadecimal digits that stand for `text`. */
export function hashText(text: string): string {
  return ['0', '1', '2', '3']
    .map(start =>
      fnv1a(start + text)
        .toString(16)
        .padStart(8, '0'),
    )
    .join('');
}
