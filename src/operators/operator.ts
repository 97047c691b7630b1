/**
 * What an operator is, as data: the kind, its user functions, its parameters. The graph carries
 * these; the chain compiler turns a chain of them into one loop, the chain interpreter into objects
 * that pass records by virtual calls. Adding an operator means one entry here, one file with its
 * two forms, and a method of the API.
 */
import type {
  AggregateFunction,
  CoFlatMapFunction,
  CoMapFunction,
  CoProcessFunction,
  FilterFunction,
  FlatMapFunction,
  MapFunction,
  ProcessFunction,
  ReduceFunction,
} from './functions.ts';
import type {OperatorContext, OperatorRuntime} from './operator-runtime.ts';
import type {WatermarkStrategy} from '../time/watermark-strategy.ts';
import type {Sink} from './sink.ts';
import type {Source} from './source.ts';

/**
 * How the key of a record is found: by field paths (read as columns, no record is built), or by a
 * user function. Several paths, or a function that returns an array, make a composite key.
 */
export type KeySelector =
  | {readonly kind: 'fields'; readonly paths: readonly (readonly string[])[]}
  | {readonly kind: 'function'; readonly fn: (value: any) => unknown};

/** Behind `keyBy`, by input: a function object may keep state per key. */
interface StateKeys {
  readonly stateKeys?: readonly KeySelector[];
}

/** The rolling aggregations of Flink's KeyedStream. */
export type AggregationKind = 'sum' | 'min' | 'max' | 'minBy' | 'maxBy';

/* `any` below: an operator is generic in the API; inside the engine records have no static type. */
export type OperatorSpec =
  | {
      readonly type: 'source';
      readonly source: Source<any, any>;
      /** Absent: records keep the timestamps that the source gives, and there are no watermarks. */
      readonly watermarks?: WatermarkStrategy<any> | undefined;
    }
  | {
      readonly type: 'hostSource';
      readonly channel: string;
      readonly watermarks?: WatermarkStrategy<any> | undefined;
    }
  | ({readonly type: 'map'; readonly fn: MapFunction<any, any>} & StateKeys)
  | ({readonly type: 'filter'; readonly fn: FilterFunction<any>} & StateKeys)
  | ({readonly type: 'flatMap'; readonly fn: FlatMapFunction<any, any>} & StateKeys)
  | {readonly type: 'process'; readonly fn: ProcessFunction<any, any>}
  | ({readonly type: 'coMap'; readonly fn: CoMapFunction<any, any, any>} & StateKeys)
  | ({readonly type: 'coFlatMap'; readonly fn: CoFlatMapFunction<any, any, any>} & StateKeys)
  | {readonly type: 'coProcess'; readonly fn: CoProcessFunction<any, any, any>}
  | {
      readonly type: 'reduce';
      readonly key: KeySelector;
      readonly fn: ReduceFunction<any>;
      /** `final`: only the last value per key, at the end of input (batch runtime mode). */
      readonly emit: 'update' | 'final';
    }
  | {
      readonly type: 'aggregate';
      readonly key: KeySelector;
      readonly aggregation: AggregationKind;
      /** The aggregated field; an empty path aggregates the record itself (streams of numbers). */
      readonly field: readonly string[];
      /** For minBy / maxBy: keep the first of equal records (Flink's default) or the last. */
      readonly first: boolean;
      readonly emit: 'update' | 'final';
    }
  | {
      readonly type: 'rollingAggregate';
      readonly key: KeySelector;
      readonly fn: AggregateFunction<any, any, any>;
      readonly emit: 'update' | 'final';
    }
  | {
      /** An operator of a higher layer: windows, joins, processes, generators of watermarks. */
      readonly type: 'custom';
      /** What it is, in a few words, for `explain`. */
      readonly kind: string;
      /** 1 if absent. */
      readonly inputCount?: 1 | 2;
      /** Of a keyed operator; two if it has two inputs. */
      readonly key?: KeySelector | readonly [KeySelector, KeySelector];
      /** User functions and parameters: what makes two operators of a kind different, for the graph's hash. */
      readonly parts?: readonly unknown[];
      readonly create: (context: OperatorContext) => OperatorRuntime;
      /**
       * Whether its records have timestamps: `kept` says they have those of its input. Default: `given`, so
       * edges behind it carry timestamps.
       */
      readonly timestamps?: 'given' | 'kept';
    }
  | {readonly type: 'sink'; readonly sink: Sink<any>}
  | {
      readonly type: 'hostSink';
      readonly channel: string;
      /** Values are gathered into the job's result, instead of being read while the job runs. */
      readonly collects?: boolean;
    };

export type OperatorType = OperatorSpec['type'];

/** The operators that keep one value per key and emit it anew for each record, or at the end. */
export type RollingSpec = Extract<
  OperatorSpec,
  {type: 'reduce' | 'aggregate' | 'rollingAggregate'}
>;

export function isRolling(spec: OperatorSpec): spec is RollingSpec {
  return spec.type === 'reduce' || spec.type === 'aggregate' || spec.type === 'rollingAggregate';
}
