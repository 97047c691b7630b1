/**
 * `sum`, `min`, `max`, `minBy` and `maxBy` of windows as reduce functions, as Flink has them: the same
 * rules as for the rolling aggregations (operators/aggregate.ts), whose first record becomes the result.
 */
import {StreamError, showValue} from '../base/errors.ts';
import {isBelow, withField} from '../operators/aggregate.ts';
import {readPath} from '../operators/key.ts';
import type {AggregationKind} from '../operators/operator.ts';

export interface AggregationReduceOptions {
  readonly kind: AggregationKind;
  /** The aggregated field; an empty path aggregates the record itself. */
  readonly path: readonly string[];
  /** For minBy and maxBy: of equal records the first is kept, else the last. */
  readonly first: boolean;
}

/** The reduce function of an aggregation; also says what it is, for whoever has a faster way. */
export class AggregationReduce {
  readonly options: AggregationReduceOptions;

  constructor(options: AggregationReduceOptions) {
    this.options = options;
  }

  /** For the graph's hash. */
  get kind(): string {
    const {kind, path, first} = this.options;
    return `${kind}(${path.join('.')}) first=${first}`;
  }

  /** Refuses a first element that cannot be aggregated. */
  check(value: unknown): void {
    const field = readPath(value, this.options.path);
    this.#check(field, field);
  }

  reduce(accumulated: unknown, value: unknown): unknown {
    const {kind, path, first} = this.options;
    const old = readPath(accumulated, path);
    const incoming = readPath(value, path);
    this.#check(incoming, old);
    switch (kind) {
      case 'sum':
        return withField(accumulated, path, (old as number) + (incoming as number));
      case 'min':
        return isBelow(incoming, old) ? withField(accumulated, path, incoming) : accumulated;
      case 'max':
        return isBelow(old, incoming) ? withField(accumulated, path, incoming) : accumulated;
      case 'minBy':
        return (first ? isBelow(incoming, old) : !isBelow(old, incoming)) ? value : accumulated;
      case 'maxBy':
        return (first ? isBelow(old, incoming) : !isBelow(incoming, old)) ? value : accumulated;
    }
  }

  #check(incoming: unknown, old: unknown): void {
    const {kind, path} = this.options;
    const type = typeof incoming;
    const isOrdered = type === 'string' || type === 'boolean' || incoming instanceof Date;
    const isNumeric = type === 'number' || type === 'bigint';
    if ((isNumeric || (isOrdered && kind !== 'sum')) && type === typeof old) return;
    throw new StreamError(
      'E_AGGREGATE_FIELD',
      `${kind} met values that it cannot take together`,
      {
        field: path.join('.') || '(record)',
        value: showValue(incoming),
        before: showValue(old),
      },
      {remedy: 'aggregate a field that holds a number in every record'},
    );
  }
}
