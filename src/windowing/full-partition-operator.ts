/**
 * All records of a subtask as one window, which ends with the input: they are gathered, and at the end
 * handed to a function together. For bounded streams that are not keyed; keyed ones use a global window
 * (api/partition-windowed-stream.ts). What is gathered is operator state in a snapshot.
 *
 * Source: Flink's PartitionReduceOperator and its relatives.
 */
import type {ChainCode, RecordText} from '../operators/chain-code.ts';
import {ANY_USE} from '../operators/function-text.ts';
import type {Collector, RichFunction} from '../operators/functions.ts';
import {BaseOperator, type OperatorContext} from '../operators/operator-runtime.ts';
import {UserFunction} from '../operators/user-function.ts';
import {ownCopy} from '../state/record-table.ts';
import {ListStateDescriptor} from '../state/state-descriptors.ts';

/** Makes any number of records of all of a partition: through the collector, or as an iterable. */
export type MapPartitionFunction<T, O> =
  | ((values: readonly T[], out: Collector<O>) => Iterable<O> | void)
  | (RichFunction & {mapPartition(values: readonly T[], out: Collector<O>): Iterable<O> | void});

const GATHERED = new ListStateDescriptor<unknown>('gathered');

export class FullPartitionOperator extends BaseOperator {
  readonly #function: UserFunction;
  #values: unknown[] = [];
  /** What the function has made, as far as it has not been emitted. */
  #results: Iterator<unknown> | undefined;

  constructor(context: OperatorContext, fn: MapPartitionFunction<any, any>) {
    super(context);
    this.#function = new UserFunction(fn, 'mapPartition');
  }

  override open(): void {
    this.#values = [...this.context.operatorState.getListState(GATHERED).get()];
    this.#function.open(this.context.runtime);
  }

  process(value: unknown): void {
    this.#values.push(ownCopy(value));
  }

  generate(code: ChainCode, record: RecordText): void {
    const gather = code.bind((value: unknown) => this.process(value));
    code.line(`${gather}(${record.argument(ANY_USE)});`);
  }

  override prepareSnapshot(): void {
    this.context.operatorState.getListState(GATHERED).update(this.#values);
    this.#function.snapshotState();
  }

  override finish(): boolean {
    const {output} = this.context;
    if (this.#results === undefined) {
      // What is collected is emitted first, and in one go: the function is running.
      const collector = {collect: (value: unknown) => output.emit(value, NaN)};
      const values = this.#values;
      this.#values = [];
      const results = this.#function.call(values, collector) as Iterable<unknown> | undefined;
      this.#results = (results ?? [])[Symbol.iterator]();
    }
    for (;;) {
      if (!this.context.canEmit()) return false;
      const {done, value} = this.#results.next();
      if (done === true) return true;
      output.emit(value, NaN);
    }
  }

  override close(): void {
    this.#function.close();
  }
}
