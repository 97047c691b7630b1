/**
 * Streams as users see them: `DataStream`, and `KeyedStream` in the same file, because each makes the
 * other. A stream is a description: calls record transformations, nothing runs.
 *
 * A stream has inputs, one or, for a union, several; each names the operator that feeds it, with the
 * partitioner and the side output through which it is read. A stream that *is* the output of an
 * operator also knows that operator, which is what `name`, `uid`, `setParallelism` … change.
 */
import {StreamError, showValue} from '../base/errors.ts';
import type {
  PartitionerSpec,
  Transformation,
  TransformationInput,
} from '../graph/transformation.ts';
import {
  OutputTag,
  type AggregateFunction,
  type FilterFunction,
  type FlatMapFunction,
  type KeyedProcessFunction,
  type MapFunction,
  type ProcessFunction,
  type ReduceFunction,
} from '../operators/functions.ts';
import type {AggregationKind, KeySelector, OperatorSpec} from '../operators/operator.ts';
import {keyedProcess} from '../operators/process.ts';
import type {Sink} from '../operators/sink.ts';
import {
  csvSink,
  discardingSink,
  jsonLinesSink,
  printSink,
  textFileSink,
} from '../connectors/index.ts';
import type {MapStateDescriptor} from '../state/state-descriptors.ts';
import type {Infer, RecordSchema, Schema} from '../records/schema.ts';
import type {WatermarkStrategy} from '../time/watermark-strategy.ts';
import {CountEvictor} from '../windowing/count-evictor.ts';
import {CountTrigger} from '../windowing/count-trigger.ts';
import {GlobalWindows} from '../windowing/global-windows.ts';
import {PurgingTrigger} from '../windowing/purging-trigger.ts';
import type {WindowAssigner} from '../windowing/window-assigner.ts';
import {checkFunction} from './check-function.ts';
import {checkStrategy, watermarkSpec} from './watermarks.ts';
import {
  BroadcastConnectedStream,
  BroadcastStream,
  KeyedBroadcastConnectedStream,
} from './broadcast-stream.ts';
import {ConnectedStreams, KeyedConnectedStreams} from './connected-streams.ts';
import {IntervalJoin} from './interval-join.ts';
import {
  coGroupedStreams,
  joinedStreams,
  type CoGroupedStreams,
  type JoinedStreams,
} from './joined-streams.ts';
import {
  parseKey,
  parsePath,
  type FieldPath,
  type Key,
  type KeyPath,
  type Ordered,
  type PathValue,
  type Summable,
} from './field-path.ts';
import {
  DataStreamSink,
  OperatorSettings,
  checkRedeclaration,
  checkSchema,
  checkText,
} from './operator-settings.ts';
import type {TransformationRecorder} from './recorder.ts';
import {PartitionWindowedStream} from './partition-windowed-stream.ts';
import {AllWindowedStream, WindowedStream} from './windowed-stream.ts';

/** One of the streams that make up a stream. */
export type StreamInput = Omit<TransformationInput, 'inputIndex'>;

/** What streams know of each other; not for users. */
export interface StreamInternals {
  readonly recorder: TransformationRecorder;
  readonly inputs: readonly StreamInput[];
  /** The operator whose main output this stream is, and nothing else. */
  readonly operator: Transformation | undefined;
  /** Of a keyed stream. */
  readonly key?: KeySelector | undefined;
}

/** Reads the internals of a stream; not for users. Errors: `E_API_STREAM` for anything else. */
export let internalsOf: (operation: string, stream: unknown) => StreamInternals;

/** The key of a keyed stream; not for users. Errors: `E_API_NOT_KEYED` for any other. */
export let keyOf: (operation: string, stream: unknown) => KeySelector;

/** What a declared schema must be for a stream of `T`: it may leave fields out, not invent any. */
type SchemaOf<T, S> = unknown extends T
  ? S
  : T extends Infer<S>
    ? S
    : {readonly schemaDoesNotFitRecords: T};

/**
 * A stream of records of type `T`.
 *
 * Source: Flink's DataStream and SingleOutputStreamOperator (flink.md §2.1).
 */
export class DataStream<T> extends OperatorSettings {
  readonly #internals: StreamInternals;
  /** For TypeScript only: ties the class to the type of its records. */
  declare readonly recordType?: T;

  static {
    internalsOf = (operation, stream) => {
      if (typeof stream === 'object' && stream !== null && #internals in stream) {
        return stream.#internals;
      }
      throw new StreamError(
        'E_API_STREAM',
        `${operation} needs a stream`,
        {value: showValue(stream)},
        {remedy: 'pass what the methods of the environment or of another stream return'},
      );
    };
  }

  /** Not for users: streams come from an environment. */
  constructor(internals: StreamInternals) {
    super();
    this.#internals = internals;
  }

  /**
   * Turns each record into one other.
   *
   * Result: keeps the record's timestamp.
   * Errors: `E_API_FUNCTION` if `fn` is neither a function nor an object with `map`, or is async.
   */
  map<O>(fn: MapFunction<T, O>): DataStream<O> {
    checkFunction('map', fn, ['map']);
    return this.#add('Map', {type: 'map', fn, ...this.#stateKeys});
  }

  /**
   * Keeps the records for which `fn` returns something true. A type guard narrows the type.
   *
   * Errors: `E_API_FUNCTION` if `fn` is neither a function nor an object with `filter`, or is async.
   */
  filter<S extends T>(fn: (value: T) => value is S): DataStream<S>;
  filter(fn: FilterFunction<T>): DataStream<T>;
  filter(fn: FilterFunction<T>): DataStream<T> {
    checkFunction('filter', fn, ['filter']);
    return this.#add('Filter', {type: 'filter', fn, ...this.#stateKeys});
  }

  /**
   * Turns each record into any number of others, by returning an iterable or through the collector.
   *
   * Result: all keep the record's timestamp.
   * Errors: `E_API_FUNCTION` if `fn` is neither a function nor an object with `flatMap`, or is async.
   */
  flatMap<O>(fn: FlatMapFunction<T, O>): DataStream<O> {
    checkFunction('flatMap', fn, ['flatMap']);
    return this.#add('Flat Map', {type: 'flatMap', fn, ...this.#stateKeys});
  }

  /**
   * Runs a function that sees timestamps, may emit into side outputs and has a last word at the end.
   *
   * Errors: `E_API_FUNCTION` if `fn` is not an object with `processElement`.
   */
  process<O>(fn: ProcessFunction<T, O>): DataStream<O> {
    checkFunction('process', fn, ['processElement'], {isObject: true});
    return this.#add('Process', {type: 'process', fn});
  }

  /**
   * Partitions the stream by key: records with equal keys go to the same subtask.
   *
   * Key:    a field, `keyBy('user.id')`; several, `keyBy('city', 'day')`, which make a composite key; or
   *         a pure function. A function that only reads a field is as fast as its name; any other has
   *         every record built for it.
   * Errors: `E_API_PATH` for something else; `E_KEY_…` at run time for a key without a stable hash: null,
   *         undefined, NaN, objects.
   * Source: Flink, KeyGroupStreamPartitioner; keys land where Flink puts them (flink.md §9).
   */
  keyBy<P extends KeyPath<T>>(path: P): KeyedStream<T, PathValue<T, P>>;
  keyBy<K extends Key>(fn: (value: T) => K): KeyedStream<T, K>;
  keyBy<const P extends readonly [KeyPath<T>, ...KeyPath<T>[]]>(
    ...paths: P
  ): KeyedStream<T, {[I in keyof P]: PathValue<T, P[I]>}>;
  keyBy(...args: readonly unknown[]): KeyedStream<T, any> {
    const key = parseKey('keyBy', args);
    return new KeyedStream(this.#partitioned({kind: 'hash', key}), key);
  }

  /**
   * This stream and others of the same type as one; in no order, and with duplicates if a stream comes
   * twice.
   *
   * Errors: `E_API_ENVIRONMENT` for a stream of another job; `E_GRAPH_UNION_SCHEMA`, when the job is
   *         planned, if two have different declared schemas.
   */
  union(...others: readonly DataStream<T>[]): DataStream<T> {
    const {recorder, inputs} = this.#internals;
    const added = others.flatMap(other => this.#sameJob('union', other).inputs);
    return new DataStream({recorder, inputs: [...inputs, ...added], operator: undefined});
  }

  /**
   * This stream and one of another type as the two inputs of one operator. Records of the two come in
   * no particular order, but never two at a time. With a stream that is broadcast, its records go to
   * every subtask, and make state that this stream's side reads.
   *
   * Errors: `E_API_ENVIRONMENT` for a stream of another job.
   */
  connect<U>(other: BroadcastStream<U>): BroadcastConnectedStream<T, U>;
  connect<U>(other: DataStream<U>): ConnectedStreams<T, U>;
  connect(other: unknown): any {
    return connectStreams(this, other);
  }

  /**
   * Gives the records their timestamps and makes watermarks from here on; watermarks from before are
   * dropped. Better at the source: there each split has watermarks of its own (`fromSource`, or the option
   * `watermarks` of other sources).
   *
   * Errors: `E_WATERMARK_STRATEGY`; `E_TIMESTAMP` at run time for a timestamp that is no number.
   * Source: Flink, DataStream.assignTimestampsAndWatermarks (flink.md §3).
   */
  assignTimestampsAndWatermarks(strategy: WatermarkStrategy<T>): DataStream<T> {
    return this.#add<T>(
      'Timestamps/Watermarks',
      watermarkSpec(checkStrategy<T>('assignTimestampsAndWatermarks', strategy)),
    );
  }

  /**
   * Groups all elements by windows, in one subtask. Behind `keyBy`, `window` does it for each key, in
   * parallel.
   *
   * Errors: `E_WINDOW_ASSIGNER`.
   */
  windowAll(assigner: WindowAssigner<T>): AllWindowedStream<T> {
    const {recorder, inputs} = this.#internals;
    return new AllWindowedStream({recorder, inputs, assigner});
  }

  /** What each subtask reads of a bounded stream as one window, which ends with the input. */
  fullWindowPartition(): PartitionWindowedStream<T> {
    const {recorder, inputs} = this.#internals;
    return new PartitionWindowedStream<T>({recorder, inputs, window: undefined});
  }

  /** As `countWindow` on a keyed stream, for all elements in one subtask. Errors: `E_WINDOW_COUNT`. */
  countWindowAll(size: number, slide?: number): AllWindowedStream<T> {
    return countWindows(this.windowAll(GlobalWindows.create()), size, slide);
  }

  /**
   * Joins this stream with another in windows: each pair of elements of one key and one window.
   *
   * Shape:  `a.join(b).where(key).equalTo(key).window(assigner).apply((left, right) => …)`.
   * Errors: `E_API_ENVIRONMENT` for a stream of another job.
   * Source: Flink, DataStream.join (flink.md §7).
   */
  join<U>(other: DataStream<U>): JoinedStreams<T, U> {
    return joinedStreams(this.#internals, this.#sameJob('join', other));
  }

  /**
   * Groups this stream with another in windows: both lists of one key and one window. Else like `join`.
   *
   * Source: Flink, DataStream.coGroup (flink.md §7).
   */
  coGroup<U>(other: DataStream<U>): CoGroupedStreams<T, U> {
    return coGroupedStreams(this.#internals, this.#sameJob('coGroup', other));
  }

  /**
   * What this operator emitted into the side output of `tag`.
   *
   * Errors: `E_API_NO_OPERATOR` if the stream is not the output of an operator.
   */
  getSideOutput<S>(tag: OutputTag<S>): DataStream<S> {
    if (!(tag instanceof OutputTag)) {
      throw new StreamError('E_API_TAG', 'getSideOutput needs an OutputTag', {tag: showValue(tag)});
    }
    const {recorder} = this.#internals;
    const operator = this.operatorFor('getSideOutput');
    const input = {sourceId: operator.id, sideOutput: tag.id};
    return new DataStream({recorder, inputs: [input], operator: undefined});
  }

  /** Sends each record to the subtask of the same number. Needs equal parallelism: `E_GRAPH_FORWARD`. */
  forward(): DataStream<T> {
    return new DataStream(this.#partitioned({kind: 'forward'}));
  }

  /** Deals records out in turn to all subtasks; each sender begins with one drawn at random. */
  rebalance(): DataStream<T> {
    return new DataStream(this.#partitioned({kind: 'rebalance'}));
  }

  /** Deals records out in turn among a few neighbouring subtasks: fewer channels than `rebalance`. */
  rescale(): DataStream<T> {
    return new DataStream(this.#partitioned({kind: 'rescale'}));
  }

  /** Sends each record to a subtask drawn at random. */
  shuffle(): DataStream<T> {
    return new DataStream(this.#partitioned({kind: 'shuffle'}));
  }

  /**
   * Sends each record to every subtask. With descriptors of maps it gives a stream to connect another one
   * with: `stream.connect(rules.broadcast(descriptor)).process(fn)`.
   *
   * Errors: `E_STATE_DESCRIPTOR` for something else than a MapStateDescriptor.
   */
  broadcast(): DataStream<T>;
  broadcast(
    first: MapStateDescriptor<any, any>,
    ...others: readonly MapStateDescriptor<any, any>[]
  ): BroadcastStream<T>;
  broadcast(
    ...descriptors: readonly MapStateDescriptor<any, any>[]
  ): DataStream<T> | BroadcastStream<T> {
    const internals = this.#partitioned({kind: 'broadcast'});
    if (descriptors.length === 0) return new DataStream(internals);
    return new BroadcastStream(internals, descriptors);
  }

  /** Sends all records to the first subtask. */
  global(): DataStream<T> {
    return new DataStream(this.#partitioned({kind: 'global'}));
  }

  /**
   * Lets a function choose the subtask. No keyed operation may follow.
   *
   * Shape:  `fn(key, count)` returns a whole number from 0 to `count - 1`; `key` is a field or function.
   * Errors: `E_API_FUNCTION`, `E_API_PATH`; at run time `E_PARTITION_RANGE` for any other number.
   */
  partitionCustom<P extends FieldPath<T, unknown>>(
    fn: (key: PathValue<T, P>, channelCount: number) => number,
    path: P,
  ): DataStream<T>;
  partitionCustom<K>(
    fn: (key: K, channelCount: number) => number,
    key: (value: T) => K,
  ): DataStream<T>;
  partitionCustom(fn: (key: any, channelCount: number) => number, key: unknown): DataStream<T> {
    checkFunction('partitionCustom', fn, []);
    const selector = parseKey('partitionCustom', [key]);
    return new DataStream(this.#partitioned({kind: 'custom', key: selector, fn}));
  }

  /**
   * Declares the shape of the records, instead of having it inferred from the first ones. What the
   * schema does not name is left out where records leave the task.
   *
   * Result: the same stream; TypeScript takes the type of its records from the schema.
   * Errors: `E_API_SCHEMA` if the stream has another schema already, or `schema` is none;
   *         `E_API_NO_OPERATOR` on a union.
   */
  returns<S extends Schema<any>>(schema: S & SchemaOf<T, S>): DataStream<Infer<S>> {
    checkSchema('returns', schema);
    const {recorder, inputs, operator} = this.#internals;
    const [input] = inputs;
    if (operator === undefined && inputs.length === 1 && input!.sideOutput !== undefined) {
      recorder.checkOpen('returns');
      const source = recorder.transformations[input!.sourceId - 1]!;
      checkRedeclaration(source.name, source.sideOutputSchemas?.get(input!.sideOutput), schema);
      const schemas = new Map(source.sideOutputSchemas);
      source.sideOutputSchemas = schemas.set(input!.sideOutput, schema);
    } else {
      const declaring = this.operatorFor('returns');
      checkRedeclaration(declaring.name, declaring.outputSchema, schema);
      declaring.outputSchema = schema;
    }
    return this as unknown as DataStream<Infer<S>>;
  }

  /** Prints each record on standard output, one line each; with its subtask if there are several. */
  print(): DataStreamSink {
    return this.#addSink('Print to Std. Out', {type: 'sink', sink: printSink()});
  }

  /**
   * Gathers all records into the job's result, under `name`. For bounded streams that fit into memory.
   *
   * Parallelism: 1, as in Flink. Errors: `E_API_NAME`; `E_GRAPH_CHANNEL` if a sink has the name.
   */
  collect(name: string): DataStreamSink {
    const channel = checkText('E_API_NAME', 'the name of a result', name);
    return this.#addSink(`Collect ${channel}`, {type: 'hostSink', channel, collects: true}, 1);
  }

  /**
   * Hands the records to the host program, which reads them as `run.output(name)`. A host that reads
   * slowly slows the job.
   *
   * Parallelism: 1. Errors: `E_API_NAME`; `E_GRAPH_CHANNEL` if another sink has the name.
   */
  toHost(name: string): DataStreamSink {
    const channel = checkText('E_API_NAME', 'the name of an output', name);
    return this.#addSink(`Host ${channel}`, {type: 'hostSink', channel}, 1);
  }

  /** Writes each record as a line of text, one file per subtask, into `directory`. */
  writeText(directory: string, options?: Parameters<typeof textFileSink>[1]): DataStreamSink {
    return this.sinkTo(textFileSink(directory, options) as Sink<T>);
  }

  /** Writes each record as a line of JSON, one file per subtask, into `directory`. */
  writeJsonLines(directory: string, options?: Parameters<typeof jsonLinesSink>[1]): DataStreamSink {
    return this.sinkTo(jsonLinesSink(directory, options) as Sink<T>);
  }

  /** Writes each record as a line of comma-separated values, one file per subtask, into `directory`. */
  writeCsv(directory: string, options?: Parameters<typeof csvSink>[1]): DataStreamSink {
    return this.sinkTo(csvSink(directory, options) as Sink<T>);
  }

  /** Drops all records. For streams that matter by their side effects, and for measuring. */
  discard(): DataStreamSink {
    return this.sinkTo(discardingSink() as Sink<T>);
  }

  /** Writes the stream to a sink. Errors: `E_API_SINK` if `sink` has no `createWriter`. */
  sinkTo(sink: Sink<T>): DataStreamSink {
    if (typeof sink?.createWriter !== 'function') {
      throw new StreamError(
        'E_API_SINK',
        'sinkTo needs a sink',
        {sink: showValue(sink)},
        {remedy: 'pass an object with `name` and `createWriter(context)`'},
      );
    }
    return this.#addSink(sink.name, {type: 'sink', sink});
  }

  protected override operatorFor(operation: string): Transformation {
    const {recorder, operator} = this.#internals;
    recorder.checkOpen(operation);
    if (operator !== undefined) return operator;
    throw new StreamError(
      'E_API_NO_OPERATOR',
      `${operation} was called on a stream that is not an operator`,
      {operation},
      {
        remedy:
          'call it directly behind a source, map, filter, …; ' +
          'unions, partitioned streams and side outputs have nothing to set',
      },
    );
  }

  /** For functions that may keep state per key. */
  get #stateKeys(): {stateKeys?: readonly KeySelector[]} {
    const {key} = this.#internals;
    return key === undefined ? {} : {stateKeys: [key]};
  }

  #add<O>(name: string, spec: OperatorSpec): DataStream<O> {
    const {recorder, inputs} = this.#internals;
    return operatorStream(recorder, name, spec, withIndex(inputs, 0));
  }

  #addSink(name: string, spec: OperatorSpec, parallelism?: number): DataStreamSink {
    const {recorder, inputs} = this.#internals;
    return new DataStreamSink(
      recorder,
      recorder.add({name, spec, inputs: withIndex(inputs, 0), parallelism}),
    );
  }

  #partitioned(partitioner: PartitionerSpec): StreamInternals {
    const {recorder, inputs} = this.#internals;
    return {
      recorder,
      inputs: inputs.map(input => ({...input, partitioner})),
      operator: undefined,
    };
  }

  #sameJob(operation: string, other: unknown): StreamInternals {
    const internals = internalsOf(operation, other);
    checkSameJob(operation, this.#internals, internals);
    return internals;
  }
}

/**
 * A stream that is partitioned by key. What `DataStream` can do it can do too, on the partitioned
 * records.
 *
 * The rolling operations emit one result for every record, the aggregate so far, and keep state for
 * each key forever; in batch mode they emit only the last result of each key, at the end.
 *
 * Source: Flink's KeyedStream (flink.md §2.1).
 */
export class KeyedStream<T, K> extends DataStream<T> {
  readonly #key: KeySelector;
  /** For TypeScript only: the type of the keys. */
  declare readonly keyType?: K;

  static {
    keyOf = (operation, stream) => {
      if (typeof stream === 'object' && stream !== null && #key in stream) return stream.#key;
      throw new StreamError(
        'E_API_NOT_KEYED',
        `${operation} needs a keyed stream`,
        {operation},
        {remedy: 'call keyBy() directly before it'},
      );
    };
  }

  /** Not for users: call `keyBy`. */
  constructor(internals: StreamInternals, key: KeySelector) {
    super({...internals, key});
    this.#key = key;
  }

  /**
   * Runs a function that has state and timers per key, sees timestamps and may emit into side outputs.
   *
   * Result: of a record it has the record's timestamp, of an event-time timer the timer's, of a
   *         processing-time timer none.
   * Errors: `E_API_FUNCTION` if `fn` is not an object with `processElement`.
   * Source: Flink's KeyedProcessFunction (flink.md §2.1, §6).
   */
  override process<O>(fn: KeyedProcessFunction<K, T, O>): DataStream<O> {
    checkFunction('process', fn, ['processElement'], {isObject: true});
    return this.#add('Keyed Process', keyedProcess(fn, this.#key));
  }

  /**
   * This stream and another. If that one is keyed too, by keys of the same type, or broadcast, the function
   * behind it has state and timers per key.
   */
  override connect<U>(other: KeyedStream<U, K>): KeyedConnectedStreams<T, U, K>;
  override connect<U>(other: BroadcastStream<U>): KeyedBroadcastConnectedStream<T, U, K>;
  override connect<U>(other: DataStream<U>): ConnectedStreams<T, U>;
  override connect(other: unknown): any {
    return connectStreams(this, other);
  }

  /**
   * Pairs the elements of this stream with those of another one that have the same key and a time nearby.
   *
   * Shape:  `a.intervalJoin(b).between(lowerMs, upperMs).process(fn)`; both streams keyed.
   * Errors: `E_API_NOT_KEYED`, `E_API_ENVIRONMENT`.
   * Source: Flink, KeyedStream.intervalJoin (flink.md §7).
   */
  intervalJoin<U>(other: KeyedStream<U, K>): IntervalJoin<T, U> {
    const key = keyOf('intervalJoin', other);
    const left = internalsOf('intervalJoin', this);
    const right = internalsOf('intervalJoin', other);
    checkSameJob('intervalJoin', left, right);
    return new IntervalJoin({internals: left, key: this.#key}, {internals: right, key});
  }

  /**
   * Folds the records of each key into one. The first record of a key passes unchanged.
   *
   * Errors: `E_API_FUNCTION` if `fn` is neither a function nor an object with `reduce`, or is async.
   */
  reduce(fn: ReduceFunction<T>): DataStream<T> {
    checkFunction('reduce', fn, ['reduce']);
    return this.#add('Keyed Reduce', {type: 'reduce', key: this.#key, fn, emit: 'update'});
  }

  /**
   * Adds up a field. The other fields are those of the first record of the key. On a stream of numbers
   * or bigints it takes no field.
   *
   * Errors: `E_API_PATH`; at run time `E_AGGREGATE_FIELD` for a value that is not a number.
   */
  sum(...field: T extends Summable ? [] : [field: FieldPath<T, Summable>]): DataStream<T> {
    return this.#aggregate('sum', field);
  }

  /** The smallest value of a field, in the first record of the key; else like `sum`. */
  min(...field: T extends Ordered ? [] : [field: FieldPath<T, Ordered>]): DataStream<T> {
    return this.#aggregate('min', field);
  }

  /** The largest value of a field, in the first record of the key; else like `sum`. */
  max(...field: T extends Ordered ? [] : [field: FieldPath<T, Ordered>]): DataStream<T> {
    return this.#aggregate('max', field);
  }

  /** The whole record with the smallest value of a field; of equals the first, or the last. */
  minBy(field: FieldPath<T, Ordered>, options: {first?: boolean} = {}): DataStream<T> {
    return this.#aggregate('minBy', [field], options.first);
  }

  /** The whole record with the largest value of a field; of equals the first, or the last. */
  maxBy(field: FieldPath<T, Ordered>, options: {first?: boolean} = {}): DataStream<T> {
    return this.#aggregate('maxBy', [field], options.first);
  }

  /**
   * Aggregates the records of each key in an accumulator: one result for each record. Flink has this
   * only for windows.
   *
   * Function: `createAccumulator()` makes an empty accumulator; `add(value, accumulator)` returns the new
   *           one, or changes and returns the old one; `getResult(accumulator)` makes the result.
   * Errors:   `E_API_FUNCTION` if `fn` lacks one of the three, or one is async; `E_FUNCTION_RESULT` at
   *           run time if `add` or `getResult` returns nothing.
   * Cost:     an accumulator that is a flat record of numbers and texts is kept in typed arrays, and
   *           nothing is allocated for a record. Anything else is an object per key.
   */
  aggregate<A, O>(fn: AggregateFunction<T, A, O>): DataStream<O> {
    checkFunction('aggregate', fn, ['createAccumulator', 'add', 'getResult'], {isObject: true});
    return this.#add('Keyed Aggregate', {
      type: 'rollingAggregate',
      key: this.#key,
      fn,
      emit: 'update',
    });
  }

  /**
   * Groups the elements of each key by windows: `window(TumblingEventTimeWindows.of(1_000))`.
   *
   * Errors: `E_WINDOW_ASSIGNER` if `assigner` is none.
   */
  window(assigner: WindowAssigner<T>): WindowedStream<T, K> {
    const {recorder, inputs} = internalsOf('window', this);
    return new WindowedStream({recorder, inputs, key: this.#key, assigner});
  }

  /** The records of each key of a bounded stream as one window, which ends with the input. */
  override fullWindowPartition(): PartitionWindowedStream<T> {
    const {recorder, inputs} = internalsOf('fullWindowPartition', this);
    const window = this.window(GlobalWindows.createWithEndOfStreamTrigger());
    return new PartitionWindowedStream<T>({recorder, inputs, window});
  }

  /**
   * Windows of `size` elements of a key; with a slide, the last `size` elements each time that `slide` more
   * have come. What is left at the end is dropped.
   *
   * Errors: `E_WINDOW_COUNT` for what is not a positive whole number.
   */
  countWindow(size: number, slide?: number): WindowedStream<T, K> {
    return countWindows(this.window(GlobalWindows.create()), size, slide);
  }

  #aggregate(aggregation: AggregationKind, args: readonly unknown[], first = true): DataStream<T> {
    const field = args.length === 0 ? [] : parsePath(aggregation, args[0]);
    return this.#add('Keyed Aggregation', {
      type: 'aggregate',
      key: this.#key,
      aggregation,
      field,
      first,
      emit: 'update',
    });
  }

  #add<O = T>(name: string, spec: OperatorSpec): DataStream<O> {
    const {recorder, inputs} = internalsOf(name, this);
    return operatorStream(recorder, name, spec, withIndex(inputs, 0));
  }
}

/** Two streams as the inputs of one operator; keyed if both are, or the first beside a broadcast. */
function connectStreams(stream: DataStream<any>, other: unknown): unknown {
  const first = internalsOf('connect', stream);
  if (other instanceof BroadcastStream) {
    checkSameJob('connect', first, other.internals);
    return first.key === undefined
      ? new BroadcastConnectedStream(first, other)
      : new KeyedBroadcastConnectedStream(first, other);
  }
  const second = internalsOf('connect', other);
  checkSameJob('connect', first, second);
  const {recorder, inputs, key} = first;
  if (key === undefined || second.key === undefined) {
    return new ConnectedStreams(recorder, inputs, second.inputs);
  }
  return new KeyedConnectedStreams(recorder, inputs, second.inputs, [key, second.key]);
}

// TypeScript refuses `stream.sum()` without keyBy; JavaScript should say more than "not a function".
for (const operation of [
  'reduce',
  'aggregate',
  'sum',
  'min',
  'max',
  'minBy',
  'maxBy',
  'intervalJoin',
]) {
  Object.defineProperty(DataStream.prototype, operation, {
    value: () => {
      throw new StreamError(
        'E_API_NOT_KEYED',
        `${operation} needs a keyed stream`,
        {operation},
        {remedy: 'call keyBy() directly before it'},
      );
    },
    configurable: true,
  });
}

/** Refuses to combine streams of different builds; not for users. */
export function checkSameJob(
  operation: string,
  first: StreamInternals,
  second: StreamInternals,
): void {
  if (first.recorder === second.recorder) return;
  throw new StreamError(
    'E_API_ENVIRONMENT',
    `${operation} met a stream of another environment`,
    {},
    {remedy: 'combine only streams that the same job() call has built'},
  );
}

/** Records an operator and gives its output; not for users. */
export function operatorStream<O>(
  recorder: TransformationRecorder,
  name: string,
  spec: OperatorSpec,
  inputs: readonly TransformationInput[],
  options: {parallelism?: number | undefined; outputSchema?: RecordSchema | undefined} = {},
): DataStream<O> {
  const operator = recorder.add({name, spec, inputs, ...options});
  return new DataStream({recorder, inputs: [{sourceId: operator.id}], operator});
}

/** Inputs of an operator from the inputs of a stream; not for users. */
export function withIndex(
  inputs: readonly StreamInput[],
  inputIndex: number,
): TransformationInput[] {
  return inputs.map(input => ({...input, inputIndex}));
}

/** Makes windows fire by counts. Source: Flink's countWindow. */
function countWindows<S extends WindowedStream<any, any> | AllWindowedStream<any>>(
  windows: S,
  size: number,
  slide: number | undefined,
): S {
  if (slide === undefined) {
    windows.trigger(PurgingTrigger.of(CountTrigger.of(size)));
  } else {
    windows.evictor(CountEvictor.of(size)).trigger(CountTrigger.of(slide));
  }
  return windows;
}
