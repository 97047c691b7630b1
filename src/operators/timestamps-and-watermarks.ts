/**
 * Gives records their timestamps and makes watermarks, in the middle of a job or at its sources. A record
 * is handed on first, then the generator sees it, so a watermark that it brings about comes behind it.
 * Watermarks from before are dropped, save the last one.
 *
 *   record ──► timestamp ──► handed on ──► trace of its split ◄── generator, every interval ──► emitter
 *
 * A source has a generator for each split that it is reading, and emits the smallest of their watermarks.
 *
 * Built-in generators cost no call per record: all they need is the largest timestamp, which the loop
 * writes into the trace of the present split. Others are called for each record, and a watermark that
 * they emit ends the loop behind the present record.
 */
import {StreamError, showValue} from '../base/errors.ts';
import {PausableClock} from '../time/activity-clock.ts';
import {WatermarkEmitter} from '../time/watermark-emitter.ts';
import {
  TRACE_EVENTS,
  TRACE_MAX_TIMESTAMP,
  eventTrace,
  NoWatermarks,
  type EventTrace,
  type WatermarkGenerator,
  type WatermarkOutput,
} from '../time/watermark-generator.ts';
import {WatermarkOutputMultiplexer} from '../time/watermark-multiplexer.ts';
import type {WatermarkStrategy} from '../time/watermark-strategy.ts';
import {MAX_WATERMARK} from '../time/watermark.ts';
import type {ChainCode, RecordText} from './chain-code.ts';
import {BaseOperator, type OperatorContext} from './operator-runtime.ts';
import {TimedRecord} from './record-text.ts';
import {UserFunction} from './user-function.ts';

/** The kind of its operator specs. */
export const TIMESTAMPS_AND_WATERMARKS = 'timestamps and watermarks';

/** A stream of records with a generator of its own: a split, or all records of a subtask. */
interface Partition {
  readonly trace: EventTrace;
  readonly generator: WatermarkGenerator<unknown>;
  /** For what the generator emits because of a record. */
  readonly immediate: WatermarkOutput;
  /** For what it emits when it is asked: looked at when all have been asked. */
  readonly deferred: WatermarkOutput;
  /** Stands still while the split is paused. */
  readonly clock: PausableClock;
}

export class TimestampsAndWatermarksOperator extends BaseOperator {
  readonly #strategy: WatermarkStrategy<any>;
  readonly #assigner: UserFunction | undefined;
  readonly #emitter: WatermarkEmitter;
  readonly #multiplexer: WatermarkOutputMultiplexer | undefined;
  readonly #partitions = new Map<string, Partition>();
  /** Whether the generator has to be called for each record. */
  readonly #isCalled: boolean;
  /** Whether the watermark is emitted as soon as it rises. */
  readonly #isEager: boolean;
  readonly #findsIdleness: boolean;
  readonly #intervalMs: number;
  #current: Partition;
  #nextEmitMs = Infinity;
  #hasEmitted = false;

  /** `perSplit`: the operator is a source, and is told of its splits. */
  constructor(context: OperatorContext, strategy: WatermarkStrategy<any>, perSplit: boolean) {
    super(context);
    const {autoWatermarkIntervalMs, isBatch} = context.time;
    const {kind} = strategy.generator;
    const {assigner} = strategy;
    const findsIdleness = strategy.idleTimeoutMs !== undefined && !isBatch;
    this.#strategy = strategy;
    this.#assigner =
      assigner === undefined ? undefined : new UserFunction(assigner, 'extractTimestamp');
    this.#isCalled = kind === 'custom' && !isBatch;
    this.#isEager = strategy.emitStrategy === 'on-event' && kind !== 'none' && !isBatch;
    this.#findsIdleness = findsIdleness;
    this.#intervalMs =
      isBatch || (kind === 'none' && !findsIdleness)
        ? Infinity
        : autoWatermarkIntervalMs > 0
          ? autoWatermarkIntervalMs
          : Infinity;
    this.#emitter = new WatermarkEmitter({
      emitWatermark: timestamp => {
        this.#hasEmitted = true;
        context.emitWatermark(timestamp);
      },
      emitStatus: isIdle => {
        this.#hasEmitted = true;
        context.emitStatus(isIdle);
      },
    });
    this.#multiplexer = perSplit ? new WatermarkOutputMultiplexer(this.#emitter) : undefined;
    // A source makes generators for its splits, and for nothing else.
    this.#current = this.#createPartition(this.#emitter, this.#emitter, !perSplit);
  }

  override open(): void {
    this.#assigner?.open(this.context.runtime);
    if (this.#intervalMs < Infinity) {
      this.#nextEmitMs = this.context.runtime.clock.now() + this.#intervalMs;
    }
  }

  /** A split begins, whose records come from now on. If several are open, `useSplit` says whose turn it is. */
  openSplit(id: string): void {
    const multiplexer = this.#multiplexer!;
    multiplexer.registerNewOutput(id);
    this.#partitions.set(
      id,
      this.#createPartition(
        multiplexer.getImmediateOutput(id),
        multiplexer.getDeferredOutput(id),
        true,
      ),
    );
    this.useSplit(id);
  }

  /** The records that follow are of this split. */
  useSplit(id: string): void {
    this.#current = this.#partitions.get(id)!;
  }

  /** These splits are kept from being read, all others are not: that is no silence. */
  pauseSplits(ids: readonly string[]): void {
    for (const [id, {clock}] of this.#partitions) {
      if (ids.includes(id)) clock.pause();
      else clock.resume();
    }
  }

  /** The split has been read to its end: nobody waits for its watermarks any more. */
  closeSplit(id: string): void {
    this.#multiplexer!.unregisterOutput(id);
    this.#partitions.delete(id);
  }

  /** Where the generator of the present split looks; generated code fetches it whenever it starts. */
  get trace(): EventTrace {
    return this.#current.trace;
  }

  /** The last watermark that was emitted. */
  get watermark(): number {
    return this.#emitter.watermark;
  }

  get isIdle(): boolean {
    return this.#emitter.isIdle;
  }

  /** The open splits and their watermarks. */
  get splits(): ReturnType<WatermarkOutputMultiplexer['splits']> {
    return this.#multiplexer?.splits() ?? [];
  }

  process(value: unknown, timestamp: number): void {
    this.#handOn();
    const assigned = this.#timestampOf(value, timestamp);
    this.context.output.emit(value, assigned);
    if (this.#isCalled || this.#isEager) this.#onEvent(value, assigned);
    else this.#leaveTrace(assigned);
  }

  generate(code: ChainCode, record: RecordText): void {
    const operator = code.bind(this);
    const isObserved = this.#isCalled || this.#isEager;
    // In the loop itself a watermark has left before the next record comes.
    if (isObserved && !code.isLoop) code.line(`${code.bind(() => this.#handOn())}();`);
    const timestamp = this.#timestampText(code, record);
    if (isObserved) {
      code.pass(new TimedRecord(record, timestamp));
      code.returnHere();
      const observe = code.bind((value: unknown, at: number) => this.#onEvent(value, at));
      code.line(`${observe}(${this.#isCalled ? record.inline() : 'undefined'}, ${timestamp});`);
      return;
    }
    // The generator looks only between two runs of the loop, so it makes no difference that this is early.
    if (this.#isTraced) {
      const trace = code.name('trace');
      code.prologue(`const ${trace} = ${operator}.trace;`);
      code.line(
        `if (${timestamp} > ${trace}[${TRACE_MAX_TIMESTAMP}]) ` +
          `${trace}[${TRACE_MAX_TIMESTAMP}] = ${timestamp};`,
      );
      if (this.#findsIdleness) code.line(`${trace}[${TRACE_EVENTS}] += 1;`);
    }
    code.pass(new TimedRecord(record, timestamp));
  }

  override get forwardsWatermarks(): boolean {
    return false;
  }

  override processWatermark(watermark: number): boolean {
    if (watermark === MAX_WATERMARK) {
      this.#emitter.emitWatermark(MAX_WATERMARK);
      this.#nextEmitMs = Infinity;
    }
    return true;
  }

  override get nextProcessingTimeMs(): number {
    return this.#nextEmitMs;
  }

  override processTime(nowMs: number): boolean {
    this.#nextEmitMs = nowMs + this.#intervalMs;
    this.#emitPeriodically();
    return true;
  }

  override finish(): boolean {
    this.#emitPeriodically();
    return true;
  }

  override close(): void {
    this.#assigner?.close();
  }

  get #isTraced(): boolean {
    const {generator} = this.#strategy;
    return !this.context.time.isBatch && (generator.kind === 'bounded' || this.#findsIdleness);
  }

  #createPartition(
    immediate: WatermarkOutput,
    deferred: WatermarkOutput,
    hasRecords: boolean,
  ): Partition {
    const trace = eventTrace();
    const {isBatch, activityClock} = this.context.time;
    const clock = new PausableClock({monotonicNow: () => activityClock.now()});
    const generator =
      isBatch || !hasRecords
        ? new NoWatermarks()
        : this.#strategy.createWatermarkGenerator({activityClock: clock}, trace);
    return {trace, generator, immediate, deferred, clock};
  }

  #emitPeriodically(): void {
    if (this.#multiplexer === undefined) {
      this.#current.generator.onPeriodicEmit(this.#current.deferred);
      return;
    }
    for (const {generator, deferred} of this.#partitions.values()) {
      generator.onPeriodicEmit(deferred);
    }
    this.#multiplexer.onPeriodicEmit();
  }

  /** A record has been handed on whose generator has to be called, or whose watermark leaves at once. */
  #onEvent(value: unknown, timestamp: number): void {
    const {generator, immediate, trace} = this.#current;
    const largest = trace[TRACE_MAX_TIMESTAMP]!;
    if (this.#isCalled) generator.onEvent(value, timestamp, immediate);
    else this.#leaveTrace(timestamp);
    if (this.#isEager && (this.#isCalled || timestamp > largest)) {
      // Asked by itself, an idle stream would be looked at too often.
      this.#strategy.emitNow(generator, immediate);
    }
  }

  #leaveTrace(timestamp: number): void {
    const {trace} = this.#current;
    if (timestamp > trace[TRACE_MAX_TIMESTAMP]!) trace[TRACE_MAX_TIMESTAMP] = timestamp;
    trace[TRACE_EVENTS] += 1;
  }

  /** Lets a watermark that an earlier one of several records of one call has brought about go first. */
  #handOn(): void {
    if (!this.#hasEmitted) return;
    this.#hasEmitted = false;
    this.context.handOn();
  }

  #timestampOf(value: unknown, timestamp: number): number {
    if (this.#assigner === undefined) return timestamp;
    const previous = timestamp === timestamp ? timestamp : undefined;
    return checkTimestamp(this.#assigner.call(value, previous));
  }

  #timestampText(code: ChainCode, record: RecordText): string {
    const {timestamp} = record;
    const name = code.name('timestamp');
    if (this.#assigner === undefined) {
      code.line(`const ${name} = ${timestamp};`);
      return name;
    }
    const previous =
      timestamp === 'NaN'
        ? 'undefined'
        : `${timestamp} === ${timestamp} ? ${timestamp} : undefined`;
    const argument = record.argument(this.#assigner.use(0));
    code.line(`const ${name} = ${this.#assigner.text(code, argument, previous)};`);
    const check = code.bind(checkTimestamp);
    code.line(`if (typeof ${name} !== 'number' || ${name} !== ${name}) ${check}(${name});`);
    return name;
  }
}

function checkTimestamp(timestamp: unknown): number {
  if (typeof timestamp === 'number' && timestamp === timestamp) return timestamp;
  throw new StreamError(
    'E_TIMESTAMP',
    'a timestamp assigner returned something else than a number',
    {returned: showValue(timestamp)},
    {remedy: 'return milliseconds as a number, for a date: value.time.getTime()'},
  );
}
