/**
 * Two streams in the same windows: a co-group sees the elements of both that have one key and one window, a
 * window join each pair of them. Both are a window over one stream, the union of the two, in which each
 * element says where it comes from; so assigners, triggers, evictors and lateness are those of windows.
 *
 *   left  ──► key ─┐
 *                  ├─► {input: 1 | 2, value} ──► window ──► both lists ──► function
 *   right ──► key ─┘
 *
 * The union is made here and not in front of the exchange, so that the records of each stream travel in
 * columns of their own. Runs in the task's thread.
 *
 * Tumbling windows of event time, without more, have a form of their own: tumbling-co-group.ts.
 *
 * Source: Flink, CoGroupedStreams and JoinedStreams (flink.md §7).
 */
import type {ChainCode, RecordText} from '../operators/chain-code.ts';
import type {Collector, RichFunction} from '../operators/functions.ts';
import {keyReader, keyText, type KeyReader} from '../operators/key.ts';
import type {KeySelector, OperatorSpec} from '../operators/operator.ts';
import type {OperatorContext, OperatorRuntime} from '../operators/operator-runtime.ts';
import {ObjectRecord} from '../operators/record-text.ts';
import {ownCopy} from '../state/record-table.ts';
import {MemoryBackend} from '../state/memory-backend.ts';
import type {TimeWindow} from '../time/time-window.ts';
import type {Evictor} from './evictor.ts';
import type {Trigger} from './trigger.ts';
import {
  TumblingCoGroupOperator,
  clearSaved,
  savedGroups,
  type OnBothLists,
} from './tumbling-co-group.ts';
import {TumblingEventTimeWindows} from './tumbling-windows.ts';
import type {WindowAssigner} from './window-assigner.ts';
import {WindowOperator} from './window-operator.ts';
import {WindowStagger} from './window-stagger.ts';

/** An element of either stream, as assigners, triggers and evictors of a join see it. */
export type TaggedElement<A, B> =
  {readonly input: 1; readonly value: A} | {readonly input: 2; readonly value: B};

/** Gets all elements of a key and window, of each stream in order; either list may be empty. */
export type CoGroupFunction<A, B, O> =
  | ((left: readonly A[], right: readonly B[], out: Collector<O>) => Iterable<O> | void)
  | (RichFunction & {
      coGroup(left: readonly A[], right: readonly B[], out: Collector<O>): Iterable<O> | void;
    });

/** Gets each pair of elements of a key and window; emits what it returns, or nothing for undefined. */
export type JoinFunction<A, B, O> =
  | ((left: A, right: B, out: Collector<O>) => O | undefined | void)
  | (RichFunction & {join(left: A, right: B, out: Collector<O>): O | undefined | void});

export interface CoGroupOptions {
  readonly key: readonly [KeySelector, KeySelector];
  readonly assigner: WindowAssigner;
  readonly trigger: Trigger;
  readonly evictor: Evictor | undefined;
  readonly allowedLatenessMs: number;
}

/** A co-group as an entry of the graph. */
export function coGroupSpec(
  options: CoGroupOptions,
  fn: CoGroupFunction<any, any, any>,
): OperatorSpec {
  const coGroup = typeof fn === 'function' ? fn : fn.coGroup.bind(fn);
  return specOf('co-group', options, fn, (left, right, out) => coGroup(left, right, out));
}

/** A window join as an entry of the graph. */
export function windowJoinSpec(
  options: CoGroupOptions,
  fn: JoinFunction<any, any, any>,
): OperatorSpec {
  const join = typeof fn === 'function' ? fn : fn.join.bind(fn);
  return specOf('window join', options, fn, (left, right, out) => {
    for (const a of left) {
      for (const b of right) {
        const result: unknown = join(a, b, out);
        if (result !== undefined) out.collect(result);
      }
    }
  });
}

function specOf(
  kind: string,
  options: CoGroupOptions,
  fn: unknown,
  onBothLists: OnBothLists,
): OperatorSpec {
  const {key, assigner, trigger, evictor, allowedLatenessMs} = options;
  return {
    type: 'custom',
    kind,
    inputCount: 2,
    key,
    parts: [assigner.name, trigger.name, evictor?.name ?? '', `lateness ${allowedLatenessMs}`, fn],
    create: context => createCoGroup(context, options, fn, onBothLists),
  };
}

function createCoGroup(
  context: OperatorContext,
  options: CoGroupOptions,
  fn: unknown,
  onBothLists: OnBothLists,
): OperatorRuntime {
  const {key, assigner} = options;
  const isSimple = isTumbling(options) && context.createKeyedBackend() instanceof MemoryBackend;
  return isSimple
    ? new TumblingCoGroupOperator(context, {
        key,
        assigner: assigner as TumblingEventTimeWindows,
        fn,
        onBothLists,
      })
    : new CoGroupOperator(context, options, fn, onBothLists);
}

/** A trigger that was set by hand, even the default one, asks for the general form. */
function isTumbling({assigner, trigger, evictor, allowedLatenessMs}: CoGroupOptions): boolean {
  return (
    assigner instanceof TumblingEventTimeWindows &&
    assigner.stagger === WindowStagger.ALIGNED &&
    trigger === assigner.defaultTrigger &&
    evictor === undefined &&
    allowedLatenessMs === 0
  );
}

/** The window over the union. What it is asked it hands on to the window operator inside. */
export class CoGroupOperator implements OperatorRuntime {
  readonly #keys: readonly KeyReader[];
  readonly #window: WindowOperator;
  readonly #context: OperatorContext;
  /** Of the present element. */
  #key: unknown;

  constructor(
    context: OperatorContext,
    options: CoGroupOptions,
    fn: unknown,
    onBothLists: OnBothLists,
  ) {
    const {key, assigner, trigger, evictor, allowedLatenessMs} = options;
    this.#context = context;
    this.#keys = key.map(selector => keyReader(selector));
    this.#window = new WindowOperator(context, {
      key: {kind: 'function', fn: () => this.#key},
      assigner,
      trigger,
      evictor,
      allowedLatenessMs,
      contents: {kind: 'list'},
      call: {kind: 'apply', fn: windowFunction(fn, onBothLists)},
    });
  }

  open(): void {
    this.#window.open();
    const backend = this.#context.createKeyedBackend();
    // What the form for tumbling windows has saved, in memory: here it may be another backend.
    for (const [key, start, lists] of savedGroups(backend)) {
      this.#key = key;
      for (const [side, values] of lists.entries()) {
        for (const value of values) this.#window.process({input: side + 1, value}, start);
      }
    }
    clearSaved(backend);
  }

  process(value: unknown, timestamp: number, inputIndex: number): void {
    this.#key = this.#keys[inputIndex]!.select(value);
    this.#window.process({input: inputIndex + 1, value: ownCopy(value)}, timestamp);
  }

  generate(code: ChainCode, record: RecordText, inputIndex: number): void {
    const setKey = code.bind((key: unknown) => {
      this.#key = key;
    });
    code.line(`${setKey}(${keyText(code, record, this.#keys[inputIndex]!)});`);
    const tagged = code.name('tagged');
    const copy = `${code.bind(ownCopy)}(${record.value()})`;
    code.line(`const ${tagged} = {input: ${inputIndex + 1}, value: ${copy}};`);
    this.#window.generate(code, new ObjectRecord(tagged, record.timestamp, ['input', 'value']));
  }

  get forwardsWatermarks(): boolean {
    return this.#window.forwardsWatermarks;
  }

  processWatermark(watermark: number): boolean {
    return this.#window.processWatermark(watermark);
  }

  get waitsForEventTime(): boolean {
    return this.#window.waitsForEventTime;
  }

  processStatus(isIdle: boolean): void {
    this.#window.processStatus(isIdle);
  }

  get nextProcessingTimeMs(): number {
    return this.#window.nextProcessingTimeMs;
  }

  processTime(nowMs: number): boolean {
    return this.#window.processTime(nowMs);
  }

  finish(): boolean {
    return this.#window.finish();
  }

  prepareSnapshot(): void {
    this.#window.prepareSnapshot();
  }

  isWritable(): boolean {
    return this.#window.isWritable();
  }

  get writableAtMs(): number {
    return this.#window.writableAtMs;
  }

  get awaitsPromises(): boolean {
    return this.#window.awaitsPromises;
  }

  onIdle(): void {
    this.#window.onIdle();
  }

  close(): void {
    this.#window.close();
  }
}

/** The function that the window calls; it has the life of the user's own. */
function windowFunction(fn: unknown, onBothLists: OnBothLists) {
  const rich = typeof fn === 'function' ? {} : (fn as RichFunction);
  return {
    ...(rich.initializeState === undefined
      ? {}
      : {initializeState: rich.initializeState.bind(rich)}),
    open: (context: Parameters<NonNullable<RichFunction['open']>>[0]) => rich.open?.(context),
    snapshotState: () => rich.snapshotState?.(),
    close: () => rich.close?.(),
    apply(
      _key: unknown,
      _window: TimeWindow,
      elements: ReadonlyArray<TaggedElement<unknown, unknown>>,
      out: Collector<unknown>,
    ): Iterable<unknown> | void {
      const left: unknown[] = [];
      const right: unknown[] = [];
      for (const {input, value} of elements) (input === 1 ? left : right).push(value);
      return onBothLists(left, right, out);
    },
  };
}
