/** Gives whole numbers. A generator whose records are its indexes. */
import type {Source} from '../operators/source.ts';
import {float64, int32, schema} from '../records/schema.ts';
import {RangeReader, cutRange, type RangeSplit} from './index-range.ts';

// Known, but nobody's contract: a union with other numbers may widen it.
const INT32 = {...schema(int32), declared: false};
const FLOAT64 = {...schema(float64), declared: false};

/** A bounded source of the whole numbers `from` to `to`, both included, cut among the subtasks. */
export function sequenceSource(from: number, to: number): Source<number, RangeSplit> {
  const isNarrow = from >= -(2 ** 31) && to < 2 ** 31;
  return {
    name: 'Sequence Source',
    isBounded: true,
    assignment: 'static',
    schema: isNarrow ? INT32 : FLOAT64,
    generator: value => value,
    enumerateSplits: ({parallelism}) => cutRange(from, to + 1, parallelism),
    createReader: () => new RangeReader<number>(),
  };
}
