/**
 * Streams in windows: `WindowedStream` on a keyed stream, `AllWindowedStream` on one that is not. Both
 * are descriptions; the method that says what becomes of a window makes the operator.
 */
import {StreamError, showValue} from '../base/errors.ts';
import {OutputTag, type AggregateFunction, type ReduceFunction} from '../operators/functions.ts';
import type {AggregationKind, KeySelector} from '../operators/operator.ts';
import {AggregationReduce} from '../windowing/aggregation-reduce.ts';
import type {Evictor} from '../windowing/evictor.ts';
import type {WindowCall} from '../windowing/firing-context.ts';
import {canMerge, type Trigger} from '../windowing/trigger.ts';
import {isMerging, type WindowAssigner} from '../windowing/window-assigner.ts';
import type {ContentsSpec} from '../windowing/window-contents.ts';
import type {
  AllWindowFunction,
  ProcessAllWindowFunction,
  ProcessWindowFunction,
  WindowFunction,
} from '../windowing/window-function.ts';
import {windowSpec} from '../windowing/window-spec.ts';
import {checkFunction} from './check-function.ts';
import {operatorStream, withIndex, type DataStream, type StreamInput} from './data-stream.ts';
import {parsePath, type FieldPath, type Ordered, type Summable} from './field-path.ts';
import type {TransformationRecorder} from './recorder.ts';

/**
 * What an aggregation takes: a field of type `V`, or nothing if elements are of that type. It bounds a
 * type parameter wherever it stands: as the type of an argument it would make streams invariant in `T`.
 */
type FieldArguments<T, V> = T extends V ? readonly [] : readonly [field: FieldPath<T, V>];

/** What a windowed stream is made of. */
interface WindowedInput {
  readonly recorder: TransformationRecorder;
  readonly inputs: readonly StreamInput[];
  /** Undefined: not keyed, one subtask. */
  readonly key: KeySelector | undefined;
  readonly assigner: WindowAssigner;
}

/** What both kinds of windowed streams can do. `P` and `W` are the types of their functions. */
abstract class Windows<T> {
  readonly #input: WindowedInput;
  #trigger: Trigger;
  #evictor: Evictor | undefined;
  #allowedLatenessMs = 0;
  #lateTag: string | undefined;

  constructor(input: WindowedInput) {
    checkAssigner(input.assigner);
    this.#input = input;
    this.#trigger = input.assigner.defaultTrigger;
  }

  /**
   * Says when windows fire, instead of the assigner's default.
   *
   * Errors: `E_WINDOW_TRIGGER` if it is none, or cannot be used with windows that merge.
   */
  trigger(trigger: Trigger<T>): this {
    const methods = ['onElement', 'onEventTime', 'onProcessingTime', 'clear'];
    checkPart('E_WINDOW_TRIGGER', 'trigger', trigger, methods);
    if (isMerging(this.#input.assigner) && !canMerge(trigger)) {
      throw new StreamError(
        'E_WINDOW_TRIGGER',
        'windows that merge were given a trigger that cannot merge',
        {windows: this.#input.assigner.name, trigger: trigger.name},
        {remedy: 'use a trigger with onMerge, such as EventTimeTrigger or CountTrigger'},
      );
    }
    this.#trigger = trigger;
    return this;
  }

  /**
   * Takes elements out of windows before or after their function is called. Windows then keep all their
   * elements, whatever the function.
   *
   * Errors: `E_WINDOW_EVICTOR` if it is none.
   */
  evictor(evictor: Evictor<T>): this {
    const has = (name: string) =>
      typeof (evictor as unknown as Record<string, unknown> | undefined)?.[name] === 'function';
    if (!has('evictBefore') && !has('evictAfter')) {
      throw new StreamError('E_WINDOW_EVICTOR', 'evictor needs an evictor', {
        evictor: showValue(evictor),
      });
    }
    this.#evictor = evictor;
    return this;
  }

  /**
   * Keeps windows for this long after the watermark has passed them; a late element makes its window
   * fire again. Only for event time.
   *
   * Units: milliseconds; Infinity keeps them for ever. Default: 0. Errors: `E_WINDOW_LATENESS`.
   */
  allowedLateness(latenessMs: number): this {
    const isLateness = typeof latenessMs === 'number' && latenessMs >= 0;
    if (!isLateness) {
      throw new StreamError(
        'E_WINDOW_LATENESS',
        'the allowed lateness must not be negative',
        {latenessMs: showValue(latenessMs)},
        {remedy: 'give milliseconds of event time'},
      );
    }
    this.#allowedLatenessMs = latenessMs;
    return this;
  }

  /**
   * Sends elements that are too late for all their windows to a side output of the result, instead of
   * dropping them (the metric `numLateRecordsDropped` counts those). Errors: `E_API_TAG`.
   */
  sideOutputLateData(tag: OutputTag<T>): this {
    if (!(tag instanceof OutputTag)) {
      throw new StreamError('E_API_TAG', 'sideOutputLateData needs an OutputTag', {
        tag: showValue(tag),
      });
    }
    this.#lateTag = tag.id;
    return this;
  }

  /**
   * Adds up a field over each window. The other fields are those of the window's first element. On a
   * stream of numbers or bigints it takes no field.
   *
   * Errors: `E_API_PATH`; at run time `E_AGGREGATE_FIELD` for a value that is not a number.
   */
  sum<P extends FieldArguments<T, Summable>>(...field: P): DataStream<T> {
    return this.#aggregation('sum', field);
  }

  /** The smallest value of a field, in the window's first element; else like `sum`. */
  min<P extends FieldArguments<T, Ordered>>(...field: P): DataStream<T> {
    return this.#aggregation('min', field);
  }

  /** The largest value of a field, in the window's first element; else like `sum`. */
  max<P extends FieldArguments<T, Ordered>>(...field: P): DataStream<T> {
    return this.#aggregation('max', field);
  }

  /** The whole element with the smallest value of a field; of equals the first, or the last. */
  minBy<P extends FieldPath<T, Ordered>>(field: P, options: {first?: boolean} = {}): DataStream<T> {
    return this.#aggregation('minBy', [field], options.first);
  }

  /** The whole element with the largest value of a field; of equals the first, or the last. */
  maxBy<P extends FieldPath<T, Ordered>>(field: P, options: {first?: boolean} = {}): DataStream<T> {
    return this.#aggregation('maxBy', [field], options.first);
  }

  protected reduced<O>(fn: ReduceFunction<T>, call: WindowCall | undefined): DataStream<O> {
    checkFunction('reduce', fn, ['reduce']);
    return this.add({kind: 'reduce', fn}, call);
  }

  protected aggregated<A, V, O>(
    fn: AggregateFunction<T, A, V>,
    call: WindowCall | undefined,
  ): DataStream<O> {
    const methods = ['createAccumulator', 'add', 'getResult'];
    const needsMerge = isMerging(this.#input.assigner) && this.#evictor === undefined;
    checkFunction('aggregate', fn, needsMerge ? [...methods, 'merge'] : methods, {isObject: true});
    return this.add({kind: 'aggregate', fn}, call);
  }

  protected add<O>(contents: ContentsSpec, call: WindowCall | undefined): DataStream<O> {
    const {recorder, inputs, key, assigner} = this.#input;
    const spec = windowSpec({
      key,
      assigner,
      trigger: this.#trigger,
      evictor: this.#evictor,
      allowedLatenessMs: this.#allowedLatenessMs,
      lateTag: this.#lateTag,
      contents,
      call,
    });
    const name = assigner.name.replace(/\(.*/s, '');
    const results = operatorStream<O>(recorder, name, spec, withIndex(inputs, 0), {
      parallelism: key === undefined ? 1 : undefined,
    });
    // One key group: more subtasks are refused, as elements of one window would be in several of them.
    return key === undefined ? results.setMaxParallelism(1) : results;
  }

  #aggregation(kind: AggregationKind, args: readonly unknown[], first = true): DataStream<T> {
    const path = args.length === 0 ? [] : parsePath(kind, args[0]);
    return this.add({kind: 'reduce', fn: new AggregationReduce({kind, path, first})}, undefined);
  }
}

/**
 * A keyed stream whose elements are grouped by windows: each key has windows of its own.
 *
 * Source: Flink's WindowedStream (flink.md §4).
 */
export class WindowedStream<T, K> extends Windows<T> {
  /** For TypeScript only: the type of the keys. */
  declare readonly keyType?: K;

  /** Not for users: call `window` or `countWindow` on a keyed stream. */
  constructor(input: WindowedInput) {
    super(input);
  }

  /**
   * Reduces the elements of each window to one, as they come. Only that is kept of a window.
   *
   * Process: gets the result as its only element.
   * Errors:  `E_API_FUNCTION`.
   */
  reduce(fn: ReduceFunction<T>): DataStream<T>;
  reduce<O>(
    fn: ReduceFunction<T>,
    process: ProcessWindowFunction<T, O, K> | ApplyObject<WindowFunction<T, O, K>>,
  ): DataStream<O>;
  reduce(fn: ReduceFunction<T>, process?: unknown): DataStream<any> {
    return this.reduced(fn, windowCall('reduce', process, 'process', 'apply'));
  }

  /**
   * Aggregates the elements of each window in an accumulator, as they come. Only that is kept of a
   * window. With windows that merge the function needs `merge`.
   *
   * Process: gets the result as its only element.
   * Errors:  `E_API_FUNCTION`.
   */
  aggregate<A, O>(fn: AggregateFunction<T, A, O>): DataStream<O>;
  aggregate<A, V, O>(
    fn: AggregateFunction<T, A, V>,
    process: ProcessWindowFunction<V, O, K> | ApplyObject<WindowFunction<V, O, K>>,
  ): DataStream<O>;
  aggregate(fn: AggregateFunction<T, any, any>, process?: unknown): DataStream<any> {
    return this.aggregated(fn, windowCall('aggregate', process, 'process', 'apply'));
  }

  /**
   * Calls `fn(key, context, elements, out)` each time that a window fires, with all elements of it.
   *
   * Cost: every element is kept until its window is dropped. Errors: `E_API_FUNCTION`.
   */
  process<O>(fn: ProcessWindowFunction<T, O, K>): DataStream<O> {
    checkFunction('process', fn, ['process']);
    return this.add({kind: 'list'}, {kind: 'process', fn});
  }

  /** Calls `fn(key, window, elements, out)`; else like `process`. */
  apply<O>(fn: WindowFunction<T, O, K>): DataStream<O> {
    checkFunction('apply', fn, ['apply']);
    return this.add({kind: 'list'}, {kind: 'apply', fn});
  }
}

/**
 * A stream that is not keyed, in windows. All elements go through one subtask.
 *
 * Source: Flink's AllWindowedStream.
 */
export class AllWindowedStream<T> extends Windows<T> {
  /** Not for users: call `windowAll` or `countWindowAll`. */
  constructor(input: Omit<WindowedInput, 'key'>) {
    super({...input, key: undefined});
  }

  /** Reduces the elements of each window to one. Errors: `E_API_FUNCTION`. */
  reduce(fn: ReduceFunction<T>): DataStream<T>;
  reduce<O>(
    fn: ReduceFunction<T>,
    process: ProcessAllWindowFunction<T, O> | ApplyObject<AllWindowFunction<T, O>>,
  ): DataStream<O>;
  reduce(fn: ReduceFunction<T>, process?: unknown): DataStream<any> {
    return this.reduced(fn, windowCall('reduce', process, 'processAll', 'applyAll'));
  }

  /** Aggregates the elements of each window in an accumulator. Errors: `E_API_FUNCTION`. */
  aggregate<A, O>(fn: AggregateFunction<T, A, O>): DataStream<O>;
  aggregate<A, V, O>(
    fn: AggregateFunction<T, A, V>,
    process: ProcessAllWindowFunction<V, O> | ApplyObject<AllWindowFunction<V, O>>,
  ): DataStream<O>;
  aggregate(fn: AggregateFunction<T, any, any>, process?: unknown): DataStream<any> {
    return this.aggregated(fn, windowCall('aggregate', process, 'processAll', 'applyAll'));
  }

  /** Calls `fn(context, elements, out)` each time that a window fires. Errors: `E_API_FUNCTION`. */
  process<O>(fn: ProcessAllWindowFunction<T, O>): DataStream<O> {
    checkFunction('process', fn, ['process']);
    return this.add({kind: 'list'}, {kind: 'processAll', fn});
  }

  /** Calls `fn(window, elements, out)` each time that a window fires. Errors: `E_API_FUNCTION`. */
  apply<O>(fn: AllWindowFunction<T, O>): DataStream<O> {
    checkFunction('apply', fn, ['apply']);
    return this.add({kind: 'list'}, {kind: 'applyAll', fn});
  }
}

/** The form of a window function that is an object: a plain function is taken for a process function. */
type ApplyObject<F> = Exclude<F, (...args: any[]) => unknown>;

/** How the function behind a reduce or an aggregate is called. */
function windowCall(
  operation: string,
  fn: unknown,
  process: WindowCall['kind'],
  apply: WindowCall['kind'],
): WindowCall | undefined {
  if (fn === undefined) return undefined;
  const isApply = typeof (fn as {apply?: unknown} | null)?.apply === 'function';
  if (typeof fn === 'object' && isApply) {
    checkFunction(operation, fn, ['apply']);
    return {kind: apply, fn};
  }
  checkFunction(operation, fn, ['process']);
  return {kind: process, fn};
}

function checkAssigner(assigner: WindowAssigner): void {
  checkPart('E_WINDOW_ASSIGNER', 'window', assigner, ['assignWindows']);
  const {defaultTrigger} = assigner;
  const methods = ['onElement', 'onEventTime', 'onProcessingTime', 'clear'];
  checkPart('E_WINDOW_ASSIGNER', 'the default trigger of windows', defaultTrigger, methods);
}

function checkPart(
  code: string,
  operation: string,
  part: unknown,
  methods: readonly string[],
): void {
  const has = (name: string) =>
    typeof (part as Record<string, unknown> | null | undefined)?.[name] === 'function';
  if (methods.every(has)) return;
  throw new StreamError(
    code,
    `${operation} needs an object with ${methods.join(', ')}`,
    {value: showValue(part)},
    {remedy: 'pass one that comes with millrace, or write one after its interface'},
  );
}
