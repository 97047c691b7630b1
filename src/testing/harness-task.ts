/**
 * One task of a harness: the chain of one job vertex, driven by hand. Records and watermarks go in one at a
 * time, and each is followed to its end before the next one: what a task does over many steps, because
 * outputs are full or others wait for their turn, happens here at once.
 */
import type {Clock} from '../base/clock.ts';
import {StreamError} from '../base/errors.ts';
import type {Config} from '../graph/config.ts';
import type {JobVertex} from '../graph/job-graph.ts';
import type {StopFlag} from '../network/record-writer.ts';
import {Chain, type ChainOptions} from '../operators/chain.ts';
import type {ChainNode} from '../operators/chain-plan.ts';
import type {TaskContext} from '../operators/functions.ts';
import {OperatorError, describeOperatorError} from '../operators/operator-error.ts';
import type {OperatorSnapshot} from '../state/redistribute.ts';
import {PausableClock} from '../time/activity-clock.ts';

/** Rounds after which a chain that still has work to do counts as endless. */
const ROUNDS_MAX = 100_000;

export interface HarnessTaskOptions {
  readonly vertex: JobVertex;
  /** The vertex's chain, ending in probes. */
  readonly nodes: readonly ChainNode[];
  readonly contexts: readonly TaskContext[];
  readonly clock: Clock;
  readonly inputCount: number;
  readonly config: Config;
  readonly isBatch: boolean;
  readonly stateBackends: NonNullable<ChainOptions['stateBackends']>;
  /** By node. */
  readonly restored: ReadonlyArray<OperatorSnapshot | undefined>;
  readonly wakeUp: () => void;
}

export class HarnessTask {
  readonly vertex: JobVertex;
  readonly chain: Chain;
  readonly #clock: Clock;
  readonly #interpret: boolean;
  readonly #stop: StopFlag = {requested: false};
  #isFinished = false;

  constructor(options: HarnessTaskOptions) {
    const {vertex, nodes, contexts, clock, config} = options;
    const interpret = !config.codeGeneration;
    this.vertex = vertex;
    this.#clock = clock;
    this.#interpret = interpret;
    this.chain = new Chain({
      plan: {nodes},
      writers: [],
      stop: this.#stop,
      contexts,
      wakeUp: options.wakeUp,
      interpret,
      name: vertex.name,
      counts: true,
      inputCount: options.inputCount,
      time: {
        autoWatermarkIntervalMs: config.autoWatermarkIntervalMs,
        isBatch: options.isBatch,
        activityClock: new PausableClock(clock),
      },
      stateBackends: options.stateBackends,
      restored: options.restored,
    });
  }

  open(): void {
    this.#describing(() => this.chain.open());
    this.#settle();
  }

  record(value: unknown, timestamp: number, inputIndex: number): void {
    this.#describing(() => {
      if (this.#interpret) this.chain.runOne(value, timestamp, inputIndex);
      else this.chain.runValues([value], [timestamp], 0, 1, inputIndex);
    });
    this.#settle();
  }

  watermark(timestamp: number, inputIndex: number): void {
    this.#describing(() => this.chain.processWatermark(timestamp, inputIndex));
    this.#settle();
  }

  status(isIdle: boolean, inputIndex: number): void {
    this.#describing(() => this.chain.processStatus(isIdle, inputIndex));
    this.#settle();
  }

  /** Fires what is due; also what that makes due. */
  processTime(): void {
    this.#drive('fires timers without end', () => {
      const nowMs = this.#clock.now();
      const isDone = this.chain.processTime(nowMs) || this.#isWaiting();
      return isDone && this.chain.nextProcessingTimeMs > nowMs;
    });
  }

  /** After a promise has settled: lets operators hand on what they have. */
  idle(): void {
    this.#describing(() => this.chain.onIdle());
    this.#settle();
  }

  /** Whether the operators take a record now. */
  isWritable(): boolean {
    return this.chain.operators.every(operator => operator.isWritable());
  }

  /** Emits what is left; false if an operator waits for a promise. */
  finish(): boolean {
    if (this.#isFinished) return true;
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      this.#stop.requested = false;
      const isDone = this.#describing(() => this.chain.finish());
      if (isDone) {
        this.#settle();
        this.#isFinished = true;
        return true;
      }
      if (!this.#stop.requested && !this.chain.hasYielded) return false;
    }
    throw this.#endless('does not finish');
  }

  snapshot(): OperatorSnapshot[] {
    return this.#describing(() => this.chain.snapshot());
  }

  close(): void {
    this.#describing(() => this.chain.close());
  }

  #settle(): void {
    this.#drive('moves watermarks without end', () => this.chain.proceed() || this.#isWaiting());
  }

  /** Whether a watermark has to wait because an operator takes nothing for now. */
  #isWaiting(): boolean {
    return !this.#stop.requested && !this.chain.hasYielded && !this.chain.isWritable();
  }

  #drive(what: string, isDone: () => boolean): void {
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      this.#stop.requested = false;
      if (this.#describing(isDone)) {
        this.#stop.requested = false;
        return;
      }
    }
    throw this.#endless(what);
  }

  #endless(what: string): StreamError {
    return new StreamError('E_HARNESS_ENDLESS', `an operator ${what}`, {task: this.vertex.name});
  }

  /** Errors as a job reports them. */
  #describing<T>(action: () => T): T {
    try {
      return action();
    } catch (thrown) {
      if (!(thrown instanceof OperatorError)) throw thrown;
      const {name, uid} = this.chain.plan.nodes[thrown.operatorIndex]!;
      throw describeOperatorError(thrown, {operator: name, uid});
    }
  }
}
