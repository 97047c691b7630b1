/** `a.keyBy(key).intervalJoin(b.keyBy(key))`. */
import {OutputTag, type DataStream} from '../../../src/index.ts';
import {runTwo} from '../steps.ts';
import {timeOf, type Outcome, type Vector} from '../vector.ts';

interface Element {
  readonly key: string;
  readonly value: unknown;
}

const LEFT_LATE = new OutputTag<Element>('late');
const RIGHT_LATE = new OutputTag<Element>('late-right');

export async function runIntervalJoin(vector: Vector): Promise<Outcome> {
  const {operator} = vector;
  const build = (left: DataStream<Element>, right: DataStream<Element>) => {
    const join = left
      .keyBy('key')
      .intervalJoin(right.keyBy('key'))
      .between(timeOf(operator.lower), timeOf(operator.upper));
    if (operator.lowerExclusive === true) join.lowerBoundExclusive();
    if (operator.upperExclusive === true) join.upperBoundExclusive();
    if (operator.sideOutputLeftLate === true) join.sideOutputLeftLateData(LEFT_LATE);
    if (operator.sideOutputRightLate === true) join.sideOutputRightLateData(RIGHT_LATE);
    return join.process((a, b, context, out) => {
      const {leftTimestamp, rightTimestamp, timestamp} = context;
      out.collect({
        key: a.key,
        pair: [a.value, b.value],
        leftTs: leftTimestamp,
        rightTs: rightTimestamp,
        ts: timestamp,
      });
    });
  };
  return await runTwo(vector, build, {sides: ['late', 'late-right']});
}
