/**
 * Where event time stands in one task, in shared memory: written by the task's thread a few times per
 * second, read by anyone who asks what holds a watermark back.
 *
 *   double 4i            operator i: the watermark that came to it
 *          4i + 1        the one that left it
 *          4i + 2        when one of them was last larger than before (wall clock)
 *          4i + 3        whether timers of event time wait in it
 *   behind them, 3 per input channel: its watermark, when that was last larger, its state
 *   behind them, 4 per slot of a split: its place in the list of splits + 1, or 0 for a free slot; its
 *                        watermark, when that was last larger, whether it is idle
 *
 * A task that has not begun has 0 in the place of times. As with other numbers, each is as it was at some
 * moment, and two may be of different moments.
 */
import type {Arena, ArenaPlan, Region} from '../memory/arena.ts';

/** Splits whose watermarks are shown; a subtask that reads more at a time shows the slowest. */
export const SPLIT_SLOTS = 8;

/** The state of an input channel. */
export const CHANNEL_ACTIVE = 0;
export const CHANNEL_IDLE = 1;
export const CHANNEL_ENDED = 2;

const PER_OPERATOR = 4;
const PER_CHANNEL = 3;
const PER_SPLIT = 4;

/** Where the numbers of a task lie. Plain data. */
export interface TaskWatermarksLayout {
  readonly region: Region;
  readonly operatorCount: number;
  readonly channelCount: number;
}

export function planTaskWatermarks(
  plan: ArenaPlan,
  name: string,
  operatorCount: number,
  channelCount: number,
): TaskWatermarksLayout {
  const doubles =
    PER_OPERATOR * operatorCount + PER_CHANNEL * channelCount + PER_SPLIT * SPLIT_SLOTS;
  const region = plan.reserve(name, doubles * Float64Array.BYTES_PER_ELEMENT);
  return {region, operatorCount, channelCount};
}

/** A split and its watermark. */
export interface SplitWatermark {
  /** Place in the list of splits. */
  readonly index: number;
  readonly watermark: number;
  readonly isIdle: boolean;
}

/** The writing end; belongs to the task's thread. */
export class TaskWatermarksWriter {
  readonly #doubles: Float64Array;
  readonly #operators: number;
  readonly #channels: number;
  readonly #splits: number;

  constructor(arena: Arena, layout: TaskWatermarksLayout) {
    const {region, operatorCount, channelCount} = layout;
    this.#doubles = arena.doubles;
    this.#operators = region.offsetBytes >> 3;
    this.#channels = this.#operators + PER_OPERATOR * operatorCount;
    this.#splits = this.#channels + PER_CHANNEL * channelCount;
  }

  operator(index: number, input: number, output: number, hasTimers: boolean, nowMs: number): void {
    const doubles = this.#doubles;
    const at = this.#operators + PER_OPERATOR * index;
    if (doubles[at] !== input || doubles[at + 1] !== output || doubles[at + 2] === 0) {
      doubles[at] = input;
      doubles[at + 1] = output;
      doubles[at + 2] = nowMs;
    }
    doubles[at + 3] = hasTimers ? 1 : 0;
  }

  channel(index: number, watermark: number, state: number, nowMs: number): void {
    const doubles = this.#doubles;
    const at = this.#channels + PER_CHANNEL * index;
    if (doubles[at] !== watermark || doubles[at + 1] === 0) {
      doubles[at] = watermark;
      doubles[at + 1] = nowMs;
    }
    doubles[at + 2] = state;
  }

  splits(splits: readonly SplitWatermark[], nowMs: number): void {
    const doubles = this.#doubles;
    const shown =
      splits.length > SPLIT_SLOTS
        ? splits.toSorted((a, b) => a.watermark - b.watermark).slice(0, SPLIT_SLOTS)
        : splits;
    for (let slot = 0; slot < SPLIT_SLOTS; slot += 1) {
      const at = this.#splits + PER_SPLIT * slot;
      const split = shown[slot];
      if (split === undefined) {
        doubles[at] = 0;
        continue;
      }
      if (doubles[at] !== split.index + 1 || doubles[at + 1] !== split.watermark) {
        doubles[at + 1] = split.watermark;
        doubles[at + 2] = nowMs;
      }
      doubles[at + 3] = split.isIdle ? 1 : 0;
      doubles[at] = split.index + 1;
    }
  }
}

export interface OperatorWatermarks {
  /** -Infinity: none has come yet. */
  readonly input: number;
  readonly output: number;
  /** When one of them was last larger than before (wall clock); 0 for a task that has not begun. */
  readonly sinceMs: number;
  readonly hasTimers: boolean;
}

export interface ChannelWatermark {
  readonly watermark: number;
  readonly sinceMs: number;
  readonly state: number;
}

/** One reading of a task. */
export interface TaskWatermarks {
  readonly operators: readonly OperatorWatermarks[];
  readonly channels: readonly ChannelWatermark[];
  readonly splits: ReadonlyArray<SplitWatermark & {readonly sinceMs: number}>;
}

/** Reads the numbers of a task, from any thread. */
export function readTaskWatermarks(arena: Arena, layout: TaskWatermarksLayout): TaskWatermarks {
  const {doubles} = arena;
  const {region, operatorCount, channelCount} = layout;
  let at = region.offsetBytes >> 3;
  const operators: OperatorWatermarks[] = [];
  for (let index = 0; index < operatorCount; index += 1) {
    const sinceMs = doubles[at + 2]!;
    operators.push({
      input: sinceMs === 0 ? -Infinity : doubles[at]!,
      output: sinceMs === 0 ? -Infinity : doubles[at + 1]!,
      sinceMs,
      hasTimers: doubles[at + 3] === 1,
    });
    at += PER_OPERATOR;
  }
  const channels: ChannelWatermark[] = [];
  for (let index = 0; index < channelCount; index += 1) {
    const sinceMs = doubles[at + 1]!;
    const watermark = sinceMs === 0 ? -Infinity : doubles[at]!;
    channels.push({watermark, sinceMs, state: doubles[at + 2]!});
    at += PER_CHANNEL;
  }
  const splits: TaskWatermarks['splits'][number][] = [];
  for (let slot = 0; slot < SPLIT_SLOTS; slot += 1) {
    const index = doubles[at]! - 1;
    if (index >= 0) {
      splits.push({
        index,
        watermark: doubles[at + 1]!,
        sinceMs: doubles[at + 2]!,
        isIdle: doubles[at + 3] === 1,
      });
    }
    at += PER_SPLIT;
  }
  return {operators, channels, splits};
}
