/**
 * The operators of one task at run time: wires them after the chain's plan, runs records through
 * them by compiled loops or by the interpreter, and counts.
 *
 *   batch, values or range ──► head ──► operator ──► … ──► record writers (other tasks)
 *                                          └──► sinks
 *
 * A loop runs from a row until the input ends or an output asks to stop, and returns where it
 * stopped; nothing else about control is in it. Loops are compiled once per shape of input, and
 * anew when the shape of an output or the form of an operator's state has changed.
 */
import {assert} from '../base/assert.ts';
import type {RecordWriter, StopFlag} from '../network/record-writer.ts';
import type {BatchReader} from '../records/batch-reader.ts';
import {isCodeGenerationAllowed} from '../records/compiler.ts';
import type {KeyedStateBackend} from '../state/keyed-state-backend.ts';
import type {OperatorStateBackend} from '../state/operator-state-backend.ts';
import type {OperatorSnapshot} from '../state/redistribute.ts';
import {SingleKeyBackend} from '../state/single-key-backend.ts';
import {MAX_WATERMARK, MIN_WATERMARK} from '../time/watermark.ts';
import {compileLoop, type ChainLoop, type LoopInput} from './chain-compiler.ts';
import type {ChainEdge, ChainPlan} from './chain-plan.ts';
import {createOperator} from './create-operator.ts';
import {EventTimeFlow} from './event-time-flow.ts';
import {FunctionContext} from './function-context.ts';
import type {TaskContext} from './functions.ts';
import {readKeyState, type KeyState} from './key-state.ts';
import {OperatorError} from './operator-error.ts';
import type {Emitter, OperatorContext, OperatorRuntime, TimeSettings} from './operator-runtime.ts';
import type {StateBackends} from './state-backends.ts';

export interface ChainOptions {
  readonly plan: ChainPlan;
  readonly writers: readonly RecordWriter[];
  readonly stop: StopFlag;
  /** The runtime context of each node. */
  readonly contexts: readonly TaskContext[];
  readonly wakeUp: () => void;
  /** Run the interpreter instead of generated code. */
  readonly interpret: boolean;
  /** Shown in stacks and profiles. */
  readonly name: string;
  /** False leaves counting per operator out of the generated code. */
  readonly counts: boolean;
  /** Inputs of the head; default 1. A source has one too: what its reader says about time. */
  readonly inputCount?: number;
  /** Makes the state of operators; absent only for chains that have none. */
  readonly stateBackends?: StateBackends;
  /** By node: what its state begins with. */
  readonly restored?: ReadonlyArray<OperatorSnapshot | undefined>;
  /** Default: streaming, a watermark every 200 ms. */
  readonly time?: TimeSettings;
}

/** Timers, or results at the end, that operators handle before the task looks at other things. */
const EMITS_PER_STEP_MAX = 1024;

export class Chain {
  readonly plan: ChainPlan;
  readonly operators: readonly OperatorRuntime[];
  readonly writers: readonly RecordWriter[];
  /**
   * Records into and out of each node: words 2i and 2i + 1. Out counts what the operator emits into its
   * main output and into side outputs that are read, once, however many read it.
   */
  readonly counts: Float64Array;
  readonly #options: ChainOptions;
  readonly #interpret: boolean;
  readonly #loops = new Map<unknown, ChainLoop>();
  /** By node: those behind it that may refuse records; a sink, or one that waits for answers. */
  readonly #refusingBehind: ReadonlyArray<readonly OperatorRuntime[]>;
  readonly #sinksBehind: ReadonlyArray<readonly OperatorRuntime[]>;
  readonly #refusing: readonly OperatorRuntime[];
  /** What the cached loops were compiled against. */
  readonly #batchesCompiled: unknown[] = [];
  readonly #flow: EventTimeFlow;
  readonly #time: TimeSettings;
  /** By node; undefined as long as the operator has not asked for it. */
  readonly #keyedBackends: Array<KeyedStateBackend | undefined> = [];
  readonly #operatorStates: Array<OperatorStateBackend | undefined> = [];
  #opened = 0;
  #finished = 0;
  /** How often operators may still go on in this step; see `canEmit`. */
  #emitsLeft = EMITS_PER_STEP_MAX;

  constructor(options: ChainOptions) {
    const {plan, writers} = options;
    this.plan = plan;
    this.writers = writers;
    this.#options = options;
    this.#time = options.time ?? {
      autoWatermarkIntervalMs: 200,
      isBatch: false,
      activityClock: {now: () => options.contexts[0]!.clock.monotonicNow()},
    };
    this.#interpret = options.interpret || !isCodeGenerationAllowed();
    this.counts = new Float64Array(plan.nodes.length * 2);
    const operators: OperatorRuntime[] = [];
    for (const [index, node] of plan.nodes.entries()) {
      const outputs = new Map<string | undefined, Emitter>();
      for (const tag of new Set([undefined, ...node.outputs.map(edge => edge.sideOutput)])) {
        const edges = node.outputs.filter(edge => edge.sideOutput === tag);
        outputs.set(tag, this.#createEmitter(index, edges, operators));
      }
      operators.push(createOperator(node.spec, this.#createContext(index, outputs)));
    }
    this.operators = operators;
    const mayRefuse = (index: number) => {
      const {type} = plan.nodes[index]!.spec;
      return type === 'sink' || type === 'custom';
    };
    this.#refusing = operators.filter((_, index) => mayRefuse(index));
    const behind: number[][] = [];
    for (let index = plan.nodes.length - 1; index >= 0; index -= 1) {
      behind[index] = plan.nodes[index]!.outputs.flatMap(({target}) =>
        target.kind === 'operator' ? [target.index, ...behind[target.index]!] : [],
      );
    }
    const operatorsOf = (indexes: readonly number[], isMeant: (index: number) => boolean) =>
      [...new Set(indexes)].filter(isMeant).map(index => operators[index]!);
    this.#refusingBehind = behind.map(indexes => operatorsOf(indexes, mayRefuse));
    this.#sinksBehind = behind.map(indexes =>
      operatorsOf(indexes, index => plan.nodes[index]!.spec.type === 'sink'),
    );
    this.#flow = new EventTimeFlow({
      plan,
      operators,
      writers,
      inputCount: options.inputCount ?? 1,
      stop: options.stop,
      isWritableBehind: node => this.#isWritableBehind(node),
      guard: (node, action) => this.#guard(node, action),
    });
  }

  /**
   * Opens the operators, tail to head: what an operator emits into is open before it. Stops at the first
   * that fails; `close` closes the others, and that one.
   */
  open(): void {
    for (let index = this.operators.length - 1; index >= 0; index -= 1) {
      this.#opened += 1;
      this.#guard(index, () => this.operators[index]!.open());
    }
  }

  /**
   * Rows `from` to `to - 1` of the attached batch; returns the row where it stopped, because the input
   * ended or because `stop` was raised. The caller settles outputs and lowers `stop` before it goes on.
   */
  runBatch(reader: BatchReader, inputIndex: number, from: number, to: number): number {
    if (this.#interpret) {
      return this.#interpretRows(
        from,
        to,
        inputIndex,
        row => reader.read(row),
        row => reader.readTimestamp(row),
      );
    }
    return this.#loop(reader, {kind: 'batch', reader, inputIndex})(from, to, undefined, undefined);
  }

  /** Elements `from` to `to - 1` of an array. */
  runValues(
    values: readonly unknown[],
    timestamps: readonly number[] | undefined,
    from: number,
    to: number,
    inputIndex = 0,
  ): number {
    if (this.#interpret) {
      return this.#interpretRows(
        from,
        to,
        inputIndex,
        row => values[row],
        row => (timestamps === undefined ? NaN : timestamps[row]!),
      );
    }
    const kind = timestamps === undefined ? 'values' : 'timedValues';
    return this.#loop(`${kind} ${inputIndex}`, {kind, inputIndex})(from, to, values, timestamps);
  }

  /** The records that `generator` makes of the indexes `from` to `to - 1`. */
  runRange(generator: (index: number) => unknown, from: number, to: number): number {
    if (this.#interpret) return this.#interpretRows(from, to, 0, generator, () => NaN);
    return this.#loop(generator, {kind: 'range', generator, inputIndex: 0})(
      from,
      to,
      undefined,
      undefined,
    );
  }

  /** One record, outside of any batch. */
  runOne(value: unknown, timestamp: number, inputIndex: number): void {
    this.#interpretRows(
      0,
      1,
      inputIndex,
      () => value,
      () => timestamp,
    );
  }

  /**
   * Input `inputIndex` of the head has come to `watermark`: operators fire what is due, then it goes to all
   * outputs. Returns whether that is done; if not, `proceed` goes on with it before the next record.
   */
  processWatermark(watermark: number, inputIndex = 0): boolean {
    this.#flow.watermark(watermark, inputIndex);
    return this.proceed();
  }

  /** Input `inputIndex` of the head has become idle, or active again. As `processWatermark`. */
  processStatus(isIdle: boolean, inputIndex = 0): boolean {
    this.#flow.status(isIdle, inputIndex);
    return this.proceed();
  }

  /**
   * Goes on with watermarks that are under way, also with those that operators have emitted while records
   * were processed. Call it before records are run; none may be as long as it says no.
   */
  proceed(): boolean {
    this.#emitsLeft = EMITS_PER_STEP_MAX;
    return this.#flow.isSettled || this.#flow.proceed();
  }

  /** Whether no watermark is under way. */
  get isTimeSettled(): boolean {
    return this.#flow.isSettled;
  }

  /**
   * Fires processing-time timers that are due at `nowMs` (wall clock), head to tail, and hands on the
   * watermarks that come of it. False: call it again before records are run.
   *
   * A watermark that waits in front of an operator which takes nothing does not hold up the operators
   * behind: perhaps one of them has to emit before the other takes anything again.
   */
  processTime(nowMs: number): boolean {
    let isSettled = this.proceed();
    for (const [index, operator] of this.operators.entries()) {
      if (operator.nextProcessingTimeMs > nowMs || !this.#mayFire(index)) continue;
      if (this.#options.stop.requested) return false;
      if (!this.#guard(index, () => operator.processTime(nowMs))) return false;
      isSettled = this.proceed();
    }
    return isSettled;
  }

  /**
   * When the next processing-time timer is due (wall clock), or Infinity. Timers that could emit nothing,
   * because an operator behind them takes no records, have to wait and do not count; nor do those behind
   * which a watermark is under way.
   */
  get nextProcessingTimeMs(): number {
    let next = Infinity;
    for (let index = 0; index < this.operators.length; index += 1) {
      const {nextProcessingTimeMs} = this.operators[index]!;
      if (nextProcessingTimeMs < next && this.#mayFire(index)) next = nextProcessingTimeMs;
    }
    return next;
  }

  #mayFire(index: number): boolean {
    return (this.#flow.isSettled || this.#flow.isBefore(index)) && this.#isWritableBehind(index);
  }

  /** The last watermark that came to the head, and to operator `node`. */
  inputWatermark(node = 0): number {
    return this.#flow.inputWatermark(node);
  }

  /** Whether operator `node` has data that waits for event time to go on. In batch mode it waits for the end. */
  hasEventTimeTimers(node: number): boolean {
    if (this.#time.isBatch) return false;
    return (
      this.operators[node]!.waitsForEventTime ||
      (this.#keyedBackends[node]?.eventTimeTimerCount ?? 0) > 0
    );
  }

  /** The last watermark that left operator `node`. */
  outputWatermark(node: number): number {
    return this.#flow.outputWatermark(node);
  }

  /**
   * The state of all operators, by node, as plain data. Between two records only, and when no watermark is
   * under way: a timer that has fired must have left the state.
   */
  snapshot(): OperatorSnapshot[] {
    assert(this.#flow.isSettled, 'a snapshot was taken in the middle of a watermark');
    return this.operators.map((operator, index) => {
      this.#guard(index, () => operator.prepareSnapshot());
      const keyed = this.#keyedBackends[index]?.snapshot();
      const own = this.#operatorStates[index]?.snapshot();
      return {
        ...(keyed === undefined ? {} : {keyed}),
        ...(own === undefined ? {} : {operator: own}),
      };
    });
  }

  /** The state that operator `node` keeps for a key; undefined if it has none. Between two records only. */
  readKeyState(node: number, key: unknown): KeyState | undefined {
    return this.#guard(node, () => {
      const backend = this.#keyedBackends[node];
      const own = this.operators[node]!.readKey?.(key);
      const kept = backend === undefined ? undefined : readKeyState(backend, key);
      return own === undefined && kept === undefined ? undefined : {...own, ...kept};
    });
  }

  /**
   * Batch mode with sorted input: the head has seen the last record of a key. For it alone event time comes to
   * its end: the timers of the key fire, its state is dropped, and the next key finds the start of time.
   * False: outputs have to make room first; call it again before records are run.
   */
  endKey(): boolean {
    const backend = this.#keyedBackends[0];
    // A function that has asked for no state has nothing that could end.
    if (backend === undefined) return true;
    assert(backend instanceof SingleKeyBackend, 'keys end where there is one at a time');
    this.#emitsLeft = EMITS_PER_STEP_MAX;
    const head = this.operators[0]!;
    backend.beginEnd();
    const isDone = this.#guard(
      0,
      () => head.processWatermark(MAX_WATERMARK) && head.processTime(MAX_WATERMARK),
    );
    if (!isDone) return false;
    this.#guard(0, () => head.processWatermark(MIN_WATERMARK));
    backend.endKey();
    return true;
  }

  /** Emits what is left, head to tail; false if outputs have to make room first. */
  finish(): boolean {
    if (!this.proceed()) return false;
    this.#emitsLeft = EMITS_PER_STEP_MAX;
    while (this.#finished < this.operators.length) {
      if (this.#options.stop.requested) return false;
      const index = this.#finished;
      // Others than sinks take what comes: perhaps they wait to be told that it was the last.
      for (const sink of this.#sinksBehind[index]!) if (!sink.isWritable()) return false;
      if (!this.#guard(index, () => this.operators[index]!.finish())) return false;
      this.#finished += 1;
      if (!this.proceed()) return false;
    }
    return true;
  }

  /** Whether an operator stopped only to let others have their turn. */
  get hasYielded(): boolean {
    return this.#emitsLeft <= 0;
  }

  /** Whether all operators take records. */
  isWritable(): boolean {
    for (const operator of this.#refusing) if (!operator.isWritable()) return false;
    return true;
  }

  #isWritableBehind(index: number): boolean {
    for (const operator of this.#refusingBehind[index]!) if (!operator.isWritable()) return false;
    return true;
  }

  /** When an operator that refuses may take records again. */
  get writableAtMs(): number {
    let at = Infinity;
    for (const operator of this.#refusing) at = Math.min(at, operator.writableAtMs);
    return at;
  }

  /** Whether an operator waits for a promise of this thread. */
  get awaitsPromises(): boolean {
    for (const operator of this.#refusing) if (operator.awaitsPromises) return true;
    return false;
  }

  /** The task has nothing to do: hand on what is buffered in operators. */
  onIdle(): void {
    for (const [index, operator] of this.operators.entries()) {
      this.#guard(index, () => operator.onIdle());
    }
  }

  /**
   * Closes all operators that were opened, tail to head as in Flink; a failure of one does not keep the
   * others open, and the first one is thrown.
   */
  close(): void {
    let failure: unknown;
    const first = this.operators.length - this.#opened;
    for (let index = this.operators.length - 1; index >= first; index -= 1) {
      try {
        this.#guard(index, () => this.operators[index]!.close());
      } catch (error) {
        failure ??= error;
      }
    }
    this.#opened = 0;
    for (const backend of this.#keyedBackends) backend?.close();
    this.#keyedBackends.length = 0;
    if (failure !== undefined) throw failure;
  }

  /** The text of the loop for an input, for `explain --code`. */
  loopText(input: LoopInput): string {
    return compileLoop(this, this.#options, input).text;
  }

  #loop(key: unknown, input: LoopInput): ChainLoop['run'] {
    this.#dropStaleLoops();
    let loop = this.#loops.get(key);
    if (loop === undefined) {
      // Writing the code may change the form of a state, which drops the loops made before.
      loop = {run: compileLoop(this, this.#options, input).run};
      this.#loops.set(key, loop);
      for (let round = 0; round < WARM_ROUNDS; round += 1) loop.run(0, 0, NOTHING, NOTHING);
    }
    return loop.run;
  }

  /** Code that appends to batches of an old schema would be right, but slow. */
  #dropStaleLoops(): void {
    const compiled = this.#batchesCompiled;
    for (let index = 0; index < this.writers.length; index += 1) {
      if (compiled[index] !== this.writers[index]!.batch) {
        compiled[index] = this.writers[index]!.batch;
        this.#loops.clear();
      }
    }
  }

  #interpretRows(
    from: number,
    to: number,
    inputIndex: number,
    read: (row: number) => unknown,
    readTimestamp: (row: number) => number,
  ): number {
    const {stop} = this.#options;
    const head = this.operators[0]!;
    let row = from;
    while (row < to) {
      let value: unknown;
      try {
        value = read(row);
      } catch (error) {
        throw new OperatorError(error, 0, true, row);
      }
      const timestamp = readTimestamp(row);
      row += 1;
      this.counts[0]! += 1;
      try {
        head.process(value, timestamp, inputIndex);
      } catch (error) {
        // Read anew, as compiled loops do: functions may have changed it meanwhile.
        throw OperatorError.of(error, 0).on(read(row - 1));
      }
      if (stop.requested) break;
    }
    return row;
  }

  #createContext(
    index: number,
    outputs: ReadonlyMap<string | undefined, Emitter>,
  ): OperatorContext {
    const {contexts, stop, wakeUp} = this.#options;
    const requestStop = () => {
      stop.requested = true;
    };
    const operatorState = () => this.#operatorState(index);
    return {
      runtime: new FunctionContext(contexts[index]!, {
        operator: operatorState,
        isRestored: this.#options.restored?.some(each => each !== undefined) === true,
      }),
      output: outputs.get(undefined)!,
      sideOutput: tag => outputs.get(tag) ?? DROPPED,
      canEmit: () => {
        if (this.#flow.isForced) return true;
        this.#emitsLeft -= 1;
        return !stop.requested && this.#emitsLeft > 0 && this.#isWritableBehind(index);
      },
      invalidateCode: () => this.#loops.clear(),
      requestStop,
      wakeUp,
      emitWatermark: timestamp => {
        this.#flow.emit(index, {kind: 'watermark', timestamp});
        requestStop();
      },
      emitStatus: isIdle => {
        this.#flow.emit(index, {kind: 'status', isIdle});
        requestStop();
      },
      handOn: () => this.#flow.handOn(),
      time: this.#time,
      createKeyedBackend: () => this.#keyedBackend(index),
      get operatorState() {
        return operatorState();
      },
    };
  }

  #keyedBackend(index: number): KeyedStateBackend {
    return (this.#keyedBackends[index] ??= this.#stateBackends.createKeyed({
      context: this.#options.contexts[index]!,
      restored: this.#options.restored?.[index]?.keyed,
    }));
  }

  #operatorState(index: number): OperatorStateBackend {
    return (this.#operatorStates[index] ??= this.#stateBackends.createOperator({
      context: this.#options.contexts[index]!,
      restored: this.#options.restored?.[index]?.operator,
    }));
  }

  get #stateBackends(): StateBackends {
    const {stateBackends} = this.#options;
    assert(stateBackends !== undefined, 'an operator with state runs in a chain without backends');
    return stateBackends;
  }

  #createEmitter(
    from: number,
    edges: readonly ChainEdge[],
    operators: readonly OperatorRuntime[],
  ): Emitter {
    const {counts} = this;
    const targets = edges.map(({target}) => {
      if (target.kind === 'writer') {
        const writer = this.#options.writers[target.index]!;
        return (value: unknown, timestamp: number) => writer.emit(value, timestamp);
      }
      const {index, inputIndex} = target;
      return (value: unknown, timestamp: number) => {
        counts[2 * index]! += 1;
        try {
          operators[index]!.process(value, timestamp, inputIndex);
        } catch (error) {
          throw OperatorError.of(error, index);
        }
      };
    });
    return {
      emit(value, timestamp) {
        counts[2 * from + 1]! += 1;
        for (const target of targets) target(value, timestamp);
      },
    };
  }

  #guard<T>(index: number, action: () => T): T {
    try {
      return action();
    } catch (error) {
      throw OperatorError.of(error, index);
    }
  }
}

/**
 * Empty rounds before the first record. They make V8 collect what it learns about a function (which it
 * begins after a few calls), and let it learn about the lines behind the loop. Without that it optimises
 * the loop while it is in it, knows nothing of those lines, and falls back at the end of each of the
 * first few hundred batches.
 */
const WARM_ROUNDS = 32;
const NOTHING: readonly never[] = [];

const DROPPED: Emitter = {emit() {}};

/** For the compiler: emitters stay the chain's business, it only needs the operators. */
export type CompiledChain = Pick<Chain, 'plan' | 'operators' | 'writers' | 'counts'>;
