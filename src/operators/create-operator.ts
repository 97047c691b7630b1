/** Which class runs which kind of operator. */
import {AggregateOperator} from './aggregate.ts';
import {CoFlatMapOperator, CoMapOperator} from './co-operators.ts';
import {FilterOperator} from './filter.ts';
import {FlatMapOperator} from './flat-map.ts';
import {withKeyedState} from './keyed-function.ts';
import {MapOperator} from './map.ts';
import type {KeySelector, OperatorSpec} from './operator.ts';
import type {OperatorContext, OperatorRuntime} from './operator-runtime.ts';
import {PassThroughOperator} from './pass-through.ts';
import {ProcessOperator} from './process.ts';
import {ReduceOperator} from './reduce.ts';
import {RollingAggregateOperator} from './rolling-aggregate.ts';
import {SinkOperator} from './sink-operator.ts';
import {TimestampsAndWatermarksOperator} from './timestamps-and-watermarks.ts';

export function createOperator(spec: OperatorSpec, context: OperatorContext): OperatorRuntime {
  const keys = stateKeysOf(spec);
  if (keys === undefined) return createInContext(spec, context);
  return withKeyedState(context, keys, keyed => createInContext(spec, keyed));
}

/** The keys of an operator whose function may have state per key, but knows nothing of keys itself. */
function stateKeysOf(spec: OperatorSpec): readonly KeySelector[] | undefined {
  switch (spec.type) {
    case 'map':
    case 'filter':
    case 'flatMap':
    case 'coMap':
    case 'coFlatMap':
      // A plain function is never opened and has nowhere to ask for state.
      return typeof spec.fn === 'function' ? undefined : spec.stateKeys;
    default:
      return undefined;
  }
}

function createInContext(spec: OperatorSpec, context: OperatorContext): OperatorRuntime {
  switch (spec.type) {
    case 'source':
    case 'hostSource':
      return spec.watermarks === undefined
        ? new PassThroughOperator(context)
        : new TimestampsAndWatermarksOperator(context, spec.watermarks, spec.type === 'source');
    case 'hostSink':
      return new PassThroughOperator(context);
    case 'map':
      return new MapOperator(context, spec.fn);
    case 'filter':
      return new FilterOperator(context, spec.fn);
    case 'flatMap':
      return new FlatMapOperator(context, spec.fn);
    case 'process':
      return new ProcessOperator(context, spec.fn, ['processElement']);
    case 'coMap':
      return new CoMapOperator(context, spec.fn);
    case 'coFlatMap':
      return new CoFlatMapOperator(context, spec.fn);
    case 'coProcess':
      return new ProcessOperator(context, spec.fn, ['processElement1', 'processElement2']);
    case 'reduce':
      return new ReduceOperator(context, spec.fn, spec.key, spec.emit);
    case 'aggregate':
      return new AggregateOperator(context, spec);
    case 'rollingAggregate':
      return new RollingAggregateOperator(context, spec.fn, spec.key, spec.emit);
    case 'custom':
      return spec.create(context);
    case 'sink':
      return new SinkOperator(context, spec.sink);
  }
}
