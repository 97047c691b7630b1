/**
 * Runs a job and compares what a stream of it emits with what a test expects. A difference is told by the
 * records that are missing, that are too many, or that come in another order, not by two long lists.
 */
import {AssertionError} from 'node:assert';
import {inspect, isDeepStrictEqual} from 'node:util';
import type {DataStream} from '../api/data-stream.ts';
import type {StreamExecutionEnvironment} from '../api/environment.ts';
import type {LocalJobOptions} from '../api/local-job.ts';
import {runInThread} from '../api/run-in-thread.ts';
import {simulate} from './simulate.ts';

export interface ExpectStreamOptions extends LocalJobOptions<Record<string, unknown>> {
  /**
   * Runs the job in the simulator, once for each seed (a number: that many seeds from 1). Default: once, in
   * this thread.
   */
  readonly seeds?: number | readonly number[];
}

/** Builds the job; what it returns is compared. */
export type ExpectedStreamBuilder<T> = (env: StreamExecutionEnvironment) => DataStream<T>;

const RESULT = 'expected stream';

/** How many records of a kind a message shows. */
const SHOWN_MAX = 5;

/**
 * Says what a stream is expected to emit.
 *
 *     await expectStream(env => totals(env.fromCollection(orders))).toEmit([…]);
 *
 * Errors: an `AssertionError` with `actual` and `expected` if the stream emits something else; what the job
 *         fails with.
 */
export function expectStream<T>(
  build: ExpectedStreamBuilder<T>,
  options: ExpectStreamOptions = {},
): StreamExpectation<T> {
  return new StreamExpectation(build, options);
}

/** Each method runs the job. */
export class StreamExpectation<T> {
  readonly #build: ExpectedStreamBuilder<T>;
  readonly #options: ExpectStreamOptions;

  /** Not for users: call `expectStream`. */
  constructor(build: ExpectedStreamBuilder<T>, options: ExpectStreamOptions) {
    this.#build = build;
    this.#options = options;
  }

  /** These records in this order. Only for streams whose order does not depend on chance. */
  async toEmit(expected: readonly T[]): Promise<void> {
    await this.#compare(expected, (actual, wanted) => {
      const at = wanted.findIndex((value, index) => !isDeepStrictEqual(value, actual[index]));
      if (at < 0 && actual.length === wanted.length) return undefined;
      const index = at < 0 ? wanted.length : at;
      return (
        `record ${index}: expected ${showAt(wanted, index)}, got ${showAt(actual, index)}` +
        bagDifference(actual, wanted)
      );
    });
  }

  /** These records in any order, each as often as it is here. */
  async toEmitInAnyOrder(expected: readonly T[]): Promise<void> {
    await this.#compare(expected, (actual, wanted) => bagDifference(actual, wanted) || undefined);
  }

  /**
   * These records; those of each key in the order in which they are here. The right form for what comes out of
   * a keyed operator.
   */
  async toEmitPerKey(key: (value: T) => unknown, expected: readonly T[]): Promise<void> {
    await this.#compare(expected, (actual, wanted) => {
      const bags = bagDifference(actual, wanted);
      if (bags !== '') return bags;
      const lists = groupBy(actual, key);
      for (const [name, values] of groupBy(wanted, key)) {
        const found = lists.get(name)!;
        const at = values.findIndex((value, index) => !isDeepStrictEqual(value, found[index]));
        if (at < 0) continue;
        return (
          `key ${name}, record ${at}: ` +
          `expected ${showAt(values, at)}, got ${showAt(found, at)} (the records are the same)`
        );
      }
      return undefined;
    });
  }

  /** No records at all. */
  async toEmitNothing(): Promise<void> {
    await this.toEmit([]);
  }

  async #compare(
    expected: readonly T[],
    difference: (actual: readonly T[], expected: readonly T[]) => string | undefined,
  ): Promise<void> {
    const {seeds, ...options} = this.#options;
    const build = (env: StreamExecutionEnvironment) => {
      this.#build(env).collect(RESULT);
    };
    const check = (collected: Readonly<Record<string, readonly unknown[]>>, where: string) => {
      const actual = (collected[RESULT] ?? []) as readonly T[];
      const found = difference(actual, expected);
      if (found === undefined) return;
      throw new AssertionError({
        message: `the stream emits something else${where}\n${found.replace(/^\n/, '')}`,
        actual,
        expected,
        operator: 'expectStream',
        stackStartFn: this.toEmit,
      });
    };
    if (seeds === undefined) {
      check((await runInThread(build, options)).collected, '');
      return;
    }
    const list = typeof seeds === 'number' ? Array.from({length: seeds}, (_, at) => at + 1) : seeds;
    for (const seed of list) {
      check((await simulate(build, {...options, seed})).collected, ` under seed ${seed}`);
    }
  }
}

function groupBy<T>(values: readonly T[], key: (value: T) => unknown): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const value of values) {
    const name = show(key(value));
    const group = groups.get(name) ?? [];
    group.push(value);
    groups.set(name, group);
  }
  return groups;
}

/** What is missing and what is too much, or an empty text. */
function bagDifference(actual: readonly unknown[], expected: readonly unknown[]): string {
  const extra = countByText(actual);
  const missing: string[] = [];
  for (const value of expected) {
    const text = show(value);
    const left = extra.get(text) ?? 0;
    if (left === 0) missing.push(text);
    else extra.set(text, left - 1);
  }
  const surplus = [...extra].flatMap(([text, count]) => Array<string>(count).fill(text));
  return list('missing', missing) + list('too many', surplus);
}

function list(what: string, texts: readonly string[]): string {
  if (texts.length === 0) return '';
  const shown = texts.slice(0, SHOWN_MAX).map(text => `\n    ${text}`);
  const rest = texts.length > SHOWN_MAX ? `\n    … ${texts.length - SHOWN_MAX} more` : '';
  return `\n  ${what}: ${texts.length}${shown.join('')}${rest}`;
}

function countByText(values: readonly unknown[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const value of values) {
    const text = show(value);
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  return counts;
}

function showAt(values: readonly unknown[], index: number): string {
  return index < values.length ? show(values[index]) : 'nothing';
}

function show(value: unknown): string {
  return inspect(value, {depth: 8, breakLength: Infinity, compact: true, sorted: true});
}
