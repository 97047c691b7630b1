/**
 * Compares what a run gave with what a vector expects, by the rules of the vectors: order is exact, or only
 * between records of one key within a step; contents of sessions and the pairs of an interval join are bags.
 */
import {isDeepStrictEqual} from 'node:util';
import type {Outcome, Output, Vector} from './vector.ts';

/** The first difference in words, or undefined if there is none. */
export function firstDifference(vector: Vector, outcome: Outcome): string | undefined {
  const main = differenceOf(
    normalized(vector, vector.expected),
    normalized(vector, outcome.expected),
    'output',
  );
  if (main !== undefined) return main;
  const tags = new Set([...Object.keys(vector.side ?? {}), ...Object.keys(outcome.side)]);
  for (const tag of tags) {
    const expected = normalized(vector, vector.side?.[tag] ?? []);
    const found = normalized(vector, outcome.side[tag] ?? []);
    const difference = differenceOf(expected, found, `side output ${tag}`);
    if (difference !== undefined) return difference;
  }
  return undefined;
}

function differenceOf(
  expected: readonly Output[],
  found: readonly Output[],
  where: string,
): string | undefined {
  for (let index = 0; index < Math.max(expected.length, found.length); index += 1) {
    if (isDeepStrictEqual(expected[index], found[index])) continue;
    return `${where} ${index}: expected ${show(expected[index])}, found ${show(found[index])}`;
  }
  return undefined;
}

function show(output: Output | undefined): string {
  return output === undefined ? 'nothing' : JSON.stringify(output);
}

/** The same outputs in an order that two runs with equal results share. */
function normalized(vector: Vector, outputs: readonly Output[]): Output[] {
  const isBag = String(vector.operator.assigner).startsWith('session');
  const values = isBag ? outputs.map(withSortedValues) : [...outputs];
  const result: Output[] = [];
  for (const group of groupsOf(values)) {
    if (vector.operator.kind === 'intervalJoin') group.sort(byText);
    else if (vector.order === 'per-step') group.sort(byKey);
    result.push(...group);
  }
  return result;
}

/** Runs of records of one step and one subtask; watermarks and the like stand alone and keep their place. */
function groupsOf(outputs: readonly Output[]): Output[][] {
  const groups: Output[][] = [];
  let previous: Output | undefined;
  for (const output of outputs) {
    const continues =
      previous !== undefined &&
      'value' in output &&
      'value' in previous &&
      output.step === previous.step &&
      output.subtask === previous.subtask;
    if (continues) groups.at(-1)!.push(output);
    else groups.push([output]);
    previous = output;
  }
  return groups;
}

function withSortedValues(output: Output): Output {
  const value = output.value as {values?: unknown[]} | undefined;
  if (!Array.isArray(value?.values)) return output;
  return {...output, value: {...value, values: [...value.values].sort(byText)}};
}

/** Stable, so that each key keeps its own order. */
function byKey(a: Output, b: Output): number {
  return compareTexts(keyText(a), keyText(b));
}

function keyText({value}: Output): string {
  const key = (value as {key?: unknown} | null | undefined)?.key;
  return JSON.stringify(key ?? null);
}

function byText(a: unknown, b: unknown): number {
  return compareTexts(JSON.stringify(a), JSON.stringify(b));
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
