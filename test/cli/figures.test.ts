/** Numbers as a terminal shows them. */
import test from 'ava';
import {showBytes, showCount, showDuration, showRate} from '../../src/cli/figures.ts';

test('counts have all their digits, in groups of three', t => {
  t.is(showCount(0), '0');
  t.is(showCount(999), '999');
  t.is(showCount(1000), '1,000');
  t.is(showCount(1_234_567), '1,234,567');
});

test('rates have three digits and a scale, and never more than seven columns', t => {
  t.is(showRate(0), '0');
  t.is(showRate(0.4), '0.4');
  t.is(showRate(42), '42');
  t.is(showRate(999.4), '999');
  t.is(showRate(999.6), '1.00 k');
  t.is(showRate(1234), '1.23 k');
  t.is(showRate(45_678), '45.7 k');
  t.is(showRate(999_499), '999 k');
  t.is(showRate(999_700), '1.00 M');
  t.is(showRate(25_300_000), '25.3 M');
  for (let rate = 1; rate < 1e14; rate *= 1.37) t.true(showRate(rate).length <= 7, showRate(rate));
});

test('durations are as precise as matters', t => {
  t.is(showDuration(85.4), '85 ms');
  t.is(showDuration(999.6), '1.00 s');
  t.is(showDuration(1320), '1.32 s');
  t.is(showDuration(12_345), '12.3 s');
  t.is(showDuration(59_949), '59.9 s');
  t.is(showDuration(59_960), '1 min 00 s');
  t.is(showDuration(123_000), '2 min 03 s');
  t.is(showDuration(7_500_000), '2 h 05 min');
});

test('bytes are counted in the units of the options', t => {
  t.is(showBytes(64 * 1024 * 1024), '64 MB');
  t.is(showBytes(1.5 * 1024 ** 3), '1.50 GB');
});
