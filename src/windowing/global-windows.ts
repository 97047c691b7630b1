/** One window for everything: useful with a trigger, and an evictor, of one's own. */
import {GLOBAL_WINDOW, type TimeWindow} from '../time/time-window.ts';
import {EndOfStreamTrigger} from './end-of-stream-trigger.ts';
import {NeverTrigger} from './never-trigger.ts';
import type {Trigger} from './trigger.ts';
import type {WindowAssigner} from './window-assigner.ts';

const WINDOWS: readonly TimeWindow[] = [GLOBAL_WINDOW];

/**
 * Puts all elements of a key into one window, which is never cleaned up.
 *
 * Source: Flink's GlobalWindows.
 */
export class GlobalWindows implements WindowAssigner {
  readonly name: string;
  readonly isEventTime = false;
  readonly defaultTrigger: Trigger;

  /** Not for users: call `create` or `createWithEndOfStreamTrigger`. */
  constructor(defaultTrigger: Trigger) {
    this.defaultTrigger = defaultTrigger;
    this.name = `GlobalWindows(${defaultTrigger.name})`;
  }

  /** A window that never fires, unless it is given a trigger. */
  static create(): GlobalWindows {
    return new GlobalWindows(NeverTrigger.create());
  }

  /** A window that fires once, at the end of bounded input. */
  static createWithEndOfStreamTrigger(): GlobalWindows {
    return new GlobalWindows(EndOfStreamTrigger.create());
  }

  assignWindows(): readonly TimeWindow[] {
    return WINDOWS;
  }
}
