/** Dates as text. */
import fc from 'fast-check';
import test from 'ava';
import {parseDate} from '../../../src/connectors/formats/date-text.ts';

const utc = Date.UTC;

for (const [text, ms] of [
  ['1970-01-01', 0],
  ['2024-02-29', utc(2024, 1, 29)],
  ['2024-02-29T12:30', utc(2024, 1, 29, 12, 30)],
  ['2024-02-29 12:30:15', utc(2024, 1, 29, 12, 30, 15)],
  ['2024-02-29T12:30:15.5', utc(2024, 1, 29, 12, 30, 15, 500)],
  ['2024-02-29T12:30:15.123456789Z', utc(2024, 1, 29, 12, 30, 15, 123)],
  ['2024-02-29T00:30:00+01:00', utc(2024, 1, 28, 23, 30)],
  ['2024-02-29T23:30:00-0130', utc(2024, 2, 1, 1, 0)],
  ['2024-02-29T24:00', utc(2024, 2, 1)],
  ['0001-01-01', -62135596800000],
  ['-000001-12-31T00:00:00.000Z', Date.parse('-000001-12-31T00:00:00.000Z')],
  ['+275760-09-13', 8.64e15],
] as const) {
  test(`${text} is a date`, t => {
    t.is(parseDate(text), ms);
  });
}

for (const text of [
  '',
  '2024',
  '2024-02',
  '2024-2-29',
  '2023-02-29',
  '2024-04-31',
  '2024-13-01',
  '2024-00-10',
  '2024-01-00',
  '2024-01-01T24:01',
  '2024-01-01T12:60',
  '2024-01-01T12:00:60',
  '2024-01-01T12',
  '2024-01-01T12:00+25:00',
  '2024-01-01T12:00+00:60',
  '2024-01-01Z',
  ' 2024-01-01',
  '01/02/2024',
  'yesterday',
  '12',
  '-000000-01-01',
  '+275760-09-14',
  '+275760-09-13T00:00:00.001',
]) {
  test(`${JSON.stringify(text)} is no date`, t => {
    t.is(parseDate(text), NaN);
  });
}

test('what Date writes comes back (seed 1)', t => {
  fc.assert(
    fc.property(fc.date({noInvalidDate: true}), date => {
      return parseDate(date.toISOString()) === date.getTime();
    }),
    {seed: 1, numRuns: 2000},
  );
  t.pass();
});
