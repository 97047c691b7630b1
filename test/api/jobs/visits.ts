/** Counts the visits of each user in several kinds of state, and says at the end what it has found. */
import {
  ListStateDescriptor,
  ValueStateDescriptor,
  WatermarkStrategy,
  job,
  type ListState,
  type ValueState,
} from '../../../src/index.ts';

export interface VisitsArgs {
  readonly count: number;
  readonly users: number;
}

export default job<VisitsArgs>((env, {count, users}) => {
  let visits: ValueState<{count: number; sum: number}>;
  let first: ListState<string>;
  env
    .generate(i => ({user: i % users, ts: i, page: `page number ${i}`}), {count})
    .setParallelism(1)
    .assignTimestampsAndWatermarks(
      WatermarkStrategy.forMonotonousTimestamps<{ts: number}>().withTimestampAssigner(
        visit => visit.ts,
      ) as never,
    )
    .keyBy('user')
    .process({
      open(context: any) {
        visits = context.getState(new ValueStateDescriptor('visits'));
        first = context.getListState(new ListStateDescriptor('first'));
      },
      processElement(visit: any, context: any) {
        const before = visits.value() ?? {count: 0, sum: 0};
        visits.update({count: before.count + 1, sum: before.sum + visit.ts});
        if (first.get().length < 3) first.add(visit.page);
        context.timerService.registerEventTimeTimer(10 * count);
      },
      onTimer(_timestamp: number, context: any, out: any) {
        out.collect({user: context.currentKey, ...visits.value()!, first: first.get().join()});
        visits.clear();
      },
    } as any)
    .collect('visits');
});
