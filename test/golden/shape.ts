/**
 * Results as a vector writes them. Operators of a vector emit objects whose fields the vector names; the
 * functions here know what a field of a name means, and leave out those that the vector does not ask for.
 */
import {Unsupported, type Vector} from './vector.ts';

/** What fields of a name, or of names that match, are worth. The first that fits counts. */
export type Meanings = ReadonlyArray<readonly [name: string | RegExp, value: () => unknown]>;

/**
 * Makes the objects of results. A vector may have results of several shapes; an object takes the first one
 * all of whose fields have a meaning for it.
 */
export function shapeOf(vector: Vector): (meanings: Meanings) => Record<string, unknown> {
  const shapes = new Map<string, readonly string[]>();
  for (const {value} of vector.expected) {
    if (typeof value !== 'object' || value === null) continue;
    const names = Object.keys(value);
    shapes.set([...names].sort().join(), names);
  }
  return meanings => {
    const meaningOf = (wanted: string) =>
      meanings.find(([name]) => (typeof name === 'string' ? name === wanted : name.test(wanted)));
    // Nothing is expected, so any result is wrong; it still has to be shown.
    const named = meanings.flatMap(([name]) => (typeof name === 'string' ? [name] : []));
    const names =
      shapes.size === 0
        ? named
        : [...shapes.values()].find(shape => shape.every(name => meaningOf(name) !== undefined));
    if (names === undefined) {
      throw new Unsupported(`no result has only the fields ${named.join(', ')}`);
    }
    return Object.fromEntries(names.map(name => [name, meaningOf(name)![1]()]));
  };
}

/** `purging(count(2))` as a name and its arguments. */
export interface Call {
  readonly name: string;
  readonly args: readonly Call[];
}

/** Reads a call such as `processing-timeout(count(3),5)`. */
export function parseCall(text: string): Call {
  let at = 0;
  const read = (): Call => {
    const name = /^[^(),]*/.exec(text.slice(at))![0].trim();
    at += /^[^(),]*/.exec(text.slice(at))![0].length;
    const args: Call[] = [];
    if (text[at] === '(') {
      do {
        at += 1;
        args.push(read());
      } while (text[at] === ',');
      if (text[at] !== ')') throw new Unsupported(`text ${text}`);
      at += 1;
    }
    return {name, args};
  };
  const call = read();
  if (at !== text.length) throw new Unsupported(`text ${text}`);
  return call;
}

/** The argument number `index` of a call as a number. */
export function numberAt({name, args}: Call, index: number): number {
  const value = Number(args[index]?.name);
  if (Number.isNaN(value)) throw new Unsupported(`argument ${index} of ${name}`);
  return value;
}
