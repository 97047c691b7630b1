/** Runs a random chain in one of three ways and gives all that can be seen of it. */
import {OperatorError} from '../../src/operators/operator-error.ts';
import {ChainHarness} from './chain-harness.ts';
import {buildNodes, type RandomChain, type RandomRun} from './random-chain.ts';

export interface Outcome {
  readonly outputs: unknown;
  readonly snapshots: unknown;
  readonly events: unknown;
  readonly counts: readonly number[];
  readonly error: unknown;
}

export type Way = 'compiled' | 'interpreted' | 'mixed';

export function runChain(chain: RandomChain, way: Way): Outcome {
  const {nodes, writers} = buildNodes(chain, {
    stop: () => {
      harness.stop.requested = true;
    },
  });
  const harness = new ChainHarness({nodes, writers, interpret: way === 'interpreted'});
  let error: unknown;
  try {
    harness.chain.open();
    for (const [index, each] of chain.runs.entries()) {
      feed(harness, each, way === 'mixed' && index % 2 === 1);
    }
    harness.finish();
  } catch (thrown) {
    error = described(thrown, way !== 'mixed');
    harness.settle();
  }
  return {
    outputs: harness.outputs(),
    snapshots: harness.sinks.map(sink => sink.snapshots),
    events: harness.events(),
    counts: [...harness.chain.counts],
    error,
  };
}

function feed(harness: ChainHarness, {mode, records, rowsMax}: RandomRun, oneByOne: boolean): void {
  const values = structuredClone(records) as unknown[];
  const timestamps = values.map((_, index) => index * 10);
  const isTimed = mode === 'timed' || mode === 'timedBatches';
  if (oneByOne || mode === 'one') {
    for (const [index, value] of values.entries()) {
      harness.settle();
      harness.chain.runOne(value, isTimed ? timestamps[index]! : NaN, 0);
    }
    harness.settle();
  } else if (mode === 'range') {
    harness.runRange(index => structuredClone(values[index]), 0, values.length);
  } else if (mode === 'values' || mode === 'timed') {
    harness.runValues(values, isTimed ? timestamps : undefined);
  } else {
    harness.runBatches(values, isTimed ? timestamps : undefined, {rowsMax});
  }
}

/**
 * An error as plain data. The record is read anew for it, except where it came alone: then it shows what
 * functions did to it, and is left out.
 */
function described(thrown: unknown, hasUntouchedRecord: boolean): unknown {
  if (!(thrown instanceof OperatorError)) throw thrown;
  const {operatorIndex, hasRecord, record, cause} = thrown;
  return {
    operatorIndex,
    hasRecord,
    ...(hasUntouchedRecord ? {record} : {}),
    cause: String(cause),
  };
}
