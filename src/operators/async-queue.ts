/**
 * What an async operator has in flight, and in which order it leaves: inputs that wait for their results,
 * and the watermarks between them.
 *
 *   ordered     everything leaves as it came:         r1 r2 W r3   r1 leaves first, whoever is done
 *   unordered   free between two watermarks only:   {r1 r2} W {r3}   r2 may leave before r1, never r3
 *
 * An element that leaves makes room; watermarks take room as well. Used by the task's thread.
 */

/** An input and, once it is complete, its results. */
export interface AsyncElement {
  readonly value: unknown;
  /** NaN if there is none. */
  readonly timestamp: number;
  /** Undefined as long as they are awaited. */
  results: Iterable<unknown> | undefined;
}

/** What leaves next: an input with its results, or a watermark. */
export type AsyncOutput = AsyncElement | {readonly watermark: number};

export interface AsyncQueue {
  /** Inputs and watermarks. */
  readonly size: number;
  add(element: AsyncElement): void;
  addWatermark(watermark: number): void;
  /** `element`, which is in the queue, has got its results. */
  complete(element: AsyncElement): void;
  /** Whether something can leave. */
  readonly isReady: boolean;
  /** Takes out what leaves next; only if the queue is ready. */
  take(): AsyncOutput;
  /** Everything that has not left, such that what must leave first comes first. */
  contents(): AsyncOutput[];
}

export function isWatermark(output: AsyncOutput): output is {readonly watermark: number} {
  return 'watermark' in output;
}

/** Everything leaves as it came. */
export class OrderedQueue implements AsyncQueue {
  readonly #queue: AsyncOutput[] = [];

  get size(): number {
    return this.#queue.length;
  }

  add(element: AsyncElement): void {
    this.#queue.push(element);
  }

  addWatermark(watermark: number): void {
    this.#queue.push({watermark});
  }

  complete(): void {}

  get isReady(): boolean {
    const first = this.#queue[0];
    return first !== undefined && (isWatermark(first) || first.results !== undefined);
  }

  take(): AsyncOutput {
    return this.#queue.shift()!;
  }

  contents(): AsyncOutput[] {
    return [...this.#queue];
  }
}

/** The inputs between two watermarks, and the one behind them. */
interface Segment {
  readonly awaited: Set<AsyncElement>;
  /** In the order in which their results came. */
  readonly completed: AsyncElement[];
  /** Undefined as long as none has come. */
  watermark: number | undefined;
}

/** Results leave as they come, but never pass a watermark. */
export class UnorderedQueue implements AsyncQueue {
  /** Never empty; only the last one has no watermark. */
  readonly #segments: Segment[] = [newSegment()];
  readonly #segmentOf = new Map<AsyncElement, Segment>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(element: AsyncElement): void {
    const last = this.#segments.at(-1)!;
    last.awaited.add(element);
    this.#segmentOf.set(element, last);
    this.#size += 1;
  }

  addWatermark(watermark: number): void {
    this.#segments.at(-1)!.watermark = watermark;
    this.#segments.push(newSegment());
    this.#size += 1;
  }

  complete(element: AsyncElement): void {
    const segment = this.#segmentOf.get(element)!;
    this.#segmentOf.delete(element);
    segment.awaited.delete(element);
    segment.completed.push(element);
  }

  get isReady(): boolean {
    const {awaited, completed, watermark} = this.#segments[0]!;
    return completed.length > 0 || (awaited.size === 0 && watermark !== undefined);
  }

  take(): AsyncOutput {
    this.#size -= 1;
    const {completed, watermark} = this.#segments[0]!;
    if (completed.length > 0) return completed.shift()!;
    this.#segments.shift();
    return {watermark: watermark!};
  }

  contents(): AsyncOutput[] {
    return this.#segments.flatMap(({awaited, completed, watermark}): AsyncOutput[] => [
      ...completed,
      ...awaited,
      ...(watermark === undefined ? [] : [{watermark}]),
    ]);
  }
}

function newSegment(): Segment {
  return {awaited: new Set(), completed: [], watermark: undefined};
}
