/**
 * `process`: the general function of one input or two, with a context, side outputs, and, behind `keyBy`,
 * state and timers per key.
 *
 * Before each record the operator sets its key, before each timer the timer service does. An event-time
 * timer's results carry its timestamp, a processing-time timer's none; what it emits into side outputs
 * carries the timer's timestamp in both cases, as in Flink.
 */
import type {KeyedStateBackend} from '../state/keyed-state-backend.ts';
import {TimerService as InternalTimerService} from '../state/timer-service.ts';
import type {ChainCode, RecordText} from './chain-code.ts';
import {ElementContext, TimestampedCollector} from './collectors.ts';
import {FunctionContext} from './function-context.ts';
import type {
  Collector,
  KeyedCoProcessFunction,
  KeyedProcessContext,
  KeyedProcessFunction,
  OnTimerContext,
  OutputTag,
  RichFunction,
  TimerService,
} from './functions.ts';
import {keyReader, type KeyReader} from './key.ts';
import {KeyedStates, setKeyText} from './keyed-states.ts';
import type {KeySelector, OperatorSpec} from './operator.ts';
import {BaseOperator, type Emitter, type OperatorContext} from './operator-runtime.ts';
import {UserFunction} from './user-function.ts';
import {KeyedTimers, UnkeyedTimers} from './user-timers.ts';

/** What all kinds of process functions have beside their methods for records. */
interface ProcessFunctionBase extends RichFunction {
  finish?(out: Collector<any>): void;
}

interface TimedFunction extends ProcessFunctionBase {
  onTimer?(timestamp: number, context: OnTimerContext<any>, out: Collector<any>): void;
}

/** What the function does with the records of one input. */
export interface ProcessInput {
  readonly method: string;
  /** The context that the method gets. */
  readonly context: ElementContext;
  /** Absent: the input has no keys. */
  readonly key?: KeyReader | undefined;
}

/** What all process operators have in common: a method per input that emits through a collector. */
export abstract class AbstractProcessOperator<
  F extends ProcessFunctionBase = ProcessFunctionBase,
> extends BaseOperator {
  protected readonly fn: F;
  protected readonly collector: TimestampedCollector;
  #inputs: readonly ProcessInput[] = [];
  #methods: readonly UserFunction[] = [];

  constructor(context: OperatorContext, fn: F) {
    super(context);
    this.fn = fn;
    this.collector = new TimestampedCollector(context.output);
  }

  /** To be called once, by the constructor. */
  protected setInputs(inputs: readonly ProcessInput[]): void {
    this.#inputs = inputs;
    this.#methods = inputs.map(({method}) => new UserFunction(this.fn, method));
  }

  process(value: unknown, timestamp: number, inputIndex: number): void {
    const {context, key} = this.#inputs[inputIndex]!;
    this.collector.interpret(timestamp);
    if (key !== undefined) this.backend!.setCurrentKey(key.select(value));
    this.#methods[inputIndex]!.call(value, context, this.collector);
  }

  generate(code: ChainCode, record: RecordText, inputIndex: number): void {
    const {context, key} = this.#inputs[inputIndex]!;
    const collector = this.collector.generate(code);
    // Text for `explain` is written of operators that are not open; it never runs.
    if (key !== undefined) setKeyText(code, record, key, this.backend ?? NOT_OPEN);
    const method = this.#methods[inputIndex]!;
    const argument = record.argument(method.use(0));
    code.line(`${collector}.timestamp = ${record.timestamp};`);
    code.line(`${method.text(code, argument, code.bind(context), collector)};`);
  }

  override finish(): boolean {
    this.collector.interpret(NaN);
    this.fn.finish?.(this.collector);
    return true;
  }

  override prepareSnapshot(): void {
    this.fn.snapshotState?.();
  }

  override close(): void {
    this.fn.close?.();
  }

  /** Where state per key is; undefined without keys, and before `open`. */
  protected abstract get backend(): KeyedStateBackend | undefined;
}

const NOT_OPEN = {setCurrentKey() {}};

/** `process` on streams without keys: time can be asked for, timers cannot. */
export class ProcessOperator extends AbstractProcessOperator {
  #watermark = -Infinity;

  constructor(context: OperatorContext, fn: ProcessFunctionBase, methods: readonly string[]) {
    super(context, fn);
    const timers = new UnkeyedTimers(context.runtime.clock, () => this.#watermark);
    const side = (tag: string) => context.sideOutput(tag);
    const element = new ElementContext(this.collector, side, timers);
    this.setInputs(methods.map(method => ({method, context: element})));
  }

  override open(): void {
    FunctionContext.open(this.fn, this.context.runtime);
  }

  override processWatermark(watermark: number): boolean {
    this.#watermark = watermark;
    return true;
  }

  protected get backend(): undefined {
    return undefined;
  }
}

/** What process operators with keys have in common: state and timers. */
export abstract class AbstractKeyedProcessOperator extends AbstractProcessOperator<TimedFunction> {
  readonly #states: KeyedStates;
  #backend: KeyedStateBackend | undefined;
  #timers: InternalTimerService | undefined;
  #timerContext: TimerContext | undefined;

  constructor(context: OperatorContext, fn: TimedFunction) {
    super(context, fn);
    this.#states = new KeyedStates(() => context.createKeyedBackend());
  }

  override open(): void {
    const {clock} = this.context.runtime;
    const {backend} = this.#states;
    this.#backend = backend;
    this.#timers = new InternalTimerService({
      backend,
      name: 'user-timers',
      clock,
      onEventTime: (_key, _namespace, timestamp) =>
        this.#onTimer(timestamp, timestamp, 'EVENT_TIME'),
      onProcessingTime: (_key, _namespace, timestamp) =>
        this.#onTimer(timestamp, NaN, 'PROCESSING_TIME'),
    });
    this.#timerContext = this.createTimerContext();
    FunctionContext.open(this.fn, FunctionContext.keyed(this.context.runtime, this.#states));
  }

  override processWatermark(watermark: number): boolean {
    return this.#timers!.advanceWatermark(watermark, this.context.canEmit);
  }

  override get nextProcessingTimeMs(): number {
    return this.#timers?.nextProcessingTimeMs ?? Infinity;
  }

  override processTime(nowMs: number): boolean {
    return this.#timers!.advanceProcessingTime(nowMs, this.context.canEmit);
  }

  protected get backend(): KeyedStateBackend | undefined {
    return this.#backend;
  }

  /** The timers of an operator that is open. */
  protected get timers(): InternalTimerService {
    return this.#timers!;
  }

  protected createTimerContext(): TimerContext {
    return new TimerContext(this.#backend!, this.userTimers(), tag => this.context.sideOutput(tag));
  }

  /** What the function gets; usable when the operator is open. */
  protected userTimers(): TimerService {
    return new KeyedTimers(() => this.#timers!);
  }

  #onTimer(
    timestamp: number,
    emitted: number,
    domain: OnTimerContext<unknown>['timeDomain'],
  ): void {
    const context = this.#timerContext!;
    context.timestamp = timestamp;
    context.timeDomain = domain;
    this.collector.interpret(emitted);
    this.fn.onTimer?.(timestamp, context, this.collector);
  }
}

/** `process` behind `keyBy`, of one stream or of two that are connected. */
export class KeyedProcessOperator extends AbstractKeyedProcessOperator {
  constructor(
    context: OperatorContext,
    fn: TimedFunction,
    inputs: ReadonlyArray<{readonly method: string; readonly key: KeySelector}>,
  ) {
    super(context, fn);
    const element = new KeyedElementContext(
      this.collector,
      tag => context.sideOutput(tag),
      this.userTimers(),
      () => this.backend!,
    );
    this.setInputs(
      inputs.map(({method, key}) => ({method, context: element, key: keyReader(key)})),
    );
  }
}

/** What a function knows of a record with a key. */
export class KeyedElementContext extends ElementContext implements KeyedProcessContext<unknown> {
  readonly #backend: () => KeyedStateBackend;

  constructor(
    collector: TimestampedCollector,
    sideOutput: (tag: string) => Emitter,
    timerService: TimerService,
    backend: () => KeyedStateBackend,
  ) {
    super(collector, sideOutput, timerService);
    this.#backend = backend;
  }

  get currentKey(): unknown {
    return this.#backend().currentKey;
  }
}

/** What a function knows of a timer. One object per operator, which tells of the timer that is firing. */
export class TimerContext implements OnTimerContext<unknown> {
  timestamp = NaN;
  timeDomain: OnTimerContext<unknown>['timeDomain'] = 'EVENT_TIME';
  readonly timerService: TimerService;
  readonly #backend: KeyedStateBackend;
  readonly #sideOutput: (tag: string) => Emitter;

  constructor(
    backend: KeyedStateBackend,
    timerService: TimerService,
    sideOutput: (tag: string) => Emitter,
  ) {
    this.#backend = backend;
    this.timerService = timerService;
    this.#sideOutput = sideOutput;
  }

  get currentKey(): unknown {
    return this.#backend.currentKey;
  }

  output<S>(tag: OutputTag<S>, value: S): void {
    this.#sideOutput(tag.id).emit(value, this.timestamp);
  }
}

/** The operator of `keyed.process(fn)`. */
export function keyedProcess(
  fn: KeyedProcessFunction<any, any, any>,
  key: KeySelector,
): OperatorSpec {
  return {
    type: 'custom',
    kind: 'keyed process',
    key,
    parts: [fn],
    timestamps: timestampsOf(fn),
    create: context => new KeyedProcessOperator(context, fn, [{method: 'processElement', key}]),
  };
}

/** The operator of `first.connect(second).keyBy(…).process(fn)`. */
export function keyedCoProcess(
  fn: KeyedCoProcessFunction<any, any, any, any>,
  keys: readonly [KeySelector, KeySelector],
): OperatorSpec {
  return {
    type: 'custom',
    kind: 'keyed co-process',
    inputCount: 2,
    key: keys,
    parts: [fn],
    timestamps: timestampsOf(fn),
    create: context =>
      new KeyedProcessOperator(context, fn, [
        {method: 'processElement1', key: keys[0]},
        {method: 'processElement2', key: keys[1]},
      ]),
  };
}

/** Event-time timers give their results timestamps; without timers there are those of the records. */
export function timestampsOf(fn: object): 'given' | 'kept' {
  return 'onTimer' in fn ? 'given' : 'kept';
}
