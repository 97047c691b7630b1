/**
 * One operator of one subtask at run time. It has two forms that do the same: `process`, which the
 * interpreter calls per record, and `generate`, which writes the operator's part of the chain's loop.
 * Both work on the same state and the same user function, so a task may change between them.
 *
 * To add an operator, implement this, list it in `create-operator.ts`, and the property test of the
 * compiler against the interpreter covers it.
 */
import type {KeyedStateBackend} from '../state/keyed-state-backend.ts';
import type {OperatorStateBackend} from '../state/operator-state-backend.ts';
import type {ActivityClock} from '../time/activity-clock.ts';
import type {ChainCode, RecordText} from './chain-code.ts';
import type {RuntimeContext} from './functions.ts';

/** Takes the records of one output, and hands them to whoever reads it. */
export interface Emitter {
  emit(value: unknown, timestamp: number): void;
}

/** What holds for event time in the whole job. */
export interface TimeSettings {
  /** Milliseconds between two watermarks; 0: after every record that raises it. */
  readonly autoWatermarkIntervalMs: number;
  /** Batch mode: the only watermark is the last one, at the end of bounded input. */
  readonly isBatch: boolean;
  /** Stands still while the task is backpressured. */
  readonly activityClock: ActivityClock;
}

/** What an operator gets to work with. */
export interface OperatorContext {
  readonly runtime: RuntimeContext;
  /** The main output. */
  readonly output: Emitter;
  /** The side output of a tag; records of a tag that nobody reads are dropped. */
  sideOutput(tag: string): Emitter;
  /**
   * Whether the task goes on with this operator: asked between two records of `finish`, and between two
   * timers. No: the outputs have no room, or others wait for their turn. Return false and go on later.
   */
  canEmit(): boolean;
  /** The operator's generated code no longer fits its state: have it written anew before it runs. */
  invalidateCode(): void;
  /** Ends the loop behind the present record. */
  requestStop(): void;
  /** Makes the task look again soon; for sinks and sources that wait for promises. */
  wakeUp(): void;
  /**
   * Sends a watermark behind everything that the operator has emitted, to all who read any of its
   * outputs. Only for operators that do not forward watermarks by themselves (`forwardsWatermarks`).
   * The operator emits nothing more until it is called again: what is behind it moves first.
   */
  emitWatermark(timestamp: number): void;
  /** Says that the operator's outputs are idle, or active again. The same rule holds. */
  emitStatus(isIdle: boolean): void;
  /**
   * Hands on now what the operator has emitted by itself, whatever room there is: for one that gets another
   * record before it is called anew, because an operator before it emits several.
   */
  handOn(): void;
  readonly time: TimeSettings;
  /**
   * The operator's keyed state, with what was restored in it; the same one at each call. Made at the
   * first call, so call it in the constructor or in `open`.
   */
  createKeyedBackend(): KeyedStateBackend;
  /** The operator's own state, which belongs to no key, with what was restored in it. */
  readonly operatorState: OperatorStateBackend;
}

export interface OperatorRuntime {
  /** Before the first record, from the last operator of the chain to the first. */
  open(): void;
  /** Interpreter: takes one record. A record without timestamp has NaN. */
  process(value: unknown, timestamp: number, inputIndex: number): void;
  /** Compiler: writes what `process` does into the loop. */
  generate(code: ChainCode, record: RecordText, inputIndex: number): void;
  /**
   * Whether the chain hands watermarks and idleness on when `processWatermark` is done with them. An
   * operator that makes its own, or holds them back, says no and uses `context.emitWatermark`.
   */
  readonly forwardsWatermarks: boolean;
  /**
   * Event time has come to `watermark`, which is larger than any before; over several inputs it is their
   * combined one. Fires what is due and returns whether that is done. False: the outputs have to make
   * room (`canEmit`); called again with the same watermark until it is done. Only then it is handed on.
   */
  processWatermark(watermark: number): boolean;
  /**
   * Whether something waits for event time to go on, beside the timers of the operator's backend: windows
   * that are open. If event time stands still then, the user is told.
   */
  readonly waitsForEventTime: boolean;
  /** All inputs have become idle, or one is active again. */
  processStatus(isIdle: boolean): void;
  /** When the next processing-time timer is due (`clock.now()`), or Infinity. */
  readonly nextProcessingTimeMs: number;
  /** Fires processing-time timers that are due at `nowMs`; returns as `processWatermark` does. */
  processTime(nowMs: number): boolean;
  /**
   * After the last record, from the first operator to the last: emits what is left, and returns
   * whether that is done. Called again, when outputs have room, until it is.
   */
  finish(): boolean;
  /** Puts into the state what the operator keeps beside it; a snapshot follows at once. */
  prepareSnapshot(): void;
  /** What it keeps for a key beside its keyed backend, by name; undefined: nothing. */
  readKey?(key: unknown): Readonly<Record<string, unknown>> | undefined;
  /** Whether the operator takes records now. Sinks may refuse, and operators that wait for promises. */
  isWritable(): boolean;
  /** When `isWritable` may change by itself (engine clock), or Infinity. */
  readonly writableAtMs: number;
  /** Whether a promise of this thread may bring the operator on: then the thread's event loop has to turn. */
  readonly awaitsPromises: boolean;
  /** The task has nothing to do for now: hand on what is buffered. */
  onIdle(): void;
  /** In every case, once. */
  close(): void;
}

/** What most operators do about most of the contract. */
export abstract class BaseOperator implements OperatorRuntime {
  protected readonly context: OperatorContext;

  constructor(context: OperatorContext) {
    this.context = context;
  }

  abstract process(value: unknown, timestamp: number, inputIndex: number): void;
  abstract generate(code: ChainCode, record: RecordText, inputIndex: number): void;

  open(): void {}

  get forwardsWatermarks(): boolean {
    return true;
  }

  processWatermark(_watermark: number): boolean {
    return true;
  }

  get waitsForEventTime(): boolean {
    return false;
  }

  processStatus(_isIdle: boolean): void {}

  get nextProcessingTimeMs(): number {
    return Infinity;
  }

  processTime(_nowMs: number): boolean {
    return true;
  }

  finish(): boolean {
    return true;
  }

  prepareSnapshot(): void {}

  isWritable(): boolean {
    return true;
  }

  get writableAtMs(): number {
    return Infinity;
  }

  get awaitsPromises(): boolean {
    return false;
  }

  onIdle(): void {}

  close(): void {}
}
