/** A windowed operation as an entry of the graph, and which operator runs it. */
import {StreamError} from '../base/errors.ts';
import {AggregateOperator} from '../operators/aggregate.ts';
import type {KeyedOperator} from '../operators/keyed-operator.ts';
import type {KeySelector, OperatorSpec} from '../operators/operator.ts';
import type {OperatorContext, OperatorRuntime} from '../operators/operator-runtime.ts';
import {ReduceOperator} from '../operators/reduce.ts';
import {RollingAggregateOperator} from '../operators/rolling-aggregate.ts';
import {isPlainObject} from '../records/any-codec.ts';
import type {KeyedStateBackend} from '../state/keyed-state-backend.ts';
import {MemoryBackend} from '../state/memory-backend.ts';
import {AggregationReduce} from './aggregation-reduce.ts';
import {EventTimeSessionWindows, ProcessingTimeSessionWindows} from './session-windows.ts';
import {SessionWindowOperator} from './session-window-operator.ts';
import {sliceGeometry, type SliceGeometry} from './slice-geometry.ts';
import {SliceWindowOperator} from './slice-window-operator.ts';
import {SAVED_WINDOWS} from './table-window-operator.ts';
import {WINDOW_CONTENTS, type ContentsSpec} from './window-contents.ts';
import {WindowOperator, type WindowOptions} from './window-operator.ts';

/** The spec of windows with these options. */
export function windowSpec(options: WindowOptions): OperatorSpec {
  const {key, assigner, trigger, evictor, allowedLatenessMs, lateTag, contents, call} = options;
  const isSession =
    assigner instanceof EventTimeSessionWindows || assigner instanceof ProcessingTimeSessionWindows;
  return {
    type: 'custom',
    kind: 'window',
    ...(key === undefined ? {} : {key}),
    parts: [
      assigner.name,
      ...(isSession && assigner.gapFunction !== undefined ? [assigner.gapFunction] : []),
      trigger.name,
      evictor?.name ?? '',
      `lateness ${allowedLatenessMs}`,
      lateTag ?? '',
      contents.kind,
      ...(contents.kind === 'list' ? [] : [contents.fn]),
      ...(call === undefined ? [] : [call.kind, call.fn]),
    ],
    create: context => createWindowOperator(context, options),
  };
}

/**
 * The general operator, or a fast one. A trigger that was set by hand, even the default one, asks for the
 * general one, which calls functions element by element for each window; and so does state that is to lie
 * on disk: the fast ones keep windows in memory.
 */
function createWindowOperator(context: OperatorContext, options: WindowOptions): OperatorRuntime {
  const {assigner, trigger, evictor, allowedLatenessMs, contents} = options;
  const backend = context.createKeyedBackend();
  const isPlain =
    backend instanceof MemoryBackend &&
    trigger === assigner.defaultTrigger &&
    evictor === undefined &&
    allowedLatenessMs === 0 &&
    contents.kind !== 'list' &&
    !hasLife(contents.fn);
  if (isPlain) {
    const inner = (): KeyedOperator => innerOperator(context, options.key ?? ONE_KEY, contents);
    const geometry = slicesOf(options);
    if (geometry !== undefined) {
      refuseState(backend, WINDOW_CONTENTS);
      return new SliceWindowOperator(context, options, geometry, inner());
    }
    if (assigner instanceof EventTimeSessionWindows) {
      refuseState(backend, WINDOW_CONTENTS);
      return new SessionWindowOperator(context, options, inner());
    }
  }
  refuseState(backend, SAVED_WINDOWS);
  return new WindowOperator(context, options);
}

/** Windows that the other kind of operator has saved would be lost. */
function refuseState(backend: KeyedStateBackend, name: string): void {
  if (!backend.stateNames().includes(name)) return;
  throw new StreamError(
    'E_WINDOW_RESTORE',
    'windows were saved by another kind of operator',
    {state: name},
    {
      remedy:
        'restore with the trigger, evictor, lateness, function and state backend that they were ' +
        'saved with; .trigger(EventTimeTrigger.create()) asks for the general operator',
    },
  );
}

/** All elements have one key. */
const ONE_KEY: KeySelector = {kind: 'function', fn: () => 0};

/** How the windows consist of slices; undefined where they do not, or where it would show. */
function slicesOf({assigner, contents}: WindowOptions): SliceGeometry | undefined {
  const geometry = sliceGeometry(assigner);
  if (geometry === undefined || !geometry.isShared || contents.kind !== 'aggregate')
    return geometry;
  return isMergeable(contents) ? geometry : undefined;
}

/** Whether a function may ask for state, which belongs to the present key. */
function hasLife(fn: unknown): boolean {
  if (typeof fn !== 'object' || fn === null) return false;
  return ['open', 'initializeState', 'snapshotState'].some(name => name in fn);
}

/**
 * Whether accumulators can be merged and still belong to other windows: the function has `merge`, and what
 * it would change can be copied, because accumulators are flat.
 */
function isMergeable({fn}: Extract<ContentsSpec, {kind: 'aggregate'}>): boolean {
  if (typeof fn.merge !== 'function') return false;
  let accumulator: unknown;
  try {
    accumulator = fn.createAccumulator();
  } catch {
    // The operator calls it again, where an error is reported as the user's.
    return false;
  }
  if (!isPlainObject(accumulator)) return typeof accumulator !== 'object';
  return Object.values(accumulator).every(field => typeof field !== 'object' || field === null);
}

function innerOperator(
  context: OperatorContext,
  key: KeySelector,
  contents: ContentsSpec,
): KeyedOperator {
  if (contents.kind === 'aggregate') {
    return new RollingAggregateOperator(context, contents.fn, key, 'final');
  }
  const {fn} = contents as Extract<ContentsSpec, {kind: 'reduce'}>;
  if (!(fn instanceof AggregationReduce)) return new ReduceOperator(context, fn, key, 'final');
  const {kind, path, first} = fn.options;
  return new AggregateOperator(context, {
    type: 'aggregate',
    key,
    aggregation: kind,
    field: path,
    first,
    emit: 'final',
  });
}
