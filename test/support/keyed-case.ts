/** One keyed operator in front of a sink, run in both ways; for tests of what it computes. */
import {ChainHarness, CollectingSink, to, type Timed} from './chain-harness.ts';
import type {KeySelector, OperatorSpec} from '../../src/operators/operator.ts';

export const BY_KEY: KeySelector = {kind: 'fields', paths: [['key']]};

/** The ways to run a chain: `batches` is what a task does, and where typed state is at work. */
export const WAYS = ['compiled batches', 'compiled values', 'interpreted'] as const;
export type Way = (typeof WAYS)[number];

export interface KeyedRun {
  readonly sink: CollectingSink;
  readonly harness: ChainHarness;
  /** Values and timestamps, as the sink got them. */
  readonly received: readonly Timed[];
  readonly values: readonly unknown[];
}

/** Runs `records` through `spec`, with timestamps 0, 10, 20 …, to the end of input. */
export function runKeyed(way: Way, spec: OperatorSpec, records: readonly unknown[]): KeyedRun {
  const {harness, sink} = openKeyed(way, spec);
  feedKeyed(way, harness, records);
  harness.finish();
  return {
    harness,
    sink,
    received: sink.received,
    values: sink.received.map(({value}) => value),
  };
}

export function openKeyed(way: Way, spec: OperatorSpec) {
  const sink = new CollectingSink();
  const harness = new ChainHarness({
    nodes: [{spec, outputs: [to(1)]}, {spec: {type: 'sink', sink}}],
    interpret: way === 'interpreted',
  });
  harness.chain.open();
  return {harness, sink};
}

export function feedKeyed(way: Way, harness: ChainHarness, records: readonly unknown[]): void {
  const timestamps = records.map((_, index) => index * 10);
  if (way === 'compiled batches') harness.runBatches(records, timestamps);
  else harness.runValues(records, timestamps);
}
