/**
 * Where a task gets its records from. A task is a state machine around its chain; what it reads, gates or a
 * source, is exchangeable behind this contract. Used by the task's thread only.
 */
import type {Progress} from './progress.ts';

export interface TaskInput {
  /** Before the first step, when the chain is open. */
  open(): void;
  /**
   * Runs at most `rowsMax` records through the chain, fewer if an output asks to stop.
   *
   * PROGRESSED: something was read. IDLE: there is nothing for now. FINISHED: there will be nothing any
   * more; asked again it says so again.
   */
  step(rowsMax: number, nowMs: number): Progress;
  /** How many records the last step read. */
  readonly rowsStepped: number;
  /** Records and bytes that came in so far, as the task's metrics show them. */
  readonly recordsIn: number;
  readonly bytesIn: number;
  /** After IDLE: when to step again without a ring (monotonic ms), or Infinity. */
  readonly wakeAtMs: number;
  /** After IDLE: whether only a promise of this thread can bring more. */
  readonly awaitsPromises: boolean;
  /** Fetches nothing new from now on; what has been read so far still goes through the chain. */
  stop(): void;
  /** In every case at the end, also after an `open` that threw. */
  close(): void;
}
