/** flatMap, process and the operators of connected streams: everything that emits through a collector. */
import test from 'ava';
import {OutputTag, type Collector} from '../../src/operators/functions.ts';
import type {OperatorSpec} from '../../src/operators/operator.ts';
import {ChainHarness, CollectingSink, operatorErrorOf, to} from '../support/chain-harness.ts';

const FORMS = [
  ['compiled', false],
  ['interpreted', true],
] as const;

/** One operator with a sink behind its main output and one behind each side output. */
function harnessOf(spec: OperatorSpec, interpret: boolean, sides: readonly string[] = []) {
  const harness = new ChainHarness({
    nodes: [
      {spec, outputs: [to(1), ...sides.map((tag, index) => to(2 + index, tag))]},
      ...[undefined, ...sides].map(() => ({
        spec: {type: 'sink' as const, sink: new CollectingSink()},
      })),
    ],
    interpret,
  });
  harness.chain.open();
  return {harness, values: () => harness.sinks.map(sink => sink.received.map(each => each.value))};
}

for (const [form, interpret] of FORMS) {
  test(`flatMap takes arrays, iterables, generators, the collector and nothing, ${form}`, t => {
    const run = (fn: (n: number, out: Collector<number>) => Iterable<number> | void) => {
      const {harness, values} = harnessOf({type: 'flatMap', fn}, interpret);
      harness.runValues([1, 2]);
      return values()[0];
    };

    t.deepEqual(
      run(n => [n, n * 10]),
      [1, 10, 2, 20],
    );
    t.deepEqual(
      run(n => new Set([n, n, 0])),
      [1, 0, 2, 0],
    );
    t.deepEqual(
      run(function* (n) {
        yield n;
        yield -n;
      }),
      [1, -1, 2, -2],
    );
    t.deepEqual(
      run((n, out) => out.collect(n)),
      [1, 2],
    );
    t.deepEqual(
      run((n, out) => {
        out.collect(n);
        return [n + 0.5];
      }),
      [1, 1.5, 2, 2.5],
    );
    t.deepEqual(
      run(() => {}),
      [],
    );
    t.deepEqual(
      run(() => []),
      [],
    );
  });

  for (const [what, returned] of [
    ['a number', 5],
    ['a text', 'abc'],
    ['null', null],
    ['an object', {length: 1}],
    ['a boolean', false],
  ] as const) {
    test(`flatMap refuses ${what}, ${form}`, t => {
      const fn = (() => returned) as unknown as () => void;
      const {harness} = harnessOf({type: 'flatMap', fn}, interpret);

      const error = operatorErrorOf(() => harness.runValues([{id: 1}]));

      t.is((error.cause as {code: string}).code, 'E_FLATMAP_RESULT');
      t.deepEqual(error.record, {id: 1});
    });
  }

  test(`process sees timestamps and emits into side outputs, ${form}`, t => {
    const [left, nobody] = [new OutputTag<string>('left'), new OutputTag<string>('nobody reads')];
    const {harness, values} = harnessOf(
      {
        type: 'process',
        fn: {
          processElement(n: number, context, out) {
            if (n > 1) out.collect([n, context.timestamp]);
            context.output(left, `left ${n}`);
            context.output(nobody, 'lost');
          },
          finish(out) {
            out.collect('the end');
          },
        },
      },
      interpret,
      ['left'],
    );

    harness.runValues([1, 2], [10, 20]).runValues([3]).finish();

    t.deepEqual(values(), [
      [[2, 20], [3, undefined], 'the end'],
      ['left 1', 'left 2', 'left 3'],
    ]);
    t.deepEqual(
      harness.sinks[1]!.received.map(({timestamp}) => timestamp),
      [10, 20, NaN],
    );
    // Out: what was emitted into outputs that somebody reads.
    t.deepEqual([...harness.chain.counts], [3, 6, 3, 0, 3, 0]);
  });

  test(`connected streams share one function object and keep their inputs apart, ${form}`, t => {
    class Join {
      seen: unknown[] = [];
      opened = 0;
      open() {
        this.opened += 1;
      }
      map1(value: number) {
        this.seen.push(value);
        return ['first', value, this.opened];
      }
      map2(value: string) {
        return ['second', value, ...this.seen];
      }
    }
    const {harness, values} = harnessOf({type: 'coMap', fn: new Join()}, interpret);

    harness.runValues([1], undefined, 0).runValues(['a'], undefined, 1);
    harness.runBatches([2], undefined, {inputIndex: 0}).runBatches(['b'], [5], {inputIndex: 1});

    t.deepEqual(values()[0], [
      ['first', 1, 1],
      ['second', 'a', 1],
      ['first', 2, 1],
      ['second', 'b', 1, 2],
    ]);
    t.is(harness.sinks[0]!.received[3]!.timestamp, 5);
  });

  test(`coFlatMap and coProcess emit any number, the latter also aside and at the end, ${form}`, t => {
    const flat = harnessOf(
      {
        type: 'coFlatMap',
        fn: {
          flatMap1: (n: number, out) => {
            for (let i = 0; i < n; i += 1) out.collect(n);
          },
          flatMap2: (text: string, out) => out.collect(text),
        },
      },
      interpret,
    );
    flat.harness.runValues([2, 0, 1], undefined, 0).runValues(['x'], undefined, 1);
    t.deepEqual(flat.values()[0], [2, 2, 1, 'x']);

    const late = new OutputTag<unknown>('late');
    const both = harnessOf(
      {
        type: 'coProcess',
        fn: {
          processElement1: (n: number, context, out) => out.collect([n, context.timestamp]),
          processElement2: (text: string, context) =>
            context.output(late, [text, context.timestamp]),
          finish: out => out.collect('done'),
        },
      },
      interpret,
      ['late'],
    );
    both.harness.runValues([1], [3], 0).runValues(['x'], [4], 1).finish();
    t.deepEqual(both.values(), [[[1, 3], 'done'], [['x', 4]]]);
  });

  test(`a collector works after an exception and between compiled and single records, ${form}`, t => {
    const {harness, values} = harnessOf(
      {type: 'flatMap', fn: (n: number, out) => out.collect(n)},
      interpret,
    );

    harness.runValues([1]);
    harness.chain.runOne(2, NaN, 0);
    harness.runValues([3]);
    harness.chain.runOne(4, 9, 0);
    harness.runBatches([5]);

    t.deepEqual(values()[0], [1, 2, 3, 4, 5]);
    t.deepEqual([...harness.chain.counts], [5, 5, 5, 0]);
  });
}
