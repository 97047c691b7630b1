/** Bookings that the host writes; every kind of state that a live look can meet. */
import {
  AggregatingStateDescriptor,
  ListStateDescriptor,
  MapStateDescriptor,
  ReducingStateDescriptor,
  ValueStateDescriptor,
  job,
  type AggregatingState,
  type KeyedProcessContext,
  type ListState,
  type MapState,
  type ReducingState,
  type RuntimeContext,
  type ValueState,
} from '../../../src/index.ts';

export interface Booking {
  readonly account: string;
  readonly amount: number;
}

class Account {
  #last!: ValueState<unknown>;
  #amounts!: ListState<number>;
  #byDay!: MapState<number, number>;
  #total!: ReducingState<number>;
  #mean!: AggregatingState<number, number>;

  open(context: RuntimeContext) {
    this.#last = context.getState(new ValueStateDescriptor<unknown>('last'));
    this.#amounts = context.getListState(new ListStateDescriptor<number>('amounts'));
    this.#byDay = context.getMapState(new MapStateDescriptor<number, number>('byDay'));
    this.#total = context.getReducingState(
      new ReducingStateDescriptor<number>('total', (a, b) => a + b),
    );
    this.#mean = context.getAggregatingState(
      new AggregatingStateDescriptor('mean', {
        createAccumulator: () => ({sum: 0, count: 0}),
        add: (amount: number, {sum, count}: {sum: number; count: number}) => ({
          sum: sum + amount,
          count: count + 1,
        }),
        getResult: ({sum, count}) => sum / count,
      }),
    );
  }

  processElement({amount}: Booking, {currentKey}: KeyedProcessContext<string>) {
    this.#last.update(currentKey === 'odd' ? () => amount : {amount});
    this.#amounts.add(amount);
    this.#byDay.put(amount % 7, amount);
    this.#total.add(amount);
    this.#mean.add(amount);
  }
}

export default job(env => {
  const bookings = env.fromHost<Booking>('bookings').uid('bookings');
  bookings.keyBy('account').process(new Account()).uid('accounts').discard();
  bookings.keyBy('account').sum('amount').uid('sums').discard();
});
