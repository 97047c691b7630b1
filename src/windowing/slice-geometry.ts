/**
 * How the windows of an assigner are made of slices: pieces of time that do not overlap, such that every
 * window is a run of them. An element is put into its one slice; a window that fires takes its slices
 * together.
 *
 *   tumbling 10      |     slice 0     |     slice 1     |            one slice a window
 *   sliding 10, 4    | 0 | 1 | 2 | 3 | 4 | 5 | 6 |                    slices of gcd(10, 4) = 2
 *   window            [0         ·        10)
 *   window                    [4         ·         14)
 *
 * Each end is the end of one window only. Pure functions of numbers.
 */
import {CumulativeEventTimeWindows} from './cumulative-windows.ts';
import {SlidingEventTimeWindows} from './sliding-windows.ts';
import {TumblingEventTimeWindows} from './tumbling-windows.ts';
import {windowStart, type WindowAssigner} from './window-assigner.ts';
import {WindowStagger} from './window-stagger.ts';

export interface SliceGeometry {
  readonly sliceMs: number;
  /** Slices begin at `offsetMs` + n × sliceMs. */
  readonly offsetMs: number;
  /** Whether windows are made of more than one slice. */
  readonly isShared: boolean;
  /** How many slices a window has at most. */
  readonly slicesPerWindow: number;
  /** The end of the first window that holds the slice which begins at `start`. */
  firstEnd(start: number): number;
  /** The end of the last one. */
  lastEnd(start: number): number;
  /** The first end of a window behind `time`. */
  endAfter(time: number): number;
  /** The start of the window that ends at `end`. */
  startOf(end: number): number;
}

/** The geometry of event-time windows that consist of slices; undefined for all others. */
export function sliceGeometry(assigner: WindowAssigner): SliceGeometry | undefined {
  if (assigner instanceof TumblingEventTimeWindows) {
    return assigner.stagger === WindowStagger.ALIGNED ? tumbling(assigner) : undefined;
  }
  if (assigner instanceof SlidingEventTimeWindows) {
    // With gaps between windows some elements have none, and with windows that touch it is tumbling.
    return assigner.slideMs <= assigner.sizeMs ? sliding(assigner) : undefined;
  }
  return assigner instanceof CumulativeEventTimeWindows ? cumulative(assigner) : undefined;
}

function tumbling({sizeMs, offsetMs}: TumblingEventTimeWindows): SliceGeometry {
  return {
    sliceMs: sizeMs,
    offsetMs,
    isShared: false,
    slicesPerWindow: 1,
    firstEnd: start => start + sizeMs,
    lastEnd: start => start + sizeMs,
    endAfter: time => windowStart(time, offsetMs, sizeMs) + sizeMs,
    startOf: end => end - sizeMs,
  };
}

function sliding({sizeMs, slideMs, offsetMs}: SlidingEventTimeWindows): SliceGeometry {
  const sliceMs = greatestCommonDivisor(sizeMs, slideMs);
  // Ends lie at offset + size + n × slide.
  const endAfter = (time: number): number =>
    windowStart(time, offsetMs + sizeMs, slideMs) + slideMs;
  return {
    sliceMs,
    offsetMs,
    isShared: sizeMs > sliceMs,
    slicesPerWindow: sizeMs / sliceMs,
    firstEnd: endAfter,
    lastEnd: start => windowStart(start, offsetMs, slideMs) + sizeMs,
    endAfter,
    startOf: end => end - sizeMs,
  };
}

function cumulative({sizeMs, stepMs, offsetMs}: CumulativeEventTimeWindows): SliceGeometry {
  return {
    sliceMs: stepMs,
    offsetMs,
    isShared: sizeMs > stepMs,
    slicesPerWindow: sizeMs / stepMs,
    firstEnd: start => start + stepMs,
    lastEnd: start => windowStart(start, offsetMs, sizeMs) + sizeMs,
    endAfter: time => windowStart(time, offsetMs, stepMs) + stepMs,
    startOf: end => windowStart(end - 1, offsetMs, sizeMs),
  };
}

function greatestCommonDivisor(a: number, b: number): number {
  while (b !== 0) [a, b] = [b, a % b];
  return a;
}
