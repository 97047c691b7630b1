/**
 * What the channel stress tests and their worker threads share: how an exchange is laid out, and the test
 * words in region `check`.
 *
 *   0 START · 1 STOP · 32 + thread: PROGRESS, records received · 48 + thread: COMPLETE, exchanges
 */
import type {Region} from '../../src/memory/arena.ts';
import type {DoorbellLayout} from '../../src/memory/doorbell.ts';
import type {SegmentPoolLayout} from '../../src/memory/segment-pool.ts';
import type {ChannelLayout} from '../../src/network/channel.ts';

/** An exchange among the threads 0 … n - 1: `channels[from][to]`. */
export interface ExchangeLayout {
  readonly channels: ReadonlyArray<readonly ChannelLayout[]>;
  readonly floatingCredits: number;
  /** Records that each thread sends. */
  readonly records: number;
}

export interface ChannelThreadInput {
  readonly buffer: SharedArrayBuffer;
  readonly check: Region;
  readonly thread: number;
  readonly seed: number;
  readonly pool: SegmentPoolLayout;
  readonly bells: DoorbellLayout;
  readonly cacheMax: number;
  readonly exchanges: readonly ExchangeLayout[];
  /** One record in so many is larger than a segment; 0 for none. */
  readonly largeEvery: number;
  /** Whether the thread now and then sleeps in the middle of things. */
  readonly isDrowsy: boolean;
}

export interface ChannelThreadResult {
  /** By exchange. */
  readonly sent: number[];
  readonly received: number[];
  readonly isComplete: boolean[];
  readonly parks: number;
  readonly violations: string[];
}

export const CHECK_WORDS = 64;
export const START = 0;
export const STOP = 1;
export const PROGRESS = 32;
export const COMPLETE = 48;

/** Whoever runs a task under this number has this owner word. */
export function ownerOfThread(thread: number): number {
  return thread + 1;
}
