/** Window join and coGroup. */
import type {DataStream} from '../../../src/index.ts';
import {OperatorHarness} from '../../../src/testing/index.ts';
import {shapeOf} from '../shape.ts';
import {runSteps} from '../steps.ts';
import type {Outcome, Vector} from '../vector.ts';
import {assignerOf, withSettings, type Element} from './windows.ts';

export async function runCoGroup(vector: Vector): Promise<Outcome> {
  const {operator, input} = vector;
  const shape = shapeOf(vector);
  const harness = OperatorHarness.ofTwo((a: DataStream<Element>, b: DataStream<Element>) =>
    withSettings(
      a.coGroup(b).where('key').equalTo('key').window(assignerOf(operator)),
      operator,
    ).apply((left, right, out) => {
      out.collect(
        shape([
          ['key', () => (left[0] ?? right[0]!).key],
          ['left', () => left.map(({value}) => value)],
          ['right', () => right.map(({value}) => value)],
        ]),
      );
    }),
  );
  return await runSteps(harness, input);
}

export async function runWindowJoin(vector: Vector): Promise<Outcome> {
  const {operator, input} = vector;
  const shape = shapeOf(vector);
  const harness = OperatorHarness.ofTwo((a: DataStream<Element>, b: DataStream<Element>) =>
    withSettings(
      a.join(b).where('key').equalTo('key').window(assignerOf(operator)),
      operator,
    ).apply((left, right) =>
      shape([
        ['key', () => left.key],
        ['pair', () => [left.value, right.value]],
        [/left/i, () => left.value],
        [/right/i, () => right.value],
      ]),
    ),
  );
  return await runSteps(harness, input);
}
