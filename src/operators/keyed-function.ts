/**
 * State per key for functions that know nothing of keys: map, filter, flatMap and their kin behind `keyBy`.
 * The operator is the ordinary one; around it stands this, which sets the key of each record before
 * the operator gets it, if the function has asked for state.
 */
import type {ChainCode, RecordText} from './chain-code.ts';
import {FunctionContext} from './function-context.ts';
import {keyReader, type KeyReader} from './key.ts';
import {KeyedStates, setKeyText} from './keyed-states.ts';
import type {KeySelector} from './operator.ts';
import type {OperatorContext, OperatorRuntime} from './operator-runtime.ts';

/** Adds state per key to the operator that `create` makes; `keys` has one selector per input. */
export function withKeyedState(
  context: OperatorContext,
  keys: readonly KeySelector[],
  create: (context: OperatorContext) => OperatorRuntime,
): OperatorRuntime {
  const states = new KeyedStates(() => context.createKeyedBackend());
  const runtime = FunctionContext.keyed(context.runtime, states);
  // Derived, not copied: reading `operatorState` would make it.
  const keyed = Object.create(context, {runtime: {value: runtime}}) as OperatorContext;
  return new KeyedFunctionOperator(create(keyed), keys.map(keyReader), states);
}

class KeyedFunctionOperator implements OperatorRuntime {
  readonly #inner: OperatorRuntime;
  readonly #keys: readonly KeyReader[];
  readonly #states: KeyedStates;

  constructor(inner: OperatorRuntime, keys: readonly KeyReader[], states: KeyedStates) {
    this.#inner = inner;
    this.#keys = keys;
    this.#states = states;
  }

  open(): void {
    this.#inner.open();
    this.#states.seal();
  }

  process(value: unknown, timestamp: number, inputIndex: number): void {
    if (this.#states.isUsed) {
      this.#states.backend.setCurrentKey(this.#keys[inputIndex]!.select(value));
    }
    this.#inner.process(value, timestamp, inputIndex);
  }

  generate(code: ChainCode, record: RecordText, inputIndex: number): void {
    if (this.#states.isUsed) {
      setKeyText(code, record, this.#keys[inputIndex]!, this.#states.backend);
    }
    this.#inner.generate(code, record, inputIndex);
  }

  get forwardsWatermarks(): boolean {
    return this.#inner.forwardsWatermarks;
  }

  processWatermark(watermark: number): boolean {
    return this.#inner.processWatermark(watermark);
  }

  get waitsForEventTime(): boolean {
    return this.#inner.waitsForEventTime;
  }

  processStatus(isIdle: boolean): void {
    this.#inner.processStatus(isIdle);
  }

  get nextProcessingTimeMs(): number {
    return this.#inner.nextProcessingTimeMs;
  }

  processTime(nowMs: number): boolean {
    return this.#inner.processTime(nowMs);
  }

  finish(): boolean {
    return this.#inner.finish();
  }

  prepareSnapshot(): void {
    this.#inner.prepareSnapshot();
  }

  isWritable(): boolean {
    return this.#inner.isWritable();
  }

  get writableAtMs(): number {
    return this.#inner.writableAtMs;
  }

  get awaitsPromises(): boolean {
    return this.#inner.awaitsPromises;
  }

  onIdle(): void {
    this.#inner.onIdle();
  }

  close(): void {
    this.#inner.close();
  }
}
