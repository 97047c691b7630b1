/** What generated loops leave out: columns that nobody reads, objects that nobody needs, sure checks. */
import test from 'ava';
import {hashPartitioner} from '../../src/network/partitioner.ts';
import {keyReader} from '../../src/operators/key.ts';
import type {OperatorSpec} from '../../src/operators/operator.ts';
import {BatchReader} from '../../src/records/batch-reader.ts';
import {inferSchema} from '../../src/records/infer-schema.ts';
import {float64, int32, schema, type RecordSchema} from '../../src/records/schema.ts';
import {
  ChainHarness,
  CollectingSink,
  to,
  toWriter,
  type WriterSpec,
} from '../support/chain-harness.ts';
import {BY_KEY} from '../support/keyed-case.ts';
import {testArena} from '../support/record-stream.ts';

const BID = {key: 1, price: 0.5, url: 'text', more: [1]};

/** The loop of a chain for batches of `schema`, as text. */
function loopText(
  specs: readonly OperatorSpec[],
  recordSchema: RecordSchema = inferSchema([BID]),
  writer?: WriterSpec,
): string {
  const last = specs.length;
  const end = writer === undefined ? to(last) : toWriter(0);
  const harness = new ChainHarness({
    nodes: [
      ...specs.map((spec, index) => ({
        spec,
        outputs: [index + 1 < last ? to(index + 1) : end],
      })),
      ...(writer === undefined
        ? [{spec: {type: 'sink' as const, sink: new CollectingSink()}}]
        : []),
    ],
    writers: writer === undefined ? [] : [writer],
  });
  harness.chain.open();
  const reader = new BatchReader(testArena(1024), {
    segmentSizeBytes: 512,
    schema: recordSchema,
    timestamps: false,
  });
  return harness.chain.loopText({kind: 'batch', reader, inputIndex: 0});
}

const map = (fn: (record: any) => unknown): OperatorSpec => ({type: 'map', fn});
const filter = (fn: (record: any) => boolean): OperatorSpec => ({type: 'filter', fn});

/** How often a column is read in a text; columns are numbered in the order of the fields. */
function reads(text: string, column: number): number {
  return text.split(`in_c${column} + $row`).length - 1;
}

test('a function gets only the fields that it reads', t => {
  const text = loopText([map(bid => bid.price * 2)]);

  t.regex(text, /\(\{"price": in_doubles\[in_c1 \+ \$row\]\}\)/);
  t.is(reads(text, 0) + reads(text, 2) + reads(text, 3), 0);
});

test('a function of which too little is known gets the whole record', t => {
  const log = (record: any): number => record.key;

  for (const fn of [
    (bid: any) => log(bid),
    (bid: any) => (bid.price = 1),
    (bid: any) => bid.more,
  ]) {
    t.true(reads(loopText([map(fn)]), 2) > 0, String(fn));
  }
});

test('a filter builds the record only for what passes', t => {
  const text = loopText([filter(bid => bid.price > 1), map(bid => [bid])]);

  t.regex(
    text,
    /if \(\S+\(\{"price": [^}]*\}\)\) \{\nn\d+\+\+;\n(?:\$at = \d+;\n|\{\n)*const record/,
  );
});

test('an aggregation of columns builds no record, and reads no other column of a known key', t => {
  const text = loopText([
    {
      type: 'aggregate',
      key: BY_KEY,
      aggregation: 'sum',
      field: ['price'],
      first: true,
      emit: 'final',
    },
  ]);
  const known = text.slice(text.lastIndexOf('else {'));

  t.is(reads(known, 1), 1);
  t.is(reads(known, 2), 0);
});

test('a record that was changed is read from its columns no more', t => {
  const sum: OperatorSpec = {
    type: 'aggregate',
    key: BY_KEY,
    aggregation: 'sum',
    field: ['price'],
    first: true,
    emit: 'update',
  };

  t.regex(loopText([filter(bid => bid.price > 1), sum]), /keyed\d+: \{/);
  t.notRegex(loopText([filter(bid => (bid.price = 2) > 1), sum]), /keyed\d+: \{/);
});

const numbers = schema({key: int32, n: float64});
const byKey: WriterSpec = {
  consumers: 2,
  partitioner: () => hashPartitioner(keyReader(BY_KEY), 2, 128),
  schema: {...numbers, declared: false},
};

test('fields are counted only where they are not proven', t => {
  const counting = /for \(const \S+ in/;
  const input = inferSchema([{key: 1, n: 0.5}]);

  const proven: OperatorSpec[][] = [
    [map(r => ({key: r.key, n: r.n}))],
    [map(r => ({key: r.key, n: r.n})), filter(r => r.n > 1)],
    [filter(r => r.n > 1)],
    [filter(r => (r.n = 2) > 1)],
    [{type: 'reduce', key: BY_KEY, fn: (a, b) => ({key: a.key, n: b.n}), emit: 'update'}],
    [{type: 'coMap', fn: {map1: (r: any) => ({key: r.key, n: 1}), map2: () => 1}}],
  ];
  for (const specs of proven) t.notRegex(loopText(specs, input, byKey), counting);

  const open: OperatorSpec[][] = [
    [map(r => ({...r}))],
    [map(r => ({key: r.key, n: r.n, m: 1}))],
    [map(r => ({key: r.key, n: r.n})), filter(r => (r.m = 2) > 1)],
    [map(r => r)],
    [{type: 'flatMap', fn: r => [r]}],
  ];
  for (const specs of open) t.regex(loopText(specs, input, byKey), counting);
});

test('fields that records may lack prove nothing', t => {
  const lacking = inferSchema([{key: 1, n: 0.5}, {key: 1}]);

  t.regex(loopText([filter(r => r.key > 1)], lacking, byKey), /for \(const \S+ in/);
});
