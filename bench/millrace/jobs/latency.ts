/**
 * latency: J2x with 1024 keys whose records come when they are due, not when the engine is ready. Each
 * carries the time at which it was due, and the sink looks at the clock for one in SAMPLE of them.
 */
import {
  END_OF_SPLITS,
  MORE_AVAILABLE,
  NOTHING_AVAILABLE,
  float64,
  int32,
  job,
  schema,
  type Sink,
  type SinkWriter,
  type SinkWriterContext,
  type Source,
  type SourceSplit,
} from '../../../src/index.ts';
import {keyOf1024, rangeOf, WORKERS} from '../../jobs/j2x.ts';
import {SAMPLE} from '../../jobs/latency.ts';
import {LatencyCounts} from '../../lib/statistics.ts';

export interface LatencyArgs {
  readonly records: number;
  /** Wall clock (ms) at which the first records are due. */
  readonly startMs: number;
  /** Records per millisecond and source. */
  readonly ratePerMs: number;
  /** What is due earlier (wall clock, ms) is not timed. */
  readonly timedFromMs: number;
}

interface Timed {
  readonly key: number;
  readonly value: number;
  readonly ts: number;
}

interface RangeSplit extends SourceSplit {
  readonly from: number;
  readonly to: number;
}

/** When a source that has nothing due looks again. */
const LOOK_MS = 0.1;

const {timeOrigin} = performance;

function wallClockMs(): number {
  return timeOrigin + performance.now();
}

/** Two sources of half of the records each; record i of a source is due at start + i / rate. */
function openLoopSource({records, startMs, ratePerMs}: LatencyArgs): Source<Timed, RangeSplit> {
  const second = rangeOf(records, 1).from;
  return {
    name: 'Open loop',
    isBounded: true,
    schema: schema({key: int32, value: int32, ts: float64}),
    assignment: 'static',
    generator: i => ({
      key: keyOf1024(i),
      value: i,
      ts: startMs + (i < second ? i : i - second) / ratePerMs,
    }),
    enumerateSplits: () =>
      Array.from({length: WORKERS}, (_, worker) => ({
        splitId: String(worker),
        ...rangeOf(records, worker),
      })),
    createReader() {
      let from = 0;
      let next = 0;
      let to = 0;
      const batch = {kind: 'range' as const, start: 0, end: 0};
      const reader = {
        batch,
        wakeAtMs: Infinity,
        addSplit(split: RangeSplit) {
          next = from = split.from;
          to = split.to;
        },
        poll(countMax: number, nowMs: number) {
          if (next === to) return END_OF_SPLITS;
          const due = from + Math.floor((wallClockMs() - startMs) * ratePerMs) + 1;
          const end = Math.min(to, due, next + countMax);
          if (end <= next) {
            reader.wakeAtMs = nowMs + LOOK_MS;
            return NOTHING_AVAILABLE;
          }
          batch.start = next;
          batch.end = next = end;
          return MORE_AVAILABLE;
        },
        snapshotSplits: () => (next === to ? [] : [{splitId: '0', from: next, to}]),
      };
      return reader;
    },
  };
}

interface Update {
  readonly count: number;
  readonly value: number;
  readonly ts: number;
}

class TimingWriter implements SinkWriter<Update> {
  readonly #context: SinkWriterContext;
  readonly #timedFromMs: number;
  readonly #latencies = new LatencyCounts();
  #updates = 0;
  #counts = 0;

  constructor(context: SinkWriterContext, timedFromMs: number) {
    this.#context = context;
    this.#timedFromMs = timedFromMs;
  }

  write({count, value, ts}: Update): void {
    this.#updates += 1;
    this.#counts += count;
    if (value % SAMPLE === 0) this.#time(ts);
  }

  /** Apart from `write`, which stays small enough to become a part of the loop that calls it. */
  #time(dueMs: number): void {
    if (dueMs >= this.#timedFromMs) this.#latencies.record(wallClockMs() - dueMs);
  }

  close(): void {
    this.#context.addToAccumulator('updates', this.#updates);
    this.#context.addToAccumulator('counts', this.#counts);
    this.#latencies.counts.forEach((times, bucket) => {
      if (times > 0) this.#context.addToAccumulator(`latency ${bucket}`, times);
    });
  }
}

function timingSink(timedFromMs: number): Sink<Update> {
  return {name: 'Timing', createWriter: context => new TimingWriter(context, timedFromMs)};
}

export default job<LatencyArgs>((env, args) => {
  env
    .fromSource(openLoopSource(args))
    .keyBy('key')
    .aggregate({
      createAccumulator: () => ({key: 0, count: 0, sum: 0, value: 0, ts: 0}),
      add: ({key, value, ts}, {count, sum}) => ({
        key,
        count: count + 1,
        sum: sum + value,
        value,
        ts,
      }),
      getResult: accumulator => accumulator,
    })
    .sinkTo(timingSink(args.timedFromMs));
});
