/**
 * What a benchmark job is: a name, two parameter sets, and the answer that every engine must give.
 *
 * A job is data. The engines live in bench/peers/ and bench/millrace/ and are all handed the same
 * parameters; the expected answer comes from a plain loop in the job's own file, never from an
 * engine. A checksum is text, so that programs in Java and Rust can print the same one.
 */

/** Every engine that may stand in a row, in the order of the table. */
export const ENGINES = [
  'millrace',
  'loop',
  'ceiling',
  'rxjs',
  'node-stream',
  'effect',
  'piscina',
  'postmessage',
  'ringbuf',
  'duckdb',
  'flink',
  'jet',
  'timely',
] as const;
export type Engine = (typeof ENGINES)[number];

/** What the answer of a job must be. */
export interface Answer {
  readonly records: number;
  readonly checksum: string;
}

/**
 * What an engine reports of one run. `seconds` and `cpuSeconds` are filled only by engines that run
 * outside the measuring process; for the others the harness holds the watch. `measuredRecords` is
 * for jobs whose rate is not records by wall time of the whole call (latency).
 */
export interface Outcome extends Answer {
  readonly seconds?: number;
  readonly cpuSeconds?: number;
  readonly peakRssMb?: number;
  readonly p50Ms?: number;
  readonly p99Ms?: number;
  readonly p999Ms?: number;
  readonly p9999Ms?: number;
}

/** One engine's side of one job. It may keep worker threads between calls, as a warm engine does. */
export type Runner<P> = (parameters: P) => Promise<Outcome> | Outcome;

export interface Job<P extends object = object> {
  /** The row's name: one of the names of `JOBS`. */
  readonly name: string;
  /** Base name of the engines' modules; jobs that differ only in parameters share one. */
  readonly module: string;
  readonly full: P;
  readonly smoke: P;
  readonly engines: readonly Engine[];
  /** Slow engines get a part of the records; rates stay comparable, a day is saved. */
  readonly share?: Partial<Record<Engine, number>>;
  /** Whether another process burns a core meanwhile. */
  readonly contended?: boolean;
  expected(parameters: P): Answer;
  /** Makes the input that all engines read, if it is a file. */
  prepare?(parameters: P): void;
}

/** Joins the parts of an answer. Numbers must be integers below 2^53, which print alike everywhere. */
export function checksumOf(...parts: number[]): string {
  for (const part of parts) {
    if (!Number.isSafeInteger(part))
      throw new Error(`checksum part is not an exact integer: ${part}`);
  }
  return parts.join('/');
}

/** Spreads 32 bits (the mixing steps of nexmark.md §3). The result is signed. */
export function mix(z: number): number {
  z ^= z >>> 16;
  z = Math.imul(z, 0x21f0aaad);
  z ^= z >>> 15;
  z = Math.imul(z, 0x735a2d97);
  return z ^ (z >>> 15);
}
