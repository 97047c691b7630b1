/** Whatever a stream holds arrives unchanged, with generated code and without. */
import assert from 'node:assert/strict';
import test from 'ava';
import fc from 'fast-check';
import {carry, expectedDeliveries} from '../support/record-stream.ts';
import {anyValue, recordStream, similarRecord} from '../support/record-values.ts';

const options = fc.record({
  segmentSizeBytes: fc.constantFrom(256, 512, 1024, 4096, 32_768),
  targetCount: fc.integer({min: 1, max: 3}),
  timestamps: fc.boolean(),
  interpretWriter: fc.boolean(),
  interpretReader: fc.boolean(),
  sampleCount: fc.integer({min: 0, max: 5}),
  localTargets: fc.integer({min: 0, max: 7}),
});

for (const seed of [1, 2]) {
  test(`any stream arrives unchanged through any segment size and widening, seed ${seed}`, t => {
    fc.assert(
      fc.property(recordStream, options, (values, chosen) => {
        const {delivered} = carry(values, chosen);
        assert.deepStrictEqual(delivered, expectedDeliveries(values, chosen));
      }),
      {numRuns: 400, seed},
    );
    t.pass();
  });
}

test('generated code and interpreter make the same batches', t => {
  fc.assert(
    fc.property(recordStream, options, (values, chosen) => {
      const compiled = carry(values, {...chosen, interpretWriter: false, interpretReader: false});
      const interpreted = carry(values, {...chosen, interpretWriter: true, interpretReader: true});
      assert.deepStrictEqual(compiled, interpreted);
    }),
    {numRuns: 200, seed: 3},
  );
  t.pass();
});

test('records of one shape settle on a schema of typed columns', t => {
  const values = fc.sample(similarRecord, {seed: 5, numRuns: 500});
  const chosen = {
    segmentSizeBytes: 32_768,
    targetCount: 2,
    timestamps: true,
    interpretWriter: false,
    interpretReader: false,
    sampleCount: 10,
  };

  const {delivered, schema, schemaVersion} = carry(values, chosen);

  assert.deepStrictEqual(delivered, expectedDeliveries(values, chosen));
  const types = Object.fromEntries(
    schema.columns.map(column => [column.path.join('.'), column.type]),
  );
  t.like(types, {
    key: 'int32',
    price: 'float64',
    name: 'string',
    kind: 'string',
    isOpen: 'boolean',
    'inner.id': 'int32',
    'inner.deep.at': 'date',
    data: 'bytes',
    mixed: 'any',
  });
  t.true(schemaVersion < 20);
});

test('streams of bare values arrive unchanged', t => {
  fc.assert(
    fc.property(fc.array(anyValue, {maxLength: 50}), options, (values, chosen) => {
      const {delivered} = carry(values, chosen);
      assert.deepStrictEqual(delivered, expectedDeliveries(values, chosen));
    }),
    {numRuns: 200, seed: 4},
  );
  t.pass();
});
