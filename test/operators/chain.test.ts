/** A chain as its task sees it: life cycle, where it stops, what it counts, what its errors say. */
import test from 'ava';
import {StreamError} from '../../src/base/errors.ts';
import {constantPartitioner, hashPartitioner} from '../../src/network/partitioner.ts';
import {OutputTag} from '../../src/operators/functions.ts';
import {keyReader} from '../../src/operators/key.ts';
import type {OperatorSpec} from '../../src/operators/operator.ts';
import {describeOperatorError, OperatorError} from '../../src/operators/operator-error.ts';
import {int32, schema} from '../../src/records/schema.ts';
import {
  ChainHarness,
  CollectingSink,
  operatorErrorOf,
  to,
  toWriter,
} from '../support/chain-harness.ts';

const FORMS = [
  ['compiled', false],
  ['interpreted', true],
] as const;

const map = (fn: (value: any) => unknown): OperatorSpec => ({type: 'map', fn});
const filter = (fn: (value: any) => boolean): OperatorSpec => ({type: 'filter', fn});
const sinkTo = (sink: CollectingSink): OperatorSpec => ({type: 'sink', sink});

for (const [form, interpret] of FORMS) {
  test(`operators are opened tail to head and closed tail to head, ${form}`, t => {
    const log: string[] = [];
    const rich = (name: string): OperatorSpec => ({
      type: 'map',
      fn: {
        open: ({operatorName, subtaskIndex}) =>
          log.push(`open ${name} ${operatorName} ${subtaskIndex}`),
        map: value => value,
        close: () => log.push(`close ${name}`),
      },
    });
    const harness = new ChainHarness({
      nodes: [
        {spec: rich('a'), outputs: [to(1)]},
        {spec: rich('b'), outputs: [to(2)]},
        {spec: sinkTo(new CollectingSink())},
      ],
      interpret,
    });

    harness.chain.open();
    harness.runValues([1]).finish();
    harness.chain.close();

    t.deepEqual(log, ['open b map 1 0', 'open a map 0 0', 'close b', 'close a']);
  });

  test(`after a failing open, what was opened is closed, ${form}`, t => {
    const log: string[] = [];
    const rich = (name: string, fails = false): OperatorSpec => ({
      type: 'filter',
      fn: {
        open() {
          log.push(`open ${name}`);
          if (fails) throw new Error(`no ${name}`);
        },
        filter: () => true,
        close: () => log.push(`close ${name}`),
      },
    });
    const {chain} = new ChainHarness({
      nodes: [
        {spec: rich('a'), outputs: [to(1)]},
        {spec: rich('b', true), outputs: [to(2)]},
        {spec: rich('c'), outputs: [to(3)]},
        {spec: sinkTo(new CollectingSink())},
      ],
      interpret,
    });

    const error = operatorErrorOf(() => chain.open());
    chain.close();

    t.is(error.operatorIndex, 1);
    t.false(error.hasRecord);
    t.is((error.cause as Error).message, 'no b');
    t.deepEqual(log, ['open c', 'open b', 'close c', 'close b']);
  });

  test(`a failing close keeps nobody else open, ${form}`, t => {
    const log: string[] = [];
    const rich = (name: string): OperatorSpec => ({
      type: 'map',
      fn: {
        map: value => value,
        close() {
          log.push(name);
          throw new Error(name);
        },
      },
    });
    const {chain} = new ChainHarness({
      nodes: [
        {spec: rich('a'), outputs: [to(1)]},
        {spec: rich('b'), outputs: [to(2)]},
        {spec: sinkTo(new CollectingSink())},
      ],
      interpret,
    });
    chain.open();

    const error = operatorErrorOf(() => chain.close());

    t.deepEqual(log, ['b', 'a']);
    t.is(error.operatorIndex, 1, 'the first failure');
  });

  test(`a failure while finishing names the operator that failed, and no record, ${form}`, t => {
    const run = (first: () => void, second: () => void) => {
      const {chain} = new ChainHarness({
        nodes: [
          {
            spec: {
              type: 'process',
              fn: {
                processElement() {},
                finish(out) {
                  first();
                  out.collect('last');
                },
              },
            },
            outputs: [to(1)],
          },
          {spec: map(value => (second(), value)), outputs: [to(2)]},
          {spec: sinkTo(new CollectingSink())},
        ],
        interpret,
      });
      chain.open();
      chain.runValues(['x'], undefined, 0, 1);
      const error = operatorErrorOf(() => chain.finish());
      chain.close();
      return error;
    };
    const fail = () => {
      throw new Error('at the end');
    };

    const errors = [run(fail, () => {}), run(() => {}, fail)];

    t.deepEqual(
      errors.map(({operatorIndex, hasRecord}) => [operatorIndex, hasRecord]),
      [
        [0, false],
        [1, false],
      ],
    );
  });

  test(`the loop stops behind the record that raised stop, ${form}`, t => {
    const sink = new CollectingSink();
    const harness: ChainHarness = new ChainHarness({
      nodes: [
        {
          spec: map(n => {
            if (n === 3) harness.stop.requested = true;
            return n;
          }),
          outputs: [to(1)],
        },
        {spec: sinkTo(sink)},
      ],
      interpret,
    });
    harness.chain.open();

    const row = harness.chain.runValues([1, 2, 3, 4], undefined, 0, 4);

    t.is(row, 3);
    t.deepEqual(
      sink.received.map(({value}) => value),
      [1, 2, 3],
    );
    t.deepEqual([...harness.chain.counts], [3, 3, 3, 0]);
  });

  test(`a sink that is full stops the loop, and finish waits for it, ${form}`, t => {
    const sink = new CollectingSink([2, 3, 4]);
    const {chain, stop} = new ChainHarness({
      nodes: [
        {
          spec: {
            type: 'reduce',
            key: {kind: 'function', fn: n => n},
            fn: a => a,
            emit: 'final',
          },
          outputs: [to(1)],
        },
        {spec: sinkTo(sink)},
      ],
      interpret,
    });
    chain.open();
    for (let row = 0; row < 5; row = chain.runValues([1, 2, 3, 4, 5], undefined, row, 5)) {
      stop.requested = false;
    }
    stop.requested = false;

    const steps: number[] = [];
    for (let isDone = false; !isDone;) {
      isDone = chain.finish();
      steps.push(sink.received.length);
      if (!isDone) t.false(chain.isWritable());
      sink.drain();
      stop.requested = false;
    }

    t.deepEqual(steps, [2, 3, 4, 5]);
    t.deepEqual([...chain.counts], [5, 5, 5, 0]);
  });

  test(`counts are exact when a function throws, wherever that is, ${form}`, t => {
    const nodes = (thrower: number) => {
      const step = (index: number) =>
        map((n: number) => {
          if (index === thrower && n === 2) throw new Error(`in ${index}`);
          return n;
        });
      return [
        {spec: step(0), outputs: [to(1), to(2)]},
        {spec: filter(n => n > 1), outputs: [to(3)]},
        {spec: step(2), outputs: [to(4)]},
        {spec: step(3), outputs: [to(5)]},
        {spec: sinkTo(new CollectingSink())},
        {spec: sinkTo(new CollectingSink())},
      ];
    };
    const run = (thrower: number) => {
      const {chain} = new ChainHarness({nodes: nodes(thrower), interpret});
      chain.open();
      const error = operatorErrorOf(() => chain.runValues([1, 2, 3], undefined, 0, 3));
      t.is(error.operatorIndex, thrower);
      t.is(error.record, 2);
      return [...chain.counts];
    };

    t.deepEqual(run(0), [2, 1, 1, 0, 1, 1, 0, 0, 1, 0, 0, 0]);
    t.deepEqual(run(3), [2, 2, 2, 1, 1, 1, 1, 0, 1, 0, 0, 0]);
    t.deepEqual(run(2), [2, 2, 2, 1, 2, 1, 1, 1, 1, 0, 1, 0]);
  });

  test(`an error behind a collector names the operator that failed, ${form}`, t => {
    const {chain} = new ChainHarness({
      nodes: [
        {
          spec: {
            type: 'flatMap',
            fn: (n, out) => {
              out.collect(n);
              out.collect(n + 1);
            },
          },
          outputs: [to(1)],
        },
        {
          spec: map(n => {
            if (n === 11) throw new TypeError('eleven');
            return n;
          }),
          outputs: [to(2)],
        },
        {spec: sinkTo(new CollectingSink())},
      ],
      interpret,
    });
    chain.open();

    const error = operatorErrorOf(() => chain.runValues([1, 10], undefined, 0, 2));

    t.is(error.operatorIndex, 1);
    t.is(error.record, 10, 'the record that went into the chain');
    t.deepEqual([...chain.counts], [2, 4, 4, 3, 3, 0]);
    const described = describeOperatorError(error, {
      job: 'j',
      operator: 'Map',
      uid: 'm',
      task: 't',
    });
    t.is(described.code, 'E_USER_FUNCTION');
    t.regex(
      described.message,
      /job=j, operator=Map, uid=m, task=t, thrown=TypeError: eleven, record=10/,
    );
  });

  test(`a function that swallows what happens behind its collector goes on, ${form}`, t => {
    const sink = new CollectingSink();
    const {chain} = new ChainHarness({
      nodes: [
        {
          spec: {
            type: 'flatMap',
            fn: (n, out) => {
              try {
                out.collect(n);
              } catch (error) {
                t.true(error instanceof OperatorError);
              }
              if (n === 3) throw new Error('mine');
            },
          },
          outputs: [to(1)],
        },
        {
          spec: map(n => {
            if (n > 1) throw new Error('behind');
            return n;
          }),
          outputs: [to(2)],
        },
        {spec: sinkTo(sink)},
      ],
      interpret,
    });
    chain.open();

    const error = operatorErrorOf(() => chain.runValues([1, 2, 3], undefined, 0, 3));

    t.is(error.operatorIndex, 0);
    t.is((error.cause as Error).message, 'mine');
    t.deepEqual([...chain.counts], [3, 3, 3, 1, 1, 0]);
  });

  test(`what a generator throws is an error of the head, shown with the index, ${form}`, t => {
    const {chain} = new ChainHarness({
      nodes: [{spec: map(n => n), outputs: [to(1)]}, {spec: sinkTo(new CollectingSink())}],
      interpret,
    });
    chain.open();

    const error = operatorErrorOf(() =>
      chain.runRange(
        index => {
          if (index === 2) throw new Error('generator');
          return {index};
        },
        0,
        5,
      ),
    );

    t.is(error.operatorIndex, 0);
    t.is(error.record, 2);
    t.deepEqual([...chain.counts], [2, 2, 2, 0]);
  });

  test(`a bad key on the way out is an error of the operator that emits, ${form}`, t => {
    const {chain} = new ChainHarness({
      nodes: [
        {spec: map(n => ({n})), outputs: [to(1)]},
        {spec: map(({n}) => ({key: n === 2 ? null : n})), outputs: [toWriter(0)]},
      ],
      writers: [
        {
          consumers: 2,
          partitioner: () => hashPartitioner(keyReader({kind: 'fields', paths: [['key']]}), 2, 128),
          schema: schema({key: int32}),
        },
      ],
      interpret,
    });
    chain.open();

    const error = operatorErrorOf(() => chain.runValues([1, 2], undefined, 0, 2));

    t.is((error.cause as StreamError).code, 'E_KEY_NULL');
    t.is(error.operatorIndex, 1);
    t.deepEqual([...chain.counts], [2, 2, 2, 2]);
  });

  test(`records that widen the schema of an output arrive, and the loop is made anew, ${form}`, t => {
    const harness = new ChainHarness({
      nodes: [{spec: map(value => ({value})), outputs: [toWriter(0)]}],
      writers: [{consumers: 1, partitioner: () => constantPartitioner(0)}],
      interpret,
    });
    const values = [1, 2, 0.5, 'text', null, {deep: 1n}, [1], undefined];
    harness.chain.open();

    for (let n = 0; n < 3; n += 1) harness.runValues(values);
    harness.finish();

    const expected = [...values, ...values, ...values].map(value => ({value}));
    t.deepEqual(
      harness.outputs()[0]!.map(({value}) => value),
      expected,
    );
    t.deepEqual([...harness.chain.counts], [24, 24]);
  });

  test(`fields that a function adds on the way reach the output, ${form}`, t => {
    const harness = new ChainHarness({
      nodes: [
        {spec: map(({n}) => ({n})), outputs: [to(1)]},
        {
          spec: filter(record => {
            if (record.n > 80) record.late = true;
            return true;
          }),
          outputs: [toWriter(0)],
        },
      ],
      writers: [{consumers: 1, partitioner: () => constantPartitioner(0)}],
      interpret,
    });
    harness.chain.open();
    const numbers = Array.from({length: 100}, (_, n) => ({n}));

    harness.runValues(numbers.slice(0, 70)).runValues(numbers.slice(70)).finish();

    t.deepEqual(
      harness.outputs()[0]!.map(({value}) => value),
      numbers.map(({n}) => (n > 80 ? {n, late: true} : {n})),
    );
  });

  test(`one record alone may come between batches, ${form}`, t => {
    const sink = new CollectingSink();
    const harness = new ChainHarness({
      nodes: [
        {
          spec: {
            type: 'aggregate',
            key: {kind: 'fields', paths: [['key']]},
            aggregation: 'sum',
            field: ['n'],
            first: true,
            emit: 'update',
          },
          outputs: [to(1)],
        },
        {spec: {type: 'flatMap', fn: (record, out) => out.collect(record.n)}, outputs: [to(2)]},
        {spec: sinkTo(sink)},
      ],
      interpret,
    });
    harness.chain.open();

    harness.runBatches([{key: 1, n: 1}]);
    harness.chain.runOne({key: 1, n: 10}, 5, 0);
    harness.chain.runOne({key: 1, n: 'x'.length * 100}, NaN, 0);
    harness.runBatches([{key: 1, n: 1000}]);

    t.deepEqual(sink.received, [
      {value: 1, timestamp: NaN},
      {value: 11, timestamp: 5},
      {value: 111, timestamp: NaN},
      {value: 1111, timestamp: NaN},
    ]);
    t.deepEqual([...harness.chain.counts], [4, 4, 4, 4, 4, 0]);
  });

  test(`timestamps stay with their records, and NaN stands for none, ${form}`, t => {
    const sink = new CollectingSink();
    const harness = new ChainHarness({
      nodes: [
        {spec: map(n => n), outputs: [to(1)]},
        {spec: {type: 'flatMap', fn: n => [n, n]}, outputs: [to(2)]},
        {spec: sinkTo(sink)},
      ],
      interpret,
    });
    harness.chain.open();

    harness
      .runValues([1], [7])
      .runBatches([2], [8])
      .runValues([3])
      .runRange(n => n, 4, 5);

    t.deepEqual(
      sink.received.map(({timestamp}) => timestamp),
      [7, 7, 8, 8, NaN, NaN, NaN, NaN],
    );
  });
}

test('without counts the loop counts nothing and does the same', t => {
  const sink = new CollectingSink();
  const harness = new ChainHarness({
    nodes: [
      {spec: {type: 'flatMap', fn: n => [n, n]}, outputs: [to(1)]},
      {spec: filter(n => n > 1), outputs: [to(2)]},
      {spec: sinkTo(sink)},
    ],
    counts: false,
  });
  harness.chain.open();

  harness.runValues([1, 2]).finish();

  t.deepEqual(
    sink.received.map(({value}) => value),
    [2, 2],
  );
  t.deepEqual([...harness.chain.counts], [0, 0, 0, 0, 0, 0]);
  t.notRegex(harness.chain.loopText({kind: 'values', inputIndex: 0}), /\bn\d+\+\+/);
});

test('the text of a loop can be had of a chain that is not open', t => {
  const created: string[] = [];
  const {chain} = new ChainHarness({
    nodes: [
      {
        spec: {
          type: 'process',
          fn: {
            processElement(record: any, context, out) {
              context.output(new OutputTag('side'), record);
              out.collect(record);
            },
          },
        },
        outputs: [to(1), to(2, 'side')],
      },
      {
        spec: {
          type: 'reduce',
          key: {kind: 'fields', paths: [['k']]},
          fn: a => a,
          emit: 'update',
        },
        outputs: [to(2)],
      },
      {
        spec: {
          type: 'sink',
          sink: {
            name: 's',
            createWriter() {
              created.push('writer');
              return {write() {}};
            },
          },
        },
      },
    ],
  });

  const text = chain.loopText({kind: 'values', inputIndex: 0});

  t.regex(text, /for \(; \$row < \$to; \$row\+\+\)/);
  t.deepEqual(created, []);
});

test('an error of the engine keeps its code and gains the place', t => {
  const cause = new StreamError('E_KEY_NULL', 'a key is null', {key: 'null'}, {remedy: 'filter'});

  const described = describeOperatorError(new OperatorError(cause, 2, true, {a: 1}), {
    job: 'j',
    operator: 'Reduce',
  });

  t.is(described.code, 'E_KEY_NULL');
  t.is(
    described.message,
    'E_KEY_NULL a key is null: job=j, operator=Reduce, record={"a":1}, key=null; filter',
  );
});
