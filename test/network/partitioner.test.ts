/** Where records go, and that the compiled form of each partitioner says the same as the function. */
import test from 'ava';
import fc from 'fast-check';
import {StreamError} from '../../src/base/errors.ts';
import {Random} from '../../src/base/random.ts';
import {
  ALL_CHANNELS,
  broadcastPartitioner,
  constantPartitioner,
  customPartitioner,
  hashPartitioner,
  roundRobinPartitioner,
  shufflePartitioner,
  type Partitioner,
} from '../../src/network/partitioner.ts';
import {compileFactory} from '../../src/records/compiler.ts';

/** The text of a partitioner as a function, made the way that chains make their loops. */
function compiled(partitioner: Partitioner): (value: unknown) => number {
  const bound: unknown[] = [];
  const text = partitioner.text('$value', value => {
    if (!bound.includes(value)) bound.push(value);
    return `$${bound.indexOf(value)}`;
  });
  const names = bound.map((_, index) => `$${index}`);
  const body = `return function select($value) { let $k; return ${text}; };`;
  return compileFactory<(value: unknown) => number>('test/partitioner', names, body)(...bound);
}

const byField = {
  select: (value: unknown) => (value as {key: unknown}).key,
  text: (value: string) => `${value}.key`,
};

/** Keys with the subtask that Flink gives them, of 4 and of 7, at a max parallelism of 128. */
const FLINK: Array<[key: unknown, of4: number, of7: number]> = [
  [0, 2, 5],
  [1, 2, 4],
  [-1, 2, 4],
  [42, 0, 1],
  [2147483647, 1, 3],
  [-2147483648, 3, 5],
  [1n, 2, 4],
  [4294967296n, 2, 4],
  [9007199254740993n, 0, 0],
  ['hello', 1, 1],
  ['user-1', 3, 6],
  ['', 2, 5],
  ['日本語', 0, 1],
  [true, 2, 4],
  [false, 0, 0],
  [-0, 3, 5],
  [1.5, 2, 3],
  [Infinity, 3, 6],
];

for (const [key, of4, of7] of FLINK) {
  const shown = Object.is(key, -0) ? '-0' : typeof key === 'bigint' ? `${key}n` : String(key);
  test(`the ${typeof key} '${shown}' goes where Flink sends it`, t => {
    for (const [channels, expected] of [
      [4, of4],
      [7, of7],
    ] as const) {
      const partitioner = hashPartitioner(byField, channels, 128);
      t.is(partitioner.select({key}), expected);
      t.is(compiled(partitioner)({key}), expected);
    }
  });
}

test('both forms of the hash partitioner agree on any key, for any number of channels', t => {
  const key = fc.oneof(
    fc.integer(),
    fc.double({noNaN: true}),
    fc.constantFrom(-0, 0, 2 ** 31, -(2 ** 31), 2 ** 53),
    fc.string({unit: 'binary'}),
    fc.boolean(),
    fc.bigInt({min: -(2n ** 63n), max: 2n ** 63n - 1n}),
    fc.date({noInvalidDate: true}),
    fc.array(fc.oneof(fc.integer(), fc.string()), {minLength: 1, maxLength: 3}),
  );
  const parallelism = fc
    .tuple(fc.integer({min: 1, max: 300}), fc.integer({min: 1, max: 300}))
    .map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);
  fc.assert(
    fc.property(parallelism, fc.array(key), ([channels, maxParallelism], keys) => {
      const partitioner = hashPartitioner(byField, channels, maxParallelism);
      const select = compiled(partitioner);
      for (const each of keys) {
        const channel = select({key: each});
        if (channel !== partitioner.select({key: each})) return false;
        if (!(channel >= 0 && channel < channels && Number.isInteger(channel))) return false;
      }
      return true;
    }),
    {seed: 11, numRuns: 300},
  );
  t.pass();
});

test('a key without a hash is refused by both forms with the same error', t => {
  const partitioner = hashPartitioner(byField, 4, 128);
  for (const [key, code] of [
    [null, 'E_KEY_NULL'],
    [undefined, 'E_KEY_NULL'],
    [NaN, 'E_KEY_NAN'],
    [{}, 'E_KEY_TYPE'],
    [Symbol('s'), 'E_KEY_TYPE'],
  ] as const) {
    for (const select of [partitioner.select, compiled(partitioner)]) {
      t.throws(() => select({key}), {instanceOf: StreamError, code});
    }
  }
});

test('round robin goes through all channels from its start, in either form and in turns', t => {
  const partitioner = roundRobinPartitioner(3, 2);
  const select = compiled(partitioner);

  const channels = Array.from({length: 7}, (_, n) =>
    n % 2 === 0 ? partitioner.select(n) : select(n),
  );

  t.deepEqual(channels, [2, 0, 1, 2, 0, 1, 2]);
});

test('two round robins do not disturb each other', t => {
  const [a, b] = [roundRobinPartitioner(2, 0), roundRobinPartitioner(2, 0)];
  const selectA = compiled(a);

  t.deepEqual([selectA(0), b.select(0), selectA(0), b.select(0)], [0, 0, 1, 1]);
});

test('one channel is always the same one', t => {
  for (const partitioner of [roundRobinPartitioner(1, 0), constantPartitioner(0)]) {
    const select = compiled(partitioner);
    t.deepEqual([partitioner.select(1), select(2), select(3)], [0, 0, 0]);
  }
  t.is(constantPartitioner(3).select('x'), 3);
  t.is(compiled(constantPartitioner(3))('x'), 3);
});

test('broadcast names all channels', t => {
  t.is(broadcastPartitioner().select(1), ALL_CHANNELS);
  t.is(compiled(broadcastPartitioner())(1), ALL_CHANNELS);
});

test('shuffle is even, and a seed repeats it in either form', t => {
  const [a, b] = [5, 5].map(seed => shufflePartitioner(7, new Random(seed)));
  const select = compiled(b);
  const counts = new Array<number>(7).fill(0);

  for (let n = 0; n < 70_000; n += 1) {
    const channel = a.select(n);
    if (channel !== select(n)) t.fail(`draw ${n}`);
    counts[channel] += 1;
  }

  t.true(
    counts.every(count => count > 9_500 && count < 10_500),
    counts.join(),
  );
});

test('a partition function decides, and is given the key and the number of channels', t => {
  const partitioner = customPartitioner(
    (key, channels) => ((key as number) + 1) % channels,
    byField.select,
    3,
  );

  for (const select of [partitioner.select, compiled(partitioner)]) {
    t.deepEqual(
      [0, 1, 2].map(key => select({key})),
      [1, 2, 0],
    );
  }
});

test('a channel that does not exist is refused, with what the function said', t => {
  for (const answer of [3, -1, 0.5, NaN, undefined, '1', null]) {
    const partitioner = customPartitioner(() => answer as number, byField.select, 3);
    for (const select of [partitioner.select, compiled(partitioner)]) {
      const error = t.throws(() => select({key: 'k'}), {
        instanceOf: StreamError,
        code: 'E_PARTITION_RANGE',
      });
      t.is(error.details.channels, 3);
      t.is(error.details.key, '"k"');
      t.regex(error.message, /return an integer from 0 to 2/);
    }
  }
});
