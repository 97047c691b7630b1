/**
 * Windows of event time over records {key, value, ts}, on two workers. Two sources make records along the
 * same event time; they cross to the worker that owns the key, which keeps a count for each key and window
 * and emits {key, count} when the watermark has passed the window's end. The sink counts results, adds
 * up their counts and the squares of these: two windows that were mixed up would not have the same.
 *
 *   J3x-1k, J3x-1m    tumbling windows; 1000 and a million keys
 *   sliding           windows of 10 s every 100 ms; each record belongs to a hundred of them
 *   session           sessions with a gap; each key comes in bursts with silence between them
 */
import {checksumOf, mix, type Answer, type Job} from './job.ts';

export interface WindowRecord {
  readonly key: number;
  readonly value: number;
  readonly ts: number;
}

export interface TumblingParameters {
  /** Even: each source makes half of them. */
  readonly records: number;
  readonly keys: number;
  readonly sizeMs: number;
  /** Records of one source in a millisecond of event time. */
  readonly perMs: number;
}

/**
 * The fields of record number `i`, each as a function of its own: a source that writes them into a literal
 * says what its records look like. The second source makes the records from `records / 2` on.
 */
export interface RecordFields {
  readonly key: (i: number) => number;
  readonly time: (i: number) => number;
}

export function tumblingFields({records, keys, perMs}: TumblingParameters): RecordFields {
  const half = records / 2;
  return {
    key: i => (Math.imul(i, 0x9e3779b1) >>> 0) % keys,
    time: i => Math.floor((i < half ? i : i - half) / perMs),
  };
}

/** Results, the sum of their counts, and the sum of the squares of these. */
function answerOf(records: number, counts: Iterable<number>): Answer {
  let [results, sum, squares] = [0, 0, 0];
  for (const count of counts) {
    results += 1;
    sum += count;
    squares += count * count;
  }
  return {records, checksum: checksumOf(results, sum, squares)};
}

function* tumblingCounts(parameters: TumblingParameters): Iterable<number> {
  const {records, keys, sizeMs, perMs} = parameters;
  const half = records / 2;
  const {key} = tumblingFields(parameters);
  const counts = new Uint32Array(keys);
  // Window by window: both sources go along the same time.
  for (let first = 0; first < half; first += sizeMs * perMs) {
    counts.fill(0);
    for (let n = first; n < Math.min(first + sizeMs * perMs, half); n += 1) {
      counts[key(n)] += 1;
      counts[key(n + half)] += 1;
    }
    yield* counts.filter(count => count > 0);
  }
}

const tumbling = {
  module: 'tumbling',
  engines: ['millrace', 'ceiling', 'flink'],
  expected: (parameters: TumblingParameters) =>
    answerOf(parameters.records, tumblingCounts(parameters)),
} as const;

export const tumblingThousand: Job<TumblingParameters> = {
  ...tumbling,
  name: 'J3x-1k',
  full: {records: 60_000_000, keys: 1000, sizeMs: 100, perMs: 1000},
  share: {flink: 0.25},
  smoke: {records: 20_000, keys: 1000, sizeMs: 3, perMs: 1000},
};

export const tumblingMillion: Job<TumblingParameters> = {
  ...tumbling,
  name: 'J3x-1m',
  full: {records: 40_000_000, keys: 1_000_000, sizeMs: 5000, perMs: 1000},
  share: {flink: 0.5},
  smoke: {records: 20_000, keys: 1_000_000, sizeMs: 3, perMs: 1000},
};

export interface SlidingParameters {
  readonly records: number;
  readonly keys: number;
  readonly sizeMs: number;
  readonly slideMs: number;
  readonly perMs: number;
}

/** As the records of tumbling windows, with keys in no order. */
export function slidingFields({records, keys, perMs}: SlidingParameters): RecordFields {
  const half = records / 2;
  return {
    key: i => (mix(i) >>> 0) % keys,
    time: i => Math.floor((i < half ? i : i - half) / perMs),
  };
}

function* slidingCounts(parameters: SlidingParameters): Iterable<number> {
  const {records, keys, sizeMs, slideMs, perMs} = parameters;
  const half = records / 2;
  const perSlide = slideMs * perMs;
  const {key: keyOf} = slidingFields(parameters);
  const slides: Uint32Array[] = [];
  const slidesPerWindow = sizeMs / slideMs;
  const counts = new Uint32Array(keys);
  const last = Math.ceil(half / perSlide) - 1 + slidesPerWindow - 1;
  for (let slide = 0; slide <= last; slide += 1) {
    const added = new Uint32Array(keys);
    for (let n = slide * perSlide; n < Math.min((slide + 1) * perSlide, half); n += 1) {
      added[keyOf(n)] += 1;
      added[keyOf(n + half)] += 1;
    }
    slides.push(added);
    const gone = slides[slide - slidesPerWindow];
    for (let key = 0; key < keys; key += 1) counts[key] += added[key] - (gone?.[key] ?? 0);
    yield* counts.filter(count => count > 0);
  }
}

export const sliding: Job<SlidingParameters> = {
  name: 'sliding',
  module: 'sliding',
  engines: ['millrace', 'flink'],
  expected: parameters => answerOf(parameters.records, slidingCounts(parameters)),
  full: {records: 20_000_000, keys: 10_000, sizeMs: 10_000, slideMs: 100, perMs: 250},
  share: {flink: 0.05},
  smoke: {records: 20_000, keys: 100, sizeMs: 1000, slideMs: 100, perMs: 10},
};

export interface SessionParameters {
  readonly records: number;
  readonly keys: number;
  /** Odd. */
  readonly gapMs: number;
  /** Records of one source in two milliseconds of event time. */
  readonly perMs: number;
  /** Records of one source that choose their keys from the same part of all keys. */
  readonly burst: number;
}

/**
 * Keys come in bursts. For `burst` records of a source they are drawn from one of ten
 * parts of all keys, then from the next one, so that each key is silent nine tenths of the time. Times are
 * even and the gap is odd: a record that came exactly a gap after the last one would belong to its session
 * or not, depending on whether the watermark came in between.
 */
export function sessionFields({records, keys, perMs, burst}: SessionParameters): RecordFields {
  const half = records / 2;
  const perPart = keys / 10;
  const place = (i: number): number => (i < half ? i : i - half);
  return {
    key: i => (Math.floor(place(i) / burst) % 10) * perPart + ((mix(i) >>> 0) % perPart),
    time: i => 2 * Math.floor(place(i) / perMs),
  };
}

function* sessionCounts(parameters: SessionParameters): Iterable<number> {
  const {records, keys, gapMs} = parameters;
  const half = records / 2;
  const {key: keyOf, time} = sessionFields(parameters);
  const counts = new Uint32Array(keys);
  const lastTs = new Float64Array(keys).fill(-Infinity);
  for (let n = 0; n < half; n += 1) {
    for (const i of [n, n + half]) {
      const [key, ts] = [keyOf(i), time(i)];
      if (ts > lastTs[key] + gapMs && counts[key] > 0) {
        yield counts[key];
        counts[key] = 0;
      }
      counts[key] += 1;
      lastTs[key] = ts;
    }
  }
  yield* counts.filter(count => count > 0);
}

export const session: Job<SessionParameters> = {
  name: 'session',
  module: 'session',
  engines: ['millrace', 'flink'],
  expected: parameters => answerOf(parameters.records, sessionCounts(parameters)),
  full: {records: 10_000_000, keys: 100_000, gapMs: 1001, perMs: 100, burst: 100_000},
  share: {flink: 0.5},
  smoke: {records: 20_000, keys: 1000, gapMs: 11, perMs: 100, burst: 1000},
};
