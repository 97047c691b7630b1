/** The sinks of the benchmark jobs: they fold what arrives into numbers, which end as accumulators. */
import type {Sink} from '../../../src/index.ts';

/** Counts the updates that arrive, and adds up the field `count` of each. */
export function countsSink(): Sink<{readonly count: number}> {
  return {
    name: 'Counts',
    createWriter(context) {
      let updates = 0;
      let counts = 0;
      return {
        write(update) {
          updates += 1;
          counts += update.count;
        },
        close() {
          context.addToAccumulator('updates', updates);
          context.addToAccumulator('counts', counts);
        },
      };
    },
  };
}

/** Adds up numbers. */
export function sumSink(): Sink<number> {
  return {
    name: 'Sum',
    createWriter(context) {
      let sum = 0;
      return {
        write(value) {
          sum += value;
        },
        close() {
          context.addToAccumulator('sum', sum);
        },
      };
    },
  };
}
