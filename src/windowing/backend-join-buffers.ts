/**
 * Buffers of an interval join as values of a keyed state, for backends that keep more than fits into memory.
 * One timer per key, set to the end of life of an element, drops what is too old of a key that is not
 * touched any more; when it fires it is set anew to that of the newest element.
 */
import type {ValueState} from '../state/keyed-state.ts';
import type {KeyedStateBackend} from '../state/keyed-state-backend.ts';
import {ValueStateDescriptor} from '../state/state-descriptors.ts';
import {TimerService} from '../state/timer-service.ts';
import type {Clock} from '../base/clock.ts';
import {MIN_WATERMARK} from '../time/watermark.ts';
import {
  areEmpty,
  endOfLives,
  prune,
  type JoinBuffers,
  type JoinBufferStore,
  type LivesMs,
} from './join-buffers.ts';
import {SAVED_BUFFERS} from './heap-join-buffers.ts';

interface TimedBuffers extends JoinBuffers {
  /** When the key's timer is due; -Infinity, or absent in what the heap has saved, if there is none. */
  timerAt?: number;
}

const BUFFERS = new ValueStateDescriptor<TimedBuffers>(SAVED_BUFFERS.name);

export class BackendJoinBuffers implements JoinBufferStore<TimedBuffers> {
  readonly #backend: KeyedStateBackend;
  readonly #state: ValueState<TimedBuffers>;
  readonly #timers: TimerService;
  readonly #livesMs: LivesMs;

  constructor(backend: KeyedStateBackend, livesMs: LivesMs, clock: Clock) {
    this.#backend = backend;
    this.#livesMs = livesMs;
    this.#state = backend.getState(BUFFERS);
    this.#timers = new TimerService({
      backend,
      name: 'interval-join-timers',
      clock,
      onEventTime: () => this.#onTimer(),
      onProcessingTime() {},
    });
    this.#adopt();
  }

  get watermark(): number {
    return this.#timers.currentWatermark;
  }

  readonly waitsForEventTime = false;

  open(key: unknown): TimedBuffers {
    this.#backend.setCurrentKey(key);
    const {watermark} = this;
    const buffers = this.#state.value();
    if (buffers === undefined) return {left: undefined, right: undefined, prunedTo: watermark};
    if (buffers.prunedTo !== watermark) this.#prune(buffers);
    return buffers;
  }

  keep(buffers: TimedBuffers, endOfLife: number): void {
    if (endOfLife <= this.watermark) this.#timers.registerEventTimeTimer(undefined, endOfLife);
    else if (!hasTimer(buffers)) this.#setTimer(buffers, endOfLife);
    this.#state.update(buffers);
  }

  advance(watermark: number, canGoOn: () => boolean): boolean {
    return this.#timers.advanceWatermark(watermark, canGoOn);
  }

  /** Restored buffers begin at the start of time, where it could no longer be told what is too old. */
  prepareSnapshot(): void {
    for (const key of [...this.#backend.keys(BUFFERS.name, undefined)]) {
      this.#backend.setCurrentKey(key);
      const buffers = this.#state.value()!;
      if (buffers.prunedTo !== this.watermark) this.#prune(buffers);
      this.#save(buffers);
    }
  }

  /** What a join on the heap has saved has no timers. */
  #adopt(): void {
    for (const key of [...this.#backend.keys(BUFFERS.name, undefined)]) {
      this.#backend.setCurrentKey(key);
      const buffers = this.#state.value()!;
      if (hasTimer(buffers)) continue;
      this.#setTimer(buffers, endOfLives(buffers, this.#livesMs));
      this.#state.update({...buffers, prunedTo: this.watermark});
    }
  }

  #prune(buffers: TimedBuffers): void {
    prune(buffers, this.#livesMs, this.watermark);
    if (hasTimer(buffers) && buffers.timerAt! <= this.watermark) buffers.timerAt = MIN_WATERMARK;
  }

  #onTimer(): void {
    const buffers = this.#state.value();
    if (buffers === undefined) return;
    this.#prune(buffers);
    if (!areEmpty(buffers) && !hasTimer(buffers)) {
      this.#setTimer(buffers, endOfLives(buffers, this.#livesMs));
    }
    this.#save(buffers);
  }

  #save(buffers: TimedBuffers): void {
    if (areEmpty(buffers)) this.#state.clear();
    else this.#state.update(buffers);
  }

  #setTimer(buffers: TimedBuffers, timestamp: number): void {
    buffers.timerAt = timestamp;
    this.#timers.registerEventTimeTimer(undefined, timestamp);
  }
}

function hasTimer({timerAt}: TimedBuffers): boolean {
  return timerAt !== undefined && timerAt > MIN_WATERMARK;
}
