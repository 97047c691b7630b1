/**
 * Reads off the source text of a user function what it does with one of its parameters: which fields of
 * it are used, whether it can be changed, whether the function hands it on; and which fields its results
 * have. The compiler leaves out
 * what nobody needs (columns that are not read) and checks that cannot fail (fields that nobody adds).
 *
 *   (bid, sum) => ({price: sum.price + bid.price})     bid: price, only read     sum: price, only read
 *   (bid, sum) => { sum.n += 1; return sum; }          bid: nothing              sum: n, written, returned
 *
 * Every place where the parameter's name stands must have the form `name.field`, or `return name`; then
 * nothing else can reach the object. Whatever else is met (the bare name as an argument, `arguments`,
 * `eval`, comments, escapes, patterns that assign) makes it claim nothing. That costs speed, never a
 * record. A name inside a text counts as a use: then too much is claimed to be used, which is safe.
 */
import {literalFieldNamesOf} from '../records/record-literal.ts';

/** What a function does with one parameter. */
export interface ParameterUse {
  /** The fields that it reads or writes, and no others; undefined: it may do anything. */
  readonly fields: readonly string[] | undefined;
  /** Whether fields may be assigned. */
  readonly isWritten: boolean;
  /** Whether the object itself may be what the function returns. */
  readonly isReturned: boolean;
}

/** Of a function about which nothing is known. */
export const ANY_USE: ParameterUse = {fields: undefined, isWritten: true, isReturned: true};

const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;

/** Arrow functions, function expressions and methods; not async, no generators. */
const HEADERS = [
  /^([A-Za-z_$][\w$]*)\s*=>/,
  /^\(([\w$\s,{}:]*)\)\s*=>/,
  /^function\s*(?:[A-Za-z_$][\w$]*)?\s*\(([\w$\s,{}:]*)\)\s*\{/,
  /^(?!(?:async|get|set|static|function|class)\b)[A-Za-z_$][\w$]*\s*\(([\w$\s,{}:]*)\)\s*\{/,
];

/** What cannot be seen through: escapes, comments, other ways to the arguments, code from text. */
const OPAQUE = /\[native code\]|\\u|\/\/|\/\*|<!--|\b(?:arguments|eval|delete|with)\b/;

/** Words in front of parentheses and a block that make no function of it. */
const CONTROL_WORDS = new Set(['if', 'for', 'while', 'switch', 'catch']);

/** A pattern in front of an assignment: it may assign to whatever stands in it. */
const PATTERN_ASSIGNED = /[\]}]\s*=(?![=>])/;

const ASSIGNED_BEHIND =
  /^\s*(?:\+\+|--|(?:[-+*/%&|^]|\*\*|<<|>>>?|&&|\|\||\?\?)?=(?![=>])|(?:of|in)\b)/;
const FIELD_BEHIND = /^\s*(?:\?\s*)?\.\s*([A-Za-z_$][\w$]*)/;

/** How `fn` uses its parameter number `index`. */
export function parameterUse(fn: unknown, index: number): ParameterUse {
  if (typeof fn !== 'function') return ANY_USE;
  const text = Function.prototype.toString.call(fn).trim();
  if (OPAQUE.test(text)) return ANY_USE;
  const header = HEADERS.map(pattern => pattern.exec(text)).find(match => match !== null);
  if (header === undefined) return ANY_USE;
  const parameters = splitParameters(header[1]!);
  if (parameters === undefined) return ANY_USE;
  const parameter = parameters[index];
  // A parameter that the function does not name: it cannot reach it.
  if (parameter === undefined) return {fields: [], isWritten: false, isReturned: false};
  if (parameter.startsWith('{')) return patternUse(parameter);
  return nameUse(parameter, text.slice(header[0].length), header[0].endsWith('>'));
}

/** Parameters that are plain names or flat patterns; undefined if there are others. */
function splitParameters(text: string): string[] | undefined {
  const parameters = (text.match(/\{[^{}]*\}|[^,{}]+/g) ?? [])
    .map(part => part.trim())
    .filter(part => part !== '');
  const arePlain = parameters.every(part => part.startsWith('{') || IDENTIFIER.test(part));
  return arePlain ? parameters : undefined;
}

/** `{a, b: c}`: the object itself has no name. */
function patternUse(pattern: string): ParameterUse {
  const fields = pattern
    .slice(1, -1)
    .split(',')
    .map(part => part.split(':')[0]!.trim())
    .filter(name => name !== '');
  if (!fields.every(name => IDENTIFIER.test(name))) return ANY_USE;
  return {fields, isWritten: false, isReturned: false};
}

function nameUse(name: string, body: string, isArrow: boolean): ParameterUse {
  const fields = new Set<string>();
  let isWritten = PATTERN_ASSIGNED.test(body);
  let isReturned = false;
  const places = new RegExp(String.raw`(?<![\w$])${name.replaceAll('$', '\\$')}(?![\w$])`, 'g');
  if (/[^\0-\x7f]/.test(body)) return ANY_USE;
  for (const {index} of body.matchAll(places)) {
    const before = body.slice(0, index).trimEnd();
    const behind = body.slice(index + name.length);
    // `other.name` is another object's field; `...name` is not.
    if (before.endsWith('.') && !before.endsWith('...')) continue;
    const field = FIELD_BEHIND.exec(behind);
    if (field === null) {
      if (!isHandedOut(before, behind, isArrow)) return ANY_USE;
      isReturned = true;
      continue;
    }
    fields.add(field[1]!);
    isWritten ||= ASSIGNED_BEHIND.test(behind.slice(field[0].length));
    isWritten ||= before.endsWith('++') || before.endsWith('--');
  }
  // What an inner function returns does not go to the engine.
  if (isReturned && hasInnerFunction(body)) return ANY_USE;
  return {fields: [...fields], isWritten, isReturned};
}

/** Whether the text holds a function, or what might be one. */
function hasInnerFunction(body: string): boolean {
  if (/=>|\b(?:function|class)\b/.test(body)) return true;
  for (const {index} of body.matchAll(/\)\s*\{/g)) {
    let depth = 0;
    let open = index;
    do {
      if (body[open] === ')') depth += 1;
      if (body[open] === '(') depth -= 1;
      open -= 1;
    } while (depth > 0 && open >= 0);
    const word = /[\w$]*$/.exec(body.slice(0, open + 1).trimEnd())![0];
    if (!CONTROL_WORDS.has(word)) return true;
  }
  return false;
}

/** Whether a bare name is what the function returns, and nothing else. */
function isHandedOut(before: string, behind: string, isArrow: boolean): boolean {
  if (/(?<![\w$.])return$/.test(before)) return /^\s*[;}]/.test(behind);
  if (!isArrow) return false;
  // `=> name`, or the end of a comma expression: `=> (name.n += 1, name)`.
  if (before === '') return /^\s*;?\s*$/.test(behind);
  return isOpenOnce(before.trimStart()) && before.endsWith(',') && /^\s*\)\s*;?\s*$/.test(behind);
}

/** Whether the parenthesis that begins the text is still open at its end, and no other one. */
function isOpenOnce(text: string): boolean {
  if (!text.startsWith('(') || /['"`/]/.test(text)) return false;
  let depth = 0;
  for (let i = 0; i < text.length; i += 1) {
    if (text[i] === '(') depth += 1;
    if (text[i] === ')') depth -= 1;
    if (depth === 0) return false;
  }
  return depth === 1;
}

/**
 * The fields of whatever `fn` returns, if its text proves that it always returns an object literal, with
 * the same fields everywhere: it is an arrow function that is one, or every `return` in its body has one
 * and the last of them ends the body.
 */
export function resultFieldNames(fn: unknown): readonly string[] | undefined {
  if (typeof fn !== 'function') return undefined;
  const text = Function.prototype.toString.call(fn).trim();
  const literal = literalFieldNamesOf(text);
  if (literal !== undefined) return literal;
  if (OPAQUE.test(text)) return undefined;
  const header = HEADERS.map(pattern => pattern.exec(text)).find(match => match !== null);
  if (header === undefined) return undefined;
  // Behind the brace that opens the body.
  const body = text.slice(header[0].length).replace(/^\s*\{/, '');
  const hasBrace = header[0].endsWith('{') || body !== text.slice(header[0].length);
  if (!hasBrace || hasInnerFunction(body)) return undefined;
  let names: readonly string[] | undefined;
  let isEnd = false;
  for (const {index} of body.matchAll(/(?<![\w$.])return(?![\w$])/g)) {
    const returned = literalAt(body, index + 'return'.length);
    if (returned === undefined) return undefined;
    names ??= returned.names;
    if (!isSameSet(names, returned.names)) return undefined;
    // Unconditional, and nothing but the end of the function behind it.
    const isStatement = /(?:^|[;}])\s*$/.test(body.slice(0, index));
    isEnd = isStatement && /^\s*;?\s*\}$/.test(body.slice(returned.end));
  }
  return isEnd ? names : undefined;
}

/** The object literal that begins behind `start` and ends a statement. */
function literalAt(
  text: string,
  start: number,
): {readonly names: readonly string[]; readonly end: number} | undefined {
  const rest = text.slice(start);
  if (!/^[ \t]*\{/.test(rest)) return undefined;
  for (const {index} of rest.matchAll(/\}(?=\s*(?:;|\}))/g)) {
    const names = literalFieldNamesOf(`x => (${rest.slice(0, index + 1).trim()})`);
    if (names !== undefined) return {names, end: start + index + 1};
  }
  return undefined;
}

/** Whether two lists hold the same names, which are all different. */
export function isSameSet(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every(name => b.includes(name));
}

/** Whether `fn` does nothing but return its only parameter. */
export function isIdentity(fn: unknown): boolean {
  if (typeof fn !== 'function') return false;
  const text = Function.prototype.toString.call(fn).trim();
  const spellings = [
    /^\(?\s*([A-Za-z_$][\w$]*)\s*\)?\s*=>\s*(?:\1|\{\s*return\s+\1\s*;?\s*\})\s*;?$/,
    /^(?:function\b)?\s*(?!async\b|get\b|set\b)[\w$]*\s*\(\s*([A-Za-z_$][\w$]*)\s*\)\s*\{\s*return\s+\1\s*;?\s*\}$/,
  ];
  return spellings.some(spelling => spelling.test(text));
}
