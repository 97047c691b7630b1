/** The numbers of a task, with a clock that the test moves. */
import test from 'ava';
import {Arena, ArenaPlan} from '../../src/memory/arena.ts';
import {
  TASK_BACKPRESSURED,
  TASK_BUSY,
  TASK_IDLE,
  TaskMetricsWriter,
  planTaskMetrics,
  readTaskMetrics,
} from '../../src/metrics/task-metrics.ts';

function metrics({operatorCount = 1} = {}) {
  const plan = new ArenaPlan();
  const region = planTaskMetrics(plan, 'task', operatorCount);
  const arena = plan.create();
  return {
    writer: new TaskMetricsWriter(arena, region),
    read: () => readTaskMetrics(new Arena(arena.buffer), region),
  };
}

test('time counts for the state in which the last step left the task', t => {
  const {writer, read} = metrics();

  writer.advance(1000);
  writer.enter(TASK_BUSY);
  writer.advance(1003);
  writer.enter(TASK_BACKPRESSURED);
  writer.advance(1010);
  writer.enter(TASK_IDLE);
  writer.advance(1110);
  writer.enter(TASK_BUSY);
  writer.advance(1111);

  const {busyMs, backpressuredMs, idleMs} = read();
  t.deepEqual({busyMs, backpressuredMs, idleMs}, {busyMs: 4, backpressuredMs: 7, idleMs: 100});
});

test('what was before the first step is nobody’s time', t => {
  const {writer, read} = metrics();

  writer.advance(5_000_000);

  const {busyMs, backpressuredMs, idleMs} = read();
  t.deepEqual([busyMs, backpressuredMs, idleMs], [0, 0, 0]);
});

test('a clock that stands still or goes back takes nothing away', t => {
  const {writer, read} = metrics();

  writer.advance(10);
  writer.enter(TASK_BUSY);
  writer.advance(10);
  writer.advance(8);
  writer.advance(11);

  t.is(read().busyMs, 3);
});

test('counters and operators are read as they were published', t => {
  const {writer, read} = metrics({operatorCount: 2});

  writer.publish(1, 2, 3, 4, Float64Array.of(10, 11, 12, 13));

  const {recordsIn, bytesIn, recordsOut, bytesOut, operators} = read();
  t.deepEqual([recordsIn, bytesIn, recordsOut, bytesOut], [1, 2, 3, 4]);
  t.deepEqual(operators, [10, 11, 12, 13]);
});
