/**
 * Which windows a key has, where windows merge. A window that grows keeps the namespace in which its
 * contents lie, so that they need not move; this is the map from windows to those namespaces.
 *
 *   window [0, 50)  ──►  contents under [0, 10)        the window as it was when it began
 *
 * The map is state of the key: numbers, four for each window, so that it can be cloned. The set is one
 * object per operator, which `load` fills for a key and `persist` writes back.
 *
 * Source: Flink, MergingWindowSet (flink.md §4.4).
 */
import {assert} from '../base/assert.ts';
import type {InternalValueState} from '../state/keyed-state.ts';
import {TimeWindow} from '../time/time-window.ts';
import type {MergingWindowAssigner} from './window-assigner.ts';

/** Start and end of a window, then of the window under which its contents lie. */
export type PlainWindowMap = readonly number[];

/** Several windows have become one. */
export type OnWindowsMerged = (
  result: TimeWindow,
  merged: readonly TimeWindow[],
  /** Where the contents of the result lie. */
  stateWindow: TimeWindow,
  /** Where others lie, which belong there from now on. */
  mergedStateWindows: readonly TimeWindow[],
) => void;

interface Entry {
  readonly window: TimeWindow;
  readonly stateWindow: TimeWindow;
}

export class MergingWindowSet {
  readonly #assigner: MergingWindowAssigner;
  readonly #state: InternalValueState<PlainWindowMap>;
  #entries: Entry[] = [];
  #isChanged = false;

  constructor(assigner: MergingWindowAssigner, state: InternalValueState<PlainWindowMap>) {
    this.#assigner = assigner;
    this.#state = state;
  }

  /** Takes the windows of the current key. */
  load(): void {
    this.#isChanged = false;
    this.#entries = [];
    const plain = this.#state.value();
    if (plain === undefined) return;
    for (let at = 0; at < plain.length; at += 4) {
      this.#entries.push({
        window: new TimeWindow(plain[at]!, plain[at + 1]!),
        stateWindow: new TimeWindow(plain[at + 2]!, plain[at + 3]!),
      });
    }
  }

  /** Puts them back, if they have changed. */
  persist(): void {
    if (!this.#isChanged) return;
    this.#isChanged = false;
    if (this.#entries.length === 0) {
      this.#state.clear();
      return;
    }
    const plain: number[] = [];
    for (const {window, stateWindow} of this.#entries) {
      plain.push(window.start, window.end, stateWindow.start, stateWindow.end);
    }
    this.#state.update(plain);
  }

  /** Where the contents of `window` lie; undefined if the key has no such window. */
  stateWindow(window: TimeWindow): TimeWindow | undefined {
    return this.#entries.find(entry => entry.window.equals(window))?.stateWindow;
  }

  /** Forgets a window. */
  retire(window: TimeWindow): void {
    const index = this.#entries.findIndex(entry => entry.window.equals(window));
    assert(index >= 0, 'a window that is retired must be in the set');
    this.#entries.splice(index, 1);
    this.#isChanged = true;
  }

  /**
   * Adds a window and returns the one that it has become. What it merges with is told to `onMerged`, save
   * where nothing but the new window itself came to a window that is as large.
   */
  add(window: TimeWindow, onMerged: OnWindowsMerged): TimeWindow {
    const merges: Array<{readonly merged: readonly TimeWindow[]; readonly result: TimeWindow}> = [];
    const present = this.#entries.map(entry => entry.window);
    this.#assigner.mergeWindows([...present, window], (merged, result) => {
      merges.push({merged, result});
    });
    let becomes: TimeWindow | undefined;
    for (const {merged, result} of merges) {
      const old = distinct(merged).filter(each => this.#has(each));
      if (merged.some(each => each.equals(window))) becomes = result;
      assert(old.length > 0, 'windows merge with at least one that is in the set');
      if (old.length === 1 && old[0]!.equals(result)) continue;
      const [stateWindow, ...others] = old.map(each => this.stateWindow(each)!);
      for (const each of old) this.retire(each);
      this.#put(result, stateWindow!);
      onMerged(result, old, stateWindow!, others);
    }
    if (becomes !== undefined) return becomes;
    if (!this.#has(window)) this.#put(window, window);
    return window;
  }

  #has(window: TimeWindow): boolean {
    return this.#entries.some(entry => entry.window.equals(window));
  }

  #put(window: TimeWindow, stateWindow: TimeWindow): void {
    this.#entries.push({window, stateWindow});
    this.#isChanged = true;
  }
}

function distinct(windows: readonly TimeWindow[]): TimeWindow[] {
  return windows.filter(
    (window, index) => windows.findIndex(other => other.equals(window)) === index,
  );
}
