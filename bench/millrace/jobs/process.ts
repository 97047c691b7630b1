/** process: value state and a timer for each record. */
import {
  ValueStateDescriptor,
  WatermarkStrategy,
  float64,
  int32,
  job,
  schema,
  type Collector,
  type KeyedProcessContext,
  type KeyedProcessFunction,
  type OnTimerContext,
  type RuntimeContext,
  type Sink,
  type ValueState,
} from '../../../src/index.ts';
import {TIMER_MS, processRecord, type ProcessParameters} from '../../jobs/process.ts';

interface Record {
  readonly key: number;
  readonly value: number;
  readonly ts: number;
}

interface Sums {
  readonly count: number;
  readonly sum: number;
}

interface Update extends Sums {
  readonly key: number;
}

class Flush implements KeyedProcessFunction<number, Record, Update> {
  #sums!: ValueState<Sums>;

  open(context: RuntimeContext): void {
    this.#sums = context.getState(
      new ValueStateDescriptor<Sums>('sums', {schema: schema({count: float64, sum: float64})}),
    );
  }

  processElement(record: Record, context: KeyedProcessContext<number>): void {
    const sums = this.#sums.value();
    this.#sums.update(
      sums === undefined
        ? {count: 1, sum: record.value}
        : {count: sums.count + 1, sum: sums.sum + record.value},
    );
    context.timerService.registerEventTimeTimer(context.timestamp! + TIMER_MS);
  }

  onTimer(_timestamp: number, context: OnTimerContext<number>, out: Collector<Update>): void {
    const {count, sum} = this.#sums.value()!;
    out.collect({key: context.currentKey, count, sum});
    this.#sums.update({count: 0, sum: 0});
  }
}

/** Counts updates, and adds up both of their fields. */
const sink: Sink<Update> = {
  name: 'Sums',
  createWriter(context) {
    const totals = {timers: 0, counts: 0, sums: 0};
    return {
      write({count, sum}) {
        totals.timers += 1;
        totals.counts += count;
        totals.sums += sum;
      },
      close() {
        for (const [name, total] of Object.entries(totals)) context.addToAccumulator(name, total);
      },
    };
  },
};

export default job<ProcessParameters>((env, parameters) => {
  env
    .generate(i => processRecord(i, parameters), {
      count: parameters.records,
      schema: schema({key: int32, value: int32, ts: float64}),
      watermarks: WatermarkStrategy.forMonotonousTimestamps<Record>().withTimestampAssigner(
        ({ts}) => ts,
      ),
    })
    .keyBy('key')
    .process(new Flush())
    .sinkTo(sink);
});
