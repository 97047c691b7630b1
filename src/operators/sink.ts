/**
 * The contract of sinks. A writer takes records one by one and must not block; a writer that cannot
 * take more for now says so through `isWritable`, and the engine stops feeding it: that is where
 * backpressure begins. Two-phase commit comes on top of this contract (checkpoints).
 */
import type {TaskContext} from './functions.ts';

export interface SinkWriterContext extends TaskContext {
  /** Makes the task look at `isWritable` again soon; may be called from promises of the thread. */
  wakeUp(): void;
}

export interface SinkWriter<T> {
  open?(): void;
  /** `timestamp` is NaN for a record without one. */
  write(value: T, timestamp: number): void;
  /** Asked before each batch and after each record that made it false. Default: always true. */
  isWritable?(): boolean;
  /** When `isWritable` may turn true by itself (engine clock, ms); default: only by `wakeUp`. */
  readonly writableAtMs?: number;
  /** Hands buffered records on: when the task runs idle, and with `true` after the last record. */
  flush?(endOfInput: boolean): void;
  /** After `flush(true)`: true when everything has arrived; polled until then. Default: true. */
  isFlushed?(): boolean;
  /** In every case at the end, also after a failure. */
  close?(): void;
}

export interface Sink<T> {
  readonly name: string;
  /**
   * Once for the job, in the coordinator, when it is deployed and before any writer exists: makes
   * ready what all subtasks share, and refuses what cannot work. (Flink's `initializeGlobal`.)
   */
  prepare?(context: {readonly parallelism: number}): void | Promise<void>;
  createWriter(context: SinkWriterContext): SinkWriter<T>;
}
