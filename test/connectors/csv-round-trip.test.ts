/** Any table of the types that CSV has goes through a sink and a source unchanged. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import test from 'ava';
import {csvSource} from '../../src/connectors/csv-source.ts';
import {CsvRowWriter} from '../../src/connectors/formats/csv-text.ts';
import {
  bigint,
  boolean,
  date,
  float64,
  int32,
  nullable,
  schema,
  string,
} from '../../src/records/schema.ts';
import {MemoryFiles} from '../support/memory-files.ts';
import {SourceDriver} from '../support/source-contract.ts';

const TYPES = {int32, float64, boolean, bigint, date, string};
type TypeName = keyof typeof TYPES;

const texts = fc.oneof(
  fc.string({unit: 'binary', maxLength: 8}),
  fc
    .array(fc.constantFrom('"', ',', ';', '\n', '\r', '\r\n', '\ufeff', ' ', 'a', '€'), {
      maxLength: 8,
    })
    .map(parts => parts.join('')),
);

const VALUES: Record<TypeName, fc.Arbitrary<unknown>> = {
  int32: fc.integer(),
  float64: fc.double(),
  boolean: fc.boolean(),
  bigint: fc.bigInt(),
  date: fc.date({noInvalidDate: true}),
  string: texts,
};

/** Columns, their types, and rows. */
const tables = fc
  .uniqueArray(
    fc.tuple(
      texts.filter(name => !(name in Object.prototype)),
      fc.constantFrom(...(Object.keys(TYPES) as TypeName[])),
      fc.boolean(),
    ),
    {minLength: 1, maxLength: 5, selector: ([name]) => name},
  )
  .chain(columns =>
    fc.record({
      columns: fc.constant(columns),
      rows: fc.array(
        fc.tuple(
          ...columns.map(([, type, isNullable]) =>
            isNullable ? fc.option(VALUES[type], {nil: null}) : VALUES[type],
          ),
        ),
        {maxLength: 8},
      ),
    }),
  );

test('random tables come back as they were (seed 1)', t => {
  fc.assert(
    fc.property(
      tables,
      fc.constantFrom(',', ';', '\t', '|', ']', '\\', '^', '-'),
      fc.integer({min: 1, max: 40}),
      ({columns, rows}, delimiter, bufferSizeBytes) => {
        const names = columns.map(([name]) => name);
        const records = rows.map(row =>
          Object.fromEntries(names.map((name, at) => [name, (row as unknown[])[at]])),
        );
        const writer = new CsvRowWriter(delimiter, names);
        const lines = [writer.header(), ...records.map(record => writer.row(record))];
        const shape = schema(
          Object.fromEntries(
            columns.map(([name, type, isNullable]) => [
              name,
              isNullable ? nullable(TYPES[type] as typeof string) : TYPES[type],
            ]),
          ) as never,
        );

        const source = csvSource(
          {paths: ['file'], delimiter, schema: shape},
          {
            fileSystem: new MemoryFiles({file: `${lines.join('\n')}\n`}),
            sizes: {bufferSizeBytes, blockSizeBytes: 8},
          },
        );
        const driver = new SourceDriver(source);
        for (const split of source.enumerateSplits({parallelism: 1})) driver.reader.addSplit(split);

        assert.deepEqual(driver.readAll(3), records);
      },
    ),
    {seed: 1, numRuns: 1000},
  );
  t.pass();
});
