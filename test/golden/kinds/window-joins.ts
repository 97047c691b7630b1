/** Window join and coGroup. */
import type {DataStream} from '../../../src/index.ts';
import {shapeOf} from '../shape.ts';
import {runTwo} from '../steps.ts';
import type {Outcome, Vector} from '../vector.ts';
import {assignerOf, withSettings, type Element} from './windows.ts';

export async function runCoGroup(vector: Vector): Promise<Outcome> {
  const {operator} = vector;
  const shape = shapeOf(vector);
  const build = (a: DataStream<Element>, b: DataStream<Element>) =>
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
    });
  return await runTwo(vector, build);
}

export async function runWindowJoin(vector: Vector): Promise<Outcome> {
  const {operator} = vector;
  const shape = shapeOf(vector);
  const build = (a: DataStream<Element>, b: DataStream<Element>) =>
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
    );
  return await runTwo(vector, build);
}
