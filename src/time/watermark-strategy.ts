/**
 * How a stream comes to its timestamps and watermarks: what users write. A strategy is a value; each `with…`
 * method gives a new one.
 */
import {StreamError, showValue} from '../base/errors.ts';
import type {ActivityClock} from './activity-clock.ts';
import {WatermarksWithIdleness} from './idleness.ts';
import {
  BoundedOutOfOrdernessWatermarks,
  NoWatermarks,
  eventTrace,
  type EventTrace,
  type WatermarkGenerator,
  type WatermarkGeneratorContext,
  type WatermarkOutput,
} from './watermark-generator.ts';

/**
 * Gives the timestamp of a record in milliseconds, from the record and the timestamp that it has so far,
 * if it has one.
 */
export type TimestampAssigner<T> =
  | ((value: T, previousTimestamp: number | undefined) => number)
  | {extractTimestamp(value: T, previousTimestamp: number | undefined): number};

/** Keeps sources of a group close together in event time. */
export interface WatermarkAlignment {
  readonly group: string;
  /** How far a source may be ahead of the slowest one of its group. */
  readonly maxDriftMs: number;
  /** How often they compare. */
  readonly updateIntervalMs: number;
}

/** Which generator a strategy uses. The built-in ones have no code per record of their own. */
export type GeneratorSpec<T> =
  | {readonly kind: 'bounded'; readonly boundMs: number}
  | {readonly kind: 'none'}
  | {
      readonly kind: 'custom';
      readonly create: (context: WatermarkGeneratorContext) => WatermarkGenerator<T>;
    };

/** When the watermark of a built-in generator is emitted; the names are those of Flink's SQL. */
export type WatermarkEmitStrategy = 'on-periodic' | 'on-event';

interface Settings<T> {
  readonly generator: GeneratorSpec<T>;
  readonly emitStrategy?: WatermarkEmitStrategy;
  readonly assigner?: TimestampAssigner<T>;
  readonly idleTimeoutMs?: number;
  readonly alignment?: WatermarkAlignment;
}

const UPDATE_INTERVAL_MS = 1000;

/**
 * Where timestamps come from, when watermarks are emitted, and what happens to a stream that is silent.
 *
 *     WatermarkStrategy.forBoundedOutOfOrderness<Click>(5_000)
 *       .withTimestampAssigner(click => click.time)
 *       .withIdleness(60_000)
 *
 * Units:  milliseconds everywhere.
 * Source: Flink's WatermarkStrategy (flink.md §3).
 */
export class WatermarkStrategy<T> {
  readonly generator: GeneratorSpec<T>;
  readonly emitStrategy: WatermarkEmitStrategy;
  /** Absent: records keep the timestamps that they have. */
  readonly assigner: TimestampAssigner<T> | undefined;
  /** Absent: idleness is not looked for. */
  readonly idleTimeoutMs: number | undefined;
  readonly alignment: WatermarkAlignment | undefined;

  private constructor(settings: Settings<T>) {
    const {generator, emitStrategy = 'on-periodic', assigner, idleTimeoutMs, alignment} = settings;
    this.generator = generator;
    this.emitStrategy = emitStrategy;
    this.assigner = assigner;
    this.idleTimeoutMs = idleTimeoutMs;
    this.alignment = alignment;
  }

  /** Timestamps that never go back, within each split. The watermark is the largest one less 1. */
  static forMonotonousTimestamps<T>(): WatermarkStrategy<T> {
    return new WatermarkStrategy<T>({generator: {kind: 'bounded', boundMs: 0}});
  }

  /**
   * Timestamps that may be `boundMs` behind the largest one so far: the watermark is the largest timestamp,
   * less `boundMs`, less 1. Errors: `E_WATERMARK_STRATEGY` if `boundMs` is negative.
   */
  static forBoundedOutOfOrderness<T>(boundMs: number): WatermarkStrategy<T> {
    checkDuration('forBoundedOutOfOrderness', boundMs, 0);
    return new WatermarkStrategy<T>({generator: {kind: 'bounded', boundMs}});
  }

  /** No watermarks until the stream ends: for jobs without event time. */
  static noWatermarks<T>(): WatermarkStrategy<T> {
    return new WatermarkStrategy<T>({generator: {kind: 'none'}});
  }

  /**
   * Watermarks of a generator of your own. `create` is called for each subtask, and for each split of a
   * source. A periodic generator emits in `onPeriodicEmit`, a punctuated one in `onEvent`.
   */
  static forGenerator<T>(
    create: (context: WatermarkGeneratorContext) => WatermarkGenerator<T>,
  ): WatermarkStrategy<T> {
    if (typeof create !== 'function') {
      throw refused('forGenerator needs a function that creates a generator', create);
    }
    return new WatermarkStrategy<T>({generator: {kind: 'custom', create}});
  }

  /** In a few words, for `explain`. */
  get description(): string {
    const {generator, emitStrategy, idleTimeoutMs, alignment} = this;
    const made = describeGenerator(generator);
    return [
      made,
      ...(emitStrategy === 'on-periodic' ? [] : ['with each record']),
      ...(idleTimeoutMs === undefined ? [] : [`idle after ${idleTimeoutMs} ms`]),
      ...(alignment === undefined ? [] : [`aligned in ${alignment.group}`]),
    ].join(', ');
  }

  /** Takes timestamps from the records. Default: the timestamps that the source gives. */
  withTimestampAssigner(assigner: TimestampAssigner<T>): WatermarkStrategy<T> {
    const isAssigner =
      typeof assigner === 'function' ||
      typeof (assigner as {extractTimestamp?: unknown} | null)?.extractTimestamp === 'function';
    if (!isAssigner) {
      throw refused('withTimestampAssigner needs a function of the record', assigner);
    }
    return this.#with({assigner});
  }

  /**
   * `on-event`: the watermark follows each record that raises it. That is exact, for tests and for streams of
   * few records: each watermark closes the batches that are open. Errors: `E_WATERMARK_STRATEGY`.
   *
   * Default: `on-periodic`, every `autoWatermarkIntervalMs`.
   * Source: `scan.watermark.emit.strategy` of Flink's SQL.
   */
  withEmitStrategy(emitStrategy: WatermarkEmitStrategy): WatermarkStrategy<T> {
    if (emitStrategy !== 'on-periodic' && emitStrategy !== 'on-event') {
      throw refused("withEmitStrategy needs 'on-periodic' or 'on-event'", emitStrategy);
    }
    return this.#with({emitStrategy});
  }

  /**
   * Declares a stream, or a split, idle when it has been silent for longer than `timeoutMs`: then others do
   * not wait for its watermarks. The time during which the source is held back by a slow job does not
   * count. Errors: `E_WATERMARK_STRATEGY` if `timeoutMs` is not above 0.
   */
  withIdleness(timeoutMs: number): WatermarkStrategy<T> {
    checkDuration('withIdleness', timeoutMs, Number.MIN_VALUE);
    return this.#with({idleTimeoutMs: timeoutMs});
  }

  /**
   * Makes sources of the same `group` wait while they are more than `maxDriftMs` of event time ahead of the
   * slowest of them. Errors: `E_WATERMARK_STRATEGY`.
   *
   * Default: they compare every second.
   */
  withWatermarkAlignment(
    group: string,
    maxDriftMs: number,
    updateIntervalMs = UPDATE_INTERVAL_MS,
  ): WatermarkStrategy<T> {
    if (typeof group !== 'string' || group === '') {
      throw refused('withWatermarkAlignment needs the name of a group', group);
    }
    checkDuration('withWatermarkAlignment', maxDriftMs, 0);
    checkDuration('withWatermarkAlignment', updateIntervalMs, 1);
    return this.#with({alignment: {group, maxDriftMs, updateIntervalMs}});
  }

  /**
   * A generator as the engine uses it, with idleness. `trace` is what generated code writes about records in
   * place of calling `onEvent`.
   */
  createWatermarkGenerator(
    context: {readonly activityClock: ActivityClock},
    trace: EventTrace = eventTrace(),
  ): WatermarkGenerator<T> {
    const generator = this.#createGenerator(context, trace);
    const {idleTimeoutMs} = this;
    if (idleTimeoutMs === undefined || idleTimeoutMs === Infinity) return generator;
    return new WatermarksWithIdleness(generator, idleTimeoutMs, context.activityClock, trace);
  }

  /** Lets a generator emit outside of its interval; it is not a look for idleness. */
  emitNow(generator: WatermarkGenerator<T>, output: WatermarkOutput): void {
    if (generator instanceof WatermarksWithIdleness) generator.emitNow(output);
    else generator.onPeriodicEmit(output);
  }

  /** The same with another timeout; for the engine's default. */
  withDefaultIdleness(timeoutMs: number): WatermarkStrategy<T> {
    return this.idleTimeoutMs === undefined ? this.#with({idleTimeoutMs: timeoutMs}) : this;
  }

  #createGenerator(context: WatermarkGeneratorContext, trace: EventTrace): WatermarkGenerator<T> {
    const {generator} = this;
    switch (generator.kind) {
      case 'bounded':
        return new BoundedOutOfOrdernessWatermarks(generator.boundMs, trace);
      case 'none':
        return new NoWatermarks();
      case 'custom':
        return generator.create(context);
    }
  }

  #with(changes: Partial<Settings<T>>): WatermarkStrategy<T> {
    const {generator, emitStrategy, assigner, idleTimeoutMs, alignment} = this;
    return new WatermarkStrategy<T>({
      generator,
      emitStrategy,
      ...(assigner === undefined ? {} : {assigner}),
      ...(idleTimeoutMs === undefined ? {} : {idleTimeoutMs}),
      ...(alignment === undefined ? {} : {alignment}),
      ...changes,
    });
  }
}

function describeGenerator(generator: GeneratorSpec<any>): string {
  switch (generator.kind) {
    case 'bounded':
      return `watermarks ${generator.boundMs + 1} ms behind`;
    case 'none':
      return 'no watermarks';
    case 'custom':
      return 'watermarks of a generator';
  }
}

function checkDuration(method: string, value: unknown, min: number): void {
  if (typeof value === 'number' && value >= min) return;
  throw refused(
    `${method} needs a number of milliseconds${min > 0 ? ' above 0' : ', 0 or more'}`,
    value,
  );
}

function refused(what: string, value: unknown): StreamError {
  return new StreamError(
    'E_WATERMARK_STRATEGY',
    what,
    {value: showValue(value)},
    {remedy: 'see the documentation of WatermarkStrategy'},
  );
}
