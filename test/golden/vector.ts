/**
 * A test vector: what goes into an operator step by step, and what came out of a real Flink. Plain data in a
 * JSON file; `"MAX"` and `"MIN"` are the ends of time.
 */
import {readFileSync, readdirSync} from 'node:fs';
import {join} from 'node:path';

/** One step of the input: a record, a watermark, a status, the clock, the end, or an action in words. */
export interface Step {
  readonly input?: 1 | 2;
  readonly ts?: number | null;
  readonly key?: string;
  readonly tag?: string;
  readonly value?: unknown;
  readonly watermark?: number | 'MAX' | 'MIN';
  readonly status?: 'idle' | 'active';
  readonly processingTime?: number;
  readonly endOfInput?: boolean;
  readonly action?: string;
  readonly [field: string]: unknown;
}

/** Something that came out. `step` is the index of the input step that caused it. */
export interface Output {
  readonly step: number;
  readonly subtask?: number;
  readonly ts?: unknown;
  readonly value?: unknown;
  readonly watermark?: unknown;
  readonly status?: unknown;
  readonly [field: string]: unknown;
}

export interface Operator {
  readonly kind: string;
  readonly [parameter: string]: unknown;
}

export interface Vector {
  readonly name: string;
  readonly description: string;
  readonly operator: Operator;
  readonly order: 'exact' | 'per-step';
  readonly input: readonly Step[];
  readonly expected: readonly Output[];
  readonly side?: Readonly<Record<string, readonly Output[]>>;
  /** Options of the job that it runs in. Not in files: the same vector may run under several. */
  readonly config?: Readonly<Record<string, unknown>>;
}

/** What a run gave, in the form of a vector. */
export interface Outcome {
  readonly expected: readonly Output[];
  readonly side: Readonly<Record<string, readonly Output[]>>;
}

/** Something that the runner does not know how to translate. */
export class Unsupported extends Error {}

/** All vectors of a directory, by name. */
export function readVectors(directory: string): Vector[] {
  return readdirSync(directory)
    .filter(name => name.endsWith('.json'))
    .sort()
    .map(name => JSON.parse(readFileSync(join(directory, name), 'utf8')) as Vector);
}

/** A time of a vector as the engine has it. */
export function timeOf(time: unknown): number {
  if (time === 'MAX') return Infinity;
  if (time === 'MIN') return -Infinity;
  if (typeof time === 'number') return time;
  throw new Unsupported(`a time is ${JSON.stringify(time)}`);
}

/** What the engine gave, in the words of a vector: null for what is missing, the ends of time by name. */
export function plain(value: unknown): unknown {
  if (value === undefined) return null;
  // JSON knows no -0.
  if (value === 0) return 0;
  if (value === Infinity) return 'MAX';
  if (value === -Infinity) return 'MIN';
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof Map) {
    return Object.fromEntries([...value].map(([key, each]) => [String(key), plain(each)]));
  }
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, plain(each)]));
  }
  return value;
}
