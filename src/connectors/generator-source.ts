/**
 * Makes records from their indexes: test data, load, and whatever can be computed. Its readers yield
 * ranges of indexes; the task calls the function inside its compiled loop.
 */
import type {Source} from '../operators/source.ts';
import type {RecordSchema} from '../records/schema.ts';
import {RangeReader, cutRange, type RangeSplit} from './index-range.ts';
import {Pacer} from './pacer.ts';

export interface GeneratorSourceOptions<T> {
  readonly name?: string | undefined;
  /** How many records; indexes run from 0 to `count - 1`. */
  readonly count: number;
  /** Must be pure: after a failure it is called again for the same indexes. */
  readonly generator: (index: number) => T;
  /** Over all subtasks. Default: as fast as they are taken. */
  readonly ratePerSecond?: number | undefined;
  readonly schema?: RecordSchema | undefined;
}

/**
 * A bounded source of `generator(0)`, `generator(1)`, …, of which each subtask has a contiguous part.
 *
 * With a rate, records are spread evenly over time and subtasks; a source that was held up catches up
 * with one second of records at most.
 */
export function generatorSource<T>(options: GeneratorSourceOptions<T>): Source<T, RangeSplit> {
  const {name = 'Generator', count, generator, ratePerSecond, schema} = options;
  return {
    name,
    isBounded: true,
    assignment: 'static',
    schema,
    generator,
    enumerateSplits: ({parallelism}) => cutRange(0, count, parallelism),
    createReader: ({subtaskIndex, parallelism}) =>
      new RangeReader<T>(
        ratePerSecond === undefined || ratePerSecond === Infinity
          ? undefined
          : new Pacer(ratePerSecond, subtaskIndex, parallelism),
      ),
  };
}
