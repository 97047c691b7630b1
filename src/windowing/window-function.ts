/**
 * The functions of windows. What a window holds is handed to one of them each time that the trigger
 * fires: all elements, or what a reduce or aggregate function has made of them on the way.
 */
import type {Collector, KeyedStateStore, OutputTag, RichFunction} from '../operators/functions.ts';
import type {TimeWindow} from '../time/time-window.ts';

/** What a process function knows about the window that fires. */
export interface WindowContext {
  readonly window: TimeWindow;
  /** -Infinity before the first watermark. */
  readonly currentWatermark: number;
  /** Milliseconds since 1970. */
  readonly currentProcessingTime: number;
  /**
   * State of this key and window; drop it in `clear`. Errors: `E_WINDOW_STATE` where windows merge: it
   * would be lost with the window that it belonged to.
   */
  readonly windowState: KeyedStateStore;
  /** State of this key, for all its windows. */
  readonly globalState: KeyedStateStore;
  /** Emits into the side output `tag`, with the timestamp of the window's results. */
  output<S>(tag: OutputTag<S>, value: S): void;
}

/** Emits any number of records: through the collector, or by returning an iterable. */
export type WindowProcess<I, O, K> = (
  key: K,
  context: WindowContext,
  elements: readonly I[],
  out: Collector<O>,
) => Iterable<O> | void;

/**
 * Is called each time that a window fires, with what it holds.
 *
 * Source: Flink's ProcessWindowFunction.
 */
export type ProcessWindowFunction<I, O, K> =
  | WindowProcess<I, O, K>
  | (RichFunction & {
      process: WindowProcess<I, O, K>;
      /** The window is dropped: drop its `windowState`. */
      clear?(context: WindowContext): void;
    });

/** As `WindowProcess`, on a stream that is not keyed. */
export type AllWindowProcess<I, O> = (
  context: WindowContext,
  elements: readonly I[],
  out: Collector<O>,
) => Iterable<O> | void;

/** Source: Flink's ProcessAllWindowFunction. */
export type ProcessAllWindowFunction<I, O> =
  | AllWindowProcess<I, O>
  | (RichFunction & {
      process: AllWindowProcess<I, O>;
      /** The window is dropped: drop its `windowState`. */
      clear?(context: WindowContext): void;
    });

/** The simpler form, without context. Source: Flink's WindowFunction. */
export type WindowFunction<I, O, K> =
  | ((key: K, window: TimeWindow, elements: readonly I[], out: Collector<O>) => Iterable<O> | void)
  | (RichFunction & {
      apply(
        key: K,
        window: TimeWindow,
        elements: readonly I[],
        out: Collector<O>,
      ): Iterable<O> | void;
    });

/** As `WindowFunction`, on a stream that is not keyed. Source: Flink's AllWindowFunction. */
export type AllWindowFunction<I, O> =
  | ((window: TimeWindow, elements: readonly I[], out: Collector<O>) => Iterable<O> | void)
  | (RichFunction & {
      apply(window: TimeWindow, elements: readonly I[], out: Collector<O>): Iterable<O> | void;
    });
