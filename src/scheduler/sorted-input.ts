/**
 * The input of a task in batch mode whose operator sees one key after the other. It reads its gates to the end
 * and gathers their rows in a sorter (row-sorter.ts); then the chain gets the rows of each key, and is told
 * when a key ends: its timers fire and its state goes. Watermarks come last, when all keys are through.
 *
 *   GATHERING   gates ─► sorter; inputs that are read first ─► chain
 *   EMITTING    sorter ─► chain: the rows of a key, the end of the key, the rows of the next …
 *   ENDING      the last watermarks
 *
 * So the exchange in front of such a task blocks: the tasks behind it have nothing to do before those in
 * front of it have ended. It never makes a producer wait for ever, because it always takes what comes; that
 * is why both inputs of an operator may come from one source.
 *
 * The same without keys holds one input back until the other one has ended, for broadcast state.
 */
import type {InputOrder} from '../graph/input-order.ts';
import type {Counter} from '../metrics/counter.ts';
import type {Chain} from '../operators/chain.ts';
import {keyReader} from '../operators/key.ts';
import {OperatorError} from '../operators/operator-error.ts';
import {isSameKey} from '../state/single-key-backend.ts';
import {MIN_WATERMARK} from '../time/watermark.ts';
import type {GateInput, RecordConsumer} from './gate-input.ts';
import {FINISHED, PROGRESSED, type Progress} from './progress.ts';
import {RowSorter} from './row-sorter.ts';
import type {RunCursor, RunMerger} from './sorted-runs.ts';
import type {TaskInput} from './task-input.ts';

/** Rows that the chain gets in one call. */
const BLOCK_ROWS_MAX = 1024;

export interface SortedInputOptions {
  /** By input. */
  readonly orders: readonly InputOrder[];
  readonly chain: Chain;
  /** The gates, which hand their records to `consumer`. */
  readonly createGates: (consumer: RecordConsumer) => GateInput;
  readonly memoryBytes: number;
  readonly directory: string | undefined;
  /** Counts the bytes that go into files. */
  readonly spilledBytes?: Counter;
}

export class SortedInput implements TaskInput {
  rowsStepped = 0;
  readonly awaitsPromises = false;
  readonly gates: GateInput;
  readonly #chain: Chain;
  readonly #isKeyed: boolean;
  readonly #sorter: RowSorter;
  /** By input: where event time has come to; it is told at the end. */
  readonly #watermarks: number[];
  #phase: 'GATHERING' | 'EMITTING' | 'ENDING' = 'GATHERING';
  /** What the sorter does by and by; rows have to wait for it. */
  #work: Iterator<void, void> | undefined;
  #merger: RunMerger | undefined;
  /** The rows at hand, all of one key and one input. */
  readonly #values = new Array<unknown>(BLOCK_ROWS_MAX).fill(undefined);
  readonly #timestamps = new Array<number>(BLOCK_ROWS_MAX).fill(NaN);
  #input = 0;
  #row = 0;
  #rowCount = 0;
  /** Whether the key ends behind the rows at hand. */
  #endsKey = false;

  constructor({
    orders,
    chain,
    createGates,
    memoryBytes,
    directory,
    spilledBytes,
  }: SortedInputOptions) {
    this.#chain = chain;
    this.#isKeyed = orders.some(({kind}) => kind === 'sorted');
    this.#watermarks = orders.map(() => MIN_WATERMARK);
    this.#sorter = new RowSorter({
      keys: orders.map(order => (order.kind === 'sorted' ? keyReader(order.key) : undefined)),
      memoryBytes,
      directory,
      onSpilled: bytes => spilledBytes?.add(bytes),
    });
    this.gates = createGates({
      runBatch: (reader, input, from, to) => {
        if (orders[input]!.kind === 'first') return chain.runBatch(reader, input, from, to);
        for (let row = from; row < to; row += 1) {
          this.#gather(reader.read(row), reader.readTimestamp(row), input, false);
          if (this.#sorter.isFull) return row + 1;
        }
        return to;
      },
      runOne: (value, timestamp, input) => {
        if (orders[input]!.kind === 'first') chain.runOne(value, timestamp, input);
        else this.#gather(value, timestamp, input, true);
      },
      processWatermark: (watermark, input) => {
        this.#watermarks[input] = watermark;
      },
      // The watermark at the end comes to idle inputs too.
      processStatus() {},
    });
  }

  get recordsIn(): number {
    return this.gates.recordsIn;
  }

  get bytesIn(): number {
    return this.gates.bytesIn;
  }

  get wakeAtMs(): number {
    return this.gates.wakeAtMs;
  }

  open(): void {
    this.gates.open();
  }

  step(rowsMax: number, nowMs: number): Progress {
    this.rowsStepped = 0;
    if (this.#work !== undefined) {
      if (this.#work.next().done === true) this.#work = undefined;
      return PROGRESSED;
    }
    switch (this.#phase) {
      case 'GATHERING':
        return this.#stepGates(rowsMax, nowMs);
      case 'EMITTING':
        this.#emit(rowsMax);
        return PROGRESSED;
      case 'ENDING':
        return this.#end();
    }
  }

  stop(): void {
    this.gates.stop();
  }

  close(): void {
    try {
      this.gates.close();
    } finally {
      this.#sorter.close();
    }
  }

  #stepGates(rowsMax: number, nowMs: number): Progress {
    const progress = this.gates.step(rowsMax, nowMs);
    this.rowsStepped = this.gates.rowsStepped;
    if (this.#sorter.isFull) this.#work = this.#sorter.spill();
    if (progress !== FINISHED) return progress;
    this.#phase = 'EMITTING';
    return PROGRESSED;
  }

  #gather(value: unknown, timestamp: number, input: number, isLarge: boolean): void {
    try {
      this.#sorter.add(value, timestamp, input, isLarge);
    } catch (thrown) {
      throw OperatorError.of(thrown, 0).on(value);
    }
  }

  /** Runs some rows of one key, or ends a key. */
  #emit(rowsMax: number): void {
    const merger = (this.#merger ??= this.#sorter.merge());
    if (this.#row === this.#rowCount) {
      if (this.#endsKey) {
        this.#endsKey = !this.#chain.endKey();
        return;
      }
      if (merger.current === undefined) {
        this.#sorter.close();
        this.#phase = 'ENDING';
        return;
      }
      this.#takeBlock(merger);
    }
    const from = this.#row;
    const to = Math.min(this.#rowCount, from + rowsMax);
    this.#row = this.#chain.runValues(this.#values, this.#timestamps, from, to, this.#input);
    this.rowsStepped = this.#row - from;
  }

  /** Takes the next rows of one key and one input. */
  #takeBlock(merger: RunMerger): void {
    const values = this.#values;
    const timestamps = this.#timestamps;
    const {key, hash, input} = merger.current!;
    let count = 0;
    let isOther: boolean;
    let next: RunCursor | undefined = merger.current;
    do {
      values[count] = next!.value;
      timestamps[count] = next!.timestamp;
      count += 1;
      merger.advance();
      next = merger.current;
      isOther = next === undefined || next.hash !== hash || !isSameKey(next.key, key);
    } while (!isOther && next!.input === input && count < BLOCK_ROWS_MAX);
    this.#input = input;
    this.#row = 0;
    this.#rowCount = count;
    this.#endsKey = this.#isKeyed && isOther;
  }

  /** Tells one watermark: the chain may have to go on with it before the next. */
  #end(): Progress {
    const watermarks = this.#watermarks;
    const input = watermarks.findIndex(watermark => watermark > MIN_WATERMARK);
    if (input < 0) return FINISHED;
    const watermark = watermarks[input]!;
    watermarks[input] = MIN_WATERMARK;
    this.#chain.processWatermark(watermark, input);
    return PROGRESSED;
  }
}
