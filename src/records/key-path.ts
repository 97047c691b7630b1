/**
 * Finds out whether a key selector only reads a field, so that the engine can hash and compare the
 * column instead of building the record. The selector is called twice with proxies that record what
 * is read; every property of a proxy is another one. If it returns exactly the last proxy, after
 * reading nothing but the way to it, it is a path.
 *
 * A selector that does anything else gives itself away: arithmetic, template strings and comparison
 * convert a proxy to a primitive (refused), method calls call it (refused), `in`, `delete`, `new` and
 * assignments meet a trap (refused), and `a || b` or `a ? b : c` read a field that is not on the way
 * or return one that is. What no proxy can see is a branch on the truth of an object: `r.a || r.b`
 * returns the proxy of `a` and reads nothing else. So the selector's own text must be free of
 * operators too, and only a plain `r => r.a.b` in one of its spellings passes.
 */

/** How often the selector is called: what differs between calls depends on more than the record. */
const PROBES = 2;

const NAME = String.raw`[\p{ID_Start}$_][\p{ID_Continue}$]*`;
const STRING = String.raw`'[^'\\\n]*'|"[^"\\\n]*"`;
const ACCESS = String.raw`(?:\s*\??\.\s*${NAME}|\s*(?:\?\.)?\[\s*(?:${STRING}|\d+)\s*\])`;
const READ = String.raw`(${NAME})${ACCESS}+\s*;?`;

/** The spellings of a function of one parameter that returns one read. Parentheses are gone. */
const SPELLINGS = [
  new RegExp(String.raw`^\s*(${NAME})\s*=>\s*${READ}\s*$`, 'u'),
  new RegExp(String.raw`^\s*(${NAME})\s*=>\s*\{\s*return\s+${READ}\s*\}$`, 'u'),
  new RegExp(String.raw`^function\s+(?:${NAME}\s+)?(${NAME})\s*\{\s*return\s+${READ}\s*\}$`, 'u'),
];

/** What a field of a nested value may have inherited: `r.name.length` reads no field of a record. */
const PROTOTYPES: readonly object[] = [
  String.prototype,
  Array.prototype,
  Number.prototype,
  BigInt.prototype,
  Boolean.prototype,
  Date.prototype,
  Map.prototype,
  Uint8Array.prototype,
  Buffer.prototype,
  RegExp.prototype,
];

class NotAPath extends Error {}

/** The path that `selector` reads, or undefined if it does anything but read one field. */
export function probeKeySelector(selector: (record: any) => unknown): string[] | undefined {
  if (typeof selector !== 'function' || !hasPathText(selector)) return undefined;
  let found: string[] | undefined;
  for (let probe = 0; probe < PROBES; probe += 1) {
    const path = probeOnce(selector);
    if (path === undefined || path.length === 0) return undefined;
    if (path.slice(1).some(isInherited) || isInheritedByObjects(path[0]!)) return undefined;
    if (found !== undefined && !isEqual(found, path)) return undefined;
    found = path;
  }
  return found;
}

function hasPathText(selector: (record: any) => unknown): boolean {
  const text = Function.prototype.toString.call(selector).trim();
  // Types and casts leave parentheses behind. Calls have them too, but no proxy can be called.
  const bare = text.replaceAll(/[()]/g, ' ');
  return SPELLINGS.some(spelling => {
    const match = spelling.exec(bare);
    return match !== null && match[1] === match[2];
  });
}

function probeOnce(selector: (record: any) => unknown): string[] | undefined {
  const reads: Array<{path: string[]; proxy: object}> = [];
  const refuse = (): never => {
    throw new NotAPath('the selector does more than read');
  };
  const record = (path: string[]): object => {
    const proxy = new Proxy(function field() {}, {
      get(_target, name) {
        if (typeof name === 'symbol') return refuse();
        const inner = [...path, name];
        const next = record(inner);
        reads.push({path: inner, proxy: next});
        return next;
      },
      set: refuse,
      has: refuse,
      deleteProperty: refuse,
      ownKeys: refuse,
      getOwnPropertyDescriptor: refuse,
      defineProperty: refuse,
      getPrototypeOf: refuse,
      setPrototypeOf: refuse,
      isExtensible: refuse,
      preventExtensions: refuse,
      apply: refuse,
      construct: refuse,
    });
    return proxy;
  };
  let result: unknown;
  try {
    result = selector(record([]));
  } catch {
    // Whatever it threw: it is not a plain read. Called with a real record it may well work.
    return undefined;
  }
  const last = reads.at(-1);
  if (last === undefined || result !== last.proxy) return undefined;
  const isOneWay = reads.every(({path}, depth) => path.length === depth + 1);
  return isOneWay ? last.path : undefined;
}

function isInherited(name: string): boolean {
  return PROTOTYPES.some(prototype => name in prototype);
}

function isInheritedByObjects(name: string): boolean {
  return name in Object.prototype;
}

function isEqual(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name, index) => name === b[index]);
}
