/**
 * One operator of one subtask at run time. It has two forms that do the same: `process`, which the
 * interpreter calls per record, and `generate`, which writes the operator's part of the chain's loop.
 * Both work on the same state and the same user function, so a task may change between them.
 *
 * To add an operator, implement this, list it in `create-operator.ts`, and the property test of the
 * compiler against the interpreter covers it.
 */
import type {ChainCode, RecordText} from './chain-code.ts';
import type {RuntimeContext} from './functions.ts';

/** Takes the records of one output, and hands them to whoever reads it. */
export interface Emitter {
  emit(value: unknown, timestamp: number): void;
}

/** What an operator gets to work with. */
export interface OperatorContext {
  readonly runtime: RuntimeContext;
  /** The main output. */
  readonly output: Emitter;
  /** The side output of a tag; records of a tag that nobody reads are dropped. */
  sideOutput(tag: string): Emitter;
  /** Whether the task's outputs can take more; asked between two records of `finish`. */
  canEmit(): boolean;
  /** The operator's generated code no longer fits its state: have it written anew before it runs. */
  invalidateCode(): void;
  /** Ends the loop behind the present record. */
  requestStop(): void;
  /** Makes the task look again soon; for sinks and sources that wait for promises. */
  wakeUp(): void;
}

export interface OperatorRuntime {
  /** Before the first record, from the last operator of the chain to the first. */
  open(): void;
  /** Interpreter: takes one record. A record without timestamp has NaN. */
  process(value: unknown, timestamp: number, inputIndex: number): void;
  /** Compiler: writes what `process` does into the loop. */
  generate(code: ChainCode, record: RecordText, inputIndex: number): void;
  /**
   * After the last record, from the first operator to the last: emits what is left, and returns
   * whether that is done. Called again, when outputs have room, until it is.
   */
  finish(): boolean;
  /** Whether the operator takes records now. Only sinks may refuse. */
  isWritable(): boolean;
  /** When `isWritable` may change by itself (engine clock), or Infinity. */
  readonly writableAtMs: number;
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

  finish(): boolean {
    return true;
  }

  isWritable(): boolean {
    return true;
  }

  get writableAtMs(): number {
    return Infinity;
  }

  onIdle(): void {}

  close(): void {}
}
