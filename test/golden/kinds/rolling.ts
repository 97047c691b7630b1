/** Rolling reduce and aggregations of a keyed stream. */
import type {DataStream} from '../../../src/index.ts';
import {runOne} from '../steps.ts';
import {Unsupported, type Outcome, type Vector} from '../vector.ts';

interface Element {
  readonly key: string;
  readonly tag?: string;
  readonly value: number;
}

function build(elements: DataStream<Element>, {operator}: Vector): DataStream<Element> {
  const keyed = elements.keyBy('key');
  const field = (operator.field ?? 'value') as 'value';
  const first = operator.first !== false;
  switch (operator.kind) {
    case 'reduce':
      return keyed.reduce((a, b) => ({...a, value: a.value + b.value}));
    case 'sum':
      return keyed.sum(field);
    case 'min':
      return keyed.min(field);
    case 'max':
      return keyed.max(field);
    case 'minBy':
      return keyed.minBy(field, {first});
    case 'maxBy':
      return keyed.maxBy(field, {first});
    default:
      throw new Unsupported(`rolling ${operator.kind}`);
  }
}

export async function runRolling(vector: Vector): Promise<Outcome> {
  return await runOne(vector, (elements: DataStream<Element>) => build(elements, vector));
}
