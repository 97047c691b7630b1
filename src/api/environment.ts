/**
 * Where a job begins: sources, and what holds for the whole job. An environment belongs to one build of
 * a job in one thread; every worker builds the job again and must come to the same graph.
 *
 * Order of precedence: what an operator says, then the environment, then the config.
 */
import {
  collectionSource,
  csvSource,
  generatorSource,
  jsonLinesSource,
  sequenceSource,
  textFileSource,
} from '../connectors/index.ts';
import {StreamError, showValue} from '../base/errors.ts';
import {graphSettings, type Config} from '../graph/config.ts';
import type {GraphSettings, RuntimeMode} from '../graph/stream-graph.ts';
import type {Transformation} from '../graph/transformation.ts';
import {checkBufferTimeout, checkParallelismValue} from '../graph/validate.ts';
import type {Source} from '../operators/source.ts';
import type {Infer, RecordSchema, Schema} from '../records/schema.ts';
import type {WatermarkStrategy} from '../time/watermark-strategy.ts';
import {checkFunction} from './check-function.ts';
import {operatorStream, type DataStream} from './data-stream.ts';
import {checkSchema, checkText} from './operator-settings.ts';
import {TransformationRecorder} from './recorder.ts';
import {checkStrategy, type WatermarkOption} from './watermarks.ts';

type Mutable<T> = {-readonly [K in keyof T]: T[K]};
type AnySchema = Schema<any>;
/** Options of a function without those that the method itself gives. */
type Options<F extends (options: any) => unknown, Given extends string> = Omit<
  Parameters<F>[0],
  Given
>;

const RUNTIME_MODES: readonly RuntimeMode[] = ['streaming', 'batch', 'automatic'];

/**
 * Builds a job: makes sources, holds the job's settings.
 *
 * Source: Flink's StreamExecutionEnvironment (flink.md §2).
 */
export class StreamExecutionEnvironment {
  readonly #recorder = new TransformationRecorder();
  readonly #settings: Mutable<GraphSettings>;
  /** The options that the job was started with. */
  readonly config: Config;

  /** Not for users: `job()` passes an environment to the builder. */
  constructor(config: Config) {
    this.config = config;
    this.#settings = graphSettings(config);
  }

  /** Subtasks of each operator that is given no number. */
  get parallelism(): number {
    return this.#settings.parallelism;
  }

  /**
   * Sets the number of subtasks of all operators that say nothing themselves.
   *
   * Default: the option `parallelism`. Range: 1 to 32768. Errors: `E_GRAPH_PARALLELISM`.
   */
  setParallelism(parallelism: number): this {
    checkParallelismValue('parallelism', parallelism, '(all)');
    return this.#set('setParallelism', 'parallelism', parallelism);
  }

  /**
   * Sets the number of key groups of all operators that say nothing themselves.
   *
   * Default: the option `maxParallelism`, else derived from each operator's parallelism (128 up to 85).
   * Errors: `E_GRAPH_PARALLELISM`.
   */
  setMaxParallelism(maxParallelism: number): this {
    checkParallelismValue('maxParallelism', maxParallelism, '(all)');
    return this.#set('setMaxParallelism', 'maxParallelism', maxParallelism);
  }

  /**
   * Sets how long a batch may wait to fill while its task is busy.
   *
   * Units: milliseconds; 0 sends every record by itself, -1 only full batches. Default: the option
   * `bufferTimeoutMs` (100). Errors: `E_GRAPH_BUFFER_TIMEOUT`.
   */
  setBufferTimeout(timeoutMs: number): this {
    checkBufferTimeout(timeoutMs, '(all)');
    return this.#set('setBufferTimeout', 'bufferTimeoutMs', timeoutMs);
  }

  /**
   * Chooses what rolling aggregations show: in `streaming` mode a result for every record, in `batch`
   * mode only the last one of each key, at the end of bounded input. `automatic` is `batch` if every
   * source is bounded.
   *
   * Default: the option `runtimeMode` (streaming). Errors: `E_API_MODE`; `E_GRAPH_UNBOUNDED`, when the
   * job is planned, for an unbounded source in batch mode.
   */
  setRuntimeMode(mode: RuntimeMode): this {
    if (!RUNTIME_MODES.includes(mode)) {
      throw new StreamError(
        'E_API_MODE',
        'there is no such runtime mode',
        {mode: showValue(mode)},
        {remedy: `choose one of ${RUNTIME_MODES.join(', ')}`},
      );
    }
    return this.#set('setRuntimeMode', 'runtimeMode', mode);
  }

  /** Runs every operator as a task of its own. Slower; it shows more of the job in the metrics. */
  disableOperatorChaining(): this {
    return this.#set('disableOperatorChaining', 'operatorChaining', false);
  }

  /** Names the job. Default: the option `name`. Errors: `E_API_NAME`. */
  setJobName(name: string): this {
    return this.#set('setJobName', 'jobName', checkText('E_API_NAME', 'the name of a job', name));
  }

  /** A bounded stream of the given values, in this order. Parallelism: 1, as in Flink. */
  fromElements<T>(...values: readonly T[]): DataStream<T> {
    return this.#fromSource(collectionSource(values), {name: 'Collection Source', parallelism: 1});
  }

  /**
   * A bounded stream of the values of an iterable, which is read while the job is built.
   *
   * Parallelism: 1, as in Flink. Errors: `E_API_SOURCE` if it is not iterable; `E_API_SCHEMA`.
   */
  fromCollection<S extends AnySchema>(
    values: Iterable<Infer<S>>,
    options: {schema: S} & WatermarkOption<Infer<S>>,
  ): DataStream<Infer<S>>;
  fromCollection<T>(values: Iterable<T>, options?: WatermarkOption<T>): DataStream<T>;
  fromCollection<T>(
    values: Iterable<T>,
    options: {schema?: RecordSchema} & WatermarkOption<T> = {},
  ): DataStream<T> {
    if (typeof (values as Partial<Iterable<T>> | undefined)?.[Symbol.iterator] !== 'function') {
      throw badSource('fromCollection needs something to iterate over', values);
    }
    return this.#fromSource(collectionSource([...values]), {
      name: 'Collection Source',
      parallelism: 1,
      schema: options.schema,
      watermarks: options.watermarks,
    });
  }

  /**
   * A bounded stream of whole numbers, both ends included, cut among the subtasks.
   *
   * Errors: `E_API_SOURCE` if an end is not a safe integer, or `to` is below `from` by more than 1.
   */
  sequence(from: number, to: number): DataStream<number> {
    if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to) || to < from - 1) {
      throw badSource('sequence needs two whole numbers, the smaller one first', [from, to]);
    }
    return this.#fromSource(sequenceSource(from, to), {name: 'Sequence Source'});
  }

  /**
   * A bounded stream of `fn(0)`, `fn(1)`, … `fn(count - 1)`, cut among the subtasks.
   *
   * Shape:   `fn` must be pure: which subtask calls it for which index is not told.
   * Units:   `ratePerSecond` in records per second over all subtasks; default: as fast as possible.
   * Errors:  `E_API_FUNCTION`; `E_API_SOURCE` for a count or rate that is none; `E_API_SCHEMA`.
   */
  generate<S extends AnySchema>(
    fn: (index: number) => Infer<S>,
    options: {
      count: number;
      schema: S;
      ratePerSecond?: number;
      name?: string;
    } & WatermarkOption<Infer<S>>,
  ): DataStream<Infer<S>>;
  generate<T>(
    fn: (index: number) => T,
    options: {count: number; ratePerSecond?: number; name?: string} & WatermarkOption<T>,
  ): DataStream<T>;
  generate<T>(
    fn: (index: number) => T,
    options: {
      count: number;
      ratePerSecond?: number;
      schema?: RecordSchema;
      name?: string;
    } & WatermarkOption<T>,
  ): DataStream<T> {
    checkFunction('generate', fn, []);
    const {count, ratePerSecond, schema, name = 'Generator', watermarks} = options ?? {};
    if (!(Number.isSafeInteger(count) && count >= 0)) {
      throw badSource('generate needs a count, a whole number from 0', count);
    }
    if (ratePerSecond !== undefined && !(ratePerSecond > 0)) {
      throw badSource('generate needs a rate above 0', ratePerSecond);
    }
    if (schema !== undefined) checkSchema('generate', schema);
    return this.#fromSource(
      generatorSource({name, count, generator: fn, ratePerSecond, schema}) as Source<T>,
      {name, schema, watermarks},
    );
  }

  /**
   * The lines of text files, without line ends. Files are cut into splits that subtasks fetch.
   *
   * Shape: `paths` names files, directories or globs.
   */
  readText(
    paths: string | readonly string[],
    {
      watermarks,
      ...options
    }: Options<typeof textFileSource, 'paths'> & WatermarkOption<string> = {},
  ): DataStream<string> {
    const source = textFileSource({...options, paths: pathList('readText', paths)});
    return this.#fromSource(source, {name: 'Text File', watermarks});
  }

  /** The records of files with a JSON value per line. Shape: as `readText`. */
  readJsonLines<S extends AnySchema>(
    paths: string | readonly string[],
    options: Options<typeof jsonLinesSource, 'paths' | 'schema'> & {
      schema: S;
    } & WatermarkOption<Infer<S>>,
  ): DataStream<Infer<S>>;
  readJsonLines<T = any>(
    paths: string | readonly string[],
    options?: Options<typeof jsonLinesSource, 'paths' | 'schema'> & WatermarkOption<T>,
  ): DataStream<T>;
  readJsonLines(
    paths: string | readonly string[],
    {watermarks, ...options}: Options<typeof jsonLinesSource, 'paths'> & WatermarkOption<any> = {},
  ): DataStream<any> {
    const source = jsonLinesSource({...options, paths: pathList('readJsonLines', paths)});
    return this.#fromSource(source, {name: 'JSON Lines', schema: options.schema, watermarks});
  }

  /** The rows of CSV files as records. Shape: as `readText`. */
  readCsv<S extends AnySchema>(
    paths: string | readonly string[],
    options: Options<typeof csvSource, 'paths' | 'schema'> & {schema: S} & WatermarkOption<
        Infer<S>
      >,
  ): DataStream<Infer<S>>;
  readCsv<T = Record<string, string>>(
    paths: string | readonly string[],
    options?: Options<typeof csvSource, 'paths' | 'schema'> & WatermarkOption<T>,
  ): DataStream<T>;
  readCsv(
    paths: string | readonly string[],
    {watermarks, ...options}: Options<typeof csvSource, 'paths'> & WatermarkOption<any> = {},
  ): DataStream<any> {
    const source = csvSource({...options, paths: pathList('readCsv', paths)});
    return this.#fromSource(source, {name: 'CSV File', schema: options.schema, watermarks});
  }

  /**
   * The records that the host program writes into `run.input(name)`. The host is told to wait when the
   * job is slower.
   *
   * Parallelism: 1. Errors: `E_API_NAME`; `E_API_SCHEMA`; `E_GRAPH_CHANNEL` if another source reads it.
   */
  fromHost<S extends AnySchema>(
    name: string,
    options: {schema: S} & WatermarkOption<Infer<S>>,
  ): DataStream<Infer<S>>;
  fromHost<T = any>(name: string, options?: WatermarkOption<T>): DataStream<T>;
  fromHost(
    name: string,
    options: {schema?: RecordSchema} & WatermarkOption<any> = {},
  ): DataStream<any> {
    const channel = checkText('E_API_NAME', 'the name of an input', name);
    const {schema, watermarks} = options;
    if (schema !== undefined) checkSchema('fromHost', schema);
    if (watermarks !== undefined) checkStrategy('fromHost', watermarks);
    return operatorStream(
      this.#recorder,
      `Host ${channel}`,
      {type: 'hostSource', channel, ...(watermarks === undefined ? {} : {watermarks})},
      [],
      {parallelism: 1, outputSchema: schema},
    );
  }

  /**
   * The records of a source of your own, with watermarks of each of its splits.
   *
   * Default: no watermarks; the name of the source. Errors: `E_API_SOURCE` if it lacks what a source has;
   * `E_WATERMARK_STRATEGY`.
   */
  fromSource<T>(
    source: Source<T, any>,
    watermarks?: WatermarkStrategy<T>,
    name?: string,
  ): DataStream<T> {
    const isSource =
      typeof source?.enumerateSplits === 'function' && typeof source.createReader === 'function';
    if (!isSource) {
      throw badSource('fromSource needs an object with enumerateSplits and createReader', source);
    }
    return this.#fromSource(source, {name: name ?? source.name, watermarks});
  }

  /** Ends the build: what was recorded, and the settings. Not for users. */
  finish(): {transformations: readonly Transformation[]; settings: GraphSettings} {
    this.#recorder.seal();
    return {transformations: this.#recorder.transformations, settings: {...this.#settings}};
  }

  #fromSource<T>(
    source: Source<T, any>,
    {
      name,
      parallelism,
      schema,
      watermarks,
    }: {
      name: string;
      parallelism?: number;
      schema?: RecordSchema | undefined;
    } & WatermarkOption<T>,
  ): DataStream<T> {
    if (schema !== undefined) checkSchema(name, schema);
    if (watermarks !== undefined) checkStrategy(name, watermarks);
    return operatorStream(
      this.#recorder,
      name,
      {type: 'source', source, ...(watermarks === undefined ? {} : {watermarks})},
      [],
      {
        parallelism,
        outputSchema: schema,
      },
    );
  }

  #set<K extends keyof GraphSettings>(operation: string, key: K, value: GraphSettings[K]): this {
    this.#recorder.checkOpen(operation);
    (this.#settings as GraphSettings as Record<K, GraphSettings[K]>)[key] = value;
    return this;
  }
}

function pathList(operation: string, paths: string | readonly string[]): readonly string[] {
  const list = typeof paths === 'string' ? [paths] : paths;
  const isList = Array.isArray(list) && list.length > 0;
  if (isList && list.every(path => typeof path === 'string' && path !== '')) return list;
  throw badSource(`${operation} needs a path, or several`, paths);
}

function badSource(what: string, value: unknown): StreamError {
  return new StreamError('E_API_SOURCE', what, {value: showValue(value)});
}
