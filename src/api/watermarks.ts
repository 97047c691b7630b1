/** What the API does about watermark strategies: checks them, and makes an operator of one. */
import {StreamError, showValue} from '../base/errors.ts';
import type {OperatorSpec} from '../operators/operator.ts';
import {
  TIMESTAMPS_AND_WATERMARKS,
  TimestampsAndWatermarksOperator,
} from '../operators/timestamps-and-watermarks.ts';
import {WatermarkStrategy} from '../time/watermark-strategy.ts';

/** The option of sources that have event time. */
export interface WatermarkOption<T> {
  /** Where timestamps come from and when watermarks are emitted. Default: the source's own, and none. */
  readonly watermarks?: WatermarkStrategy<T> | undefined;
}

/** Refuses what is no strategy. Errors: `E_WATERMARK_STRATEGY`. */
export function checkStrategy<T>(operation: string, strategy: unknown): WatermarkStrategy<T> {
  if (strategy instanceof WatermarkStrategy) return strategy as WatermarkStrategy<T>;
  throw new StreamError(
    'E_WATERMARK_STRATEGY',
    `${operation} needs a WatermarkStrategy`,
    {value: showValue(strategy)},
    {remedy: 'for instance WatermarkStrategy.forBoundedOutOfOrderness(5_000)'},
  );
}

export function watermarkSpec(strategy: WatermarkStrategy<any>): OperatorSpec {
  const {generator, assigner, idleTimeoutMs} = strategy;
  return {
    type: 'custom',
    kind: TIMESTAMPS_AND_WATERMARKS,
    parts: [generator, assigner, idleTimeoutMs],
    timestamps: assigner === undefined ? 'kept' : 'given',
    create: context => new TimestampsAndWatermarksOperator(context, strategy, false),
  };
}
