/** Keys land where Flink puts them: vectors of a real Flink, and the laws of the ranges. */
import test from 'ava';
import fc from 'fast-check';
import {murmur} from '../../src/base/hash.ts';
import {
  defaultMaxParallelism,
  hashKey,
  keyGroupOf,
  keyGroupRange,
  subtaskOf,
} from '../../src/base/key-group.ts';

const parse: Record<string, (key: string) => unknown> = {
  integer: Number,
  long: BigInt,
  string: key => key,
  boolean: key => key === 'true',
  double: Number,
};

// [type, key, hashCode, murmur, group of 128, group of 100, subtask of 4, subtask of 7]
const VECTORS: Array<[string, string, number, number, number, number, number, number]> = [
  ['integer', '0', 0, 593689054, 94, 54, 2, 5],
  ['integer', '1', 1, 68075478, 86, 78, 2, 4],
  ['integer', '-1', -1, 1982413648, 80, 48, 2, 4],
  ['integer', '2', 2, 1085422463, 127, 63, 3, 6],
  ['integer', '7', 7, 1343918321, 113, 21, 3, 6],
  ['integer', '42', 42, 1134849565, 29, 65, 0, 1],
  ['integer', '100', 100, 616682048, 64, 48, 2, 3],
  ['integer', '127', 127, 1931274395, 27, 95, 0, 1],
  ['integer', '128', 128, 132521001, 41, 1, 1, 2],
  ['integer', '1000', 1000, 3506311, 7, 11, 0, 0],
  ['integer', '123456789', 123456789, 1088346449, 81, 49, 2, 4],
  ['integer', '2147483647', 2147483647, 1653689534, 62, 34, 1, 3],
  ['integer', '-2147483648', -2147483648, 1718298732, 108, 32, 3, 5],
  ['long', '0', 0, 593689054, 94, 54, 2, 5],
  ['long', '1', 1, 68075478, 86, 78, 2, 4],
  ['long', '-1', 0, 593689054, 94, 54, 2, 5],
  ['long', '42', 42, 1134849565, 29, 65, 0, 1],
  ['long', '4294967296', 1, 68075478, 86, 78, 2, 4],
  ['long', '9007199254740991', -2097152, 226258121, 73, 21, 2, 3],
  ['long', '9007199254740993', 2097153, 922188035, 3, 35, 0, 0],
  ['long', '9223372036854775807', -2147483648, 1718298732, 108, 32, 3, 5],
  ['long', '-9223372036854775808', -2147483648, 1718298732, 108, 32, 3, 5],
  ['long', '1234567890123', 1912276436, 1151597916, 92, 16, 2, 5],
  ['string', '', 0, 593689054, 94, 54, 2, 5],
  ['string', 'a', 97, 1455541201, 81, 1, 2, 4],
  ['string', 'b', 98, 516420758, 22, 58, 0, 1],
  ['string', 'ab', 3105, 1707819681, 33, 81, 1, 1],
  ['string', 'Aa', 2112, 506449132, 108, 32, 3, 5],
  ['string', 'BB', 2112, 506449132, 108, 32, 3, 5],
  ['string', 'hello', 99162322, 1715862179, 35, 79, 1, 1],
  ['string', 'user-1', -836031825, 1662039673, 121, 73, 3, 6],
  ['string', 'user-2', -836031824, 2010244374, 22, 74, 0, 1],
  ['string', 'user-100', -267697937, 582367645, 29, 45, 0, 1],
  ['string', 'The quick brown fox jumps over the lazy dog', -609428141, 1974296731, 27, 31, 0, 1],
  ['string', 'é', 233, 1107437598, 30, 98, 0, 1],
  ['string', '日本語', 25921943, 1333041691, 27, 91, 0, 1],
  ['string', '😀', 1772899, 1934073014, 54, 14, 1, 2],
  ['string', '\u0000', 0, 593689054, 94, 54, 2, 5],
  ['string', 'Zoë', 90166, 1508918190, 46, 90, 1, 2],
  ['boolean', 'true', 1231, 1090530765, 77, 65, 2, 4],
  ['boolean', 'false', 1237, 1530821891, 3, 91, 0, 0],
  ['double', '-0.0', -2147483648, 1718298732, 108, 32, 3, 5],
  ['double', '1.5', 1073217536, 1684538177, 65, 77, 2, 3],
  ['double', '-1.5', -1074266112, 1688987191, 55, 91, 1, 3],
  ['double', '0.1', -1507852285, 623961441, 97, 41, 3, 5],
  ['double', 'Infinity', 2146435072, 663429370, 122, 70, 3, 6],
  ['double', '4.9E-324', 1, 68075478, 86, 78, 2, 4],
];

for (const [type, key, hash, spread, group, group100, of4, of7] of VECTORS) {
  test(`the ${type} ${JSON.stringify(key)} lands in key group ${group}`, t => {
    t.is(hashKey(parse[type]!(key)), hash);
    t.is(murmur(hash), spread);
    t.is(keyGroupOf(hash, 128), group);
    t.is(keyGroupOf(hash, 100), group100);
    t.is(subtaskOf(group, 128, 4), of4);
    t.is(subtaskOf(group, 128, 7), of7);
  });
}

test('a date hashes as the long of its milliseconds', t => {
  for (const ms of [0, -1, 1234567890123, -62135596800000, 8.64e15]) {
    t.is(hashKey(new Date(ms)), hashKey(BigInt(ms)), String(ms));
  }
});

test('a tuple starts with the hash of its first field and folds in the others by 31', t => {
  t.is(hashKey(['hello']), 99162322);
  t.is(hashKey(['a', 1]), 97 * 31 + 1);
  t.is(hashKey(['a', true, 7]), ((97 * 31 + 1231) | 0) * 31 + 7);
  t.is(hashKey([['a', 1], 2]), (97 * 31 + 1) * 31 + 2);
});

for (const [name, key, code, message] of [
  ['null', null, 'E_KEY_NULL', /key=null/],
  ['undefined', undefined, 'E_KEY_NULL', /key=undefined/],
  ['NaN', NaN, 'E_KEY_NAN', /key=NaN/],
  ['an invalid date', new Date(NaN), 'E_KEY_NAN', /key=Invalid Date/],
  ['a plain object', {id: 7}, 'E_KEY_TYPE', /key=\{"id":7\}/],
  ['a function', () => 1, 'E_KEY_TYPE', /function/],
  ['a symbol', Symbol('s'), 'E_KEY_TYPE', /Symbol\(s\)/],
  ['an empty array', [], 'E_KEY_TYPE', /key=\[\]/],
  ['a bigint of 65 bits', 2n ** 64n, 'E_KEY_TYPE', /key=18446744073709551616n/],
  ['a tuple with null', ['a', null], 'E_KEY_NULL', /key=null, field=1/],
] as Array<[string, unknown, string, RegExp]>) {
  test(`${name} is refused as a key, and named`, t => {
    const error = t.throws(() => hashKey(key), {code});
    t.regex(error.message, message);
    t.regex(error.message, /keyBy/);
  });
}

test('the ranges for 128 groups are those of Flink', t => {
  const ranges = (p: number) =>
    Array.from({length: p}, (_, i) => Object.values(keyGroupRange(i, 128, p)).join('–')).join(' ');

  t.is(ranges(3), '0–42 43–85 86–127');
  t.is(ranges(7), '0–18 19–36 37–54 55–73 74–91 92–109 110–127');
});

test('ranges cut all groups into gapless pieces that agree with subtaskOf', t => {
  const sizes = fc
    .integer({min: 1, max: 2000})
    .chain(maxP => fc.tuple(fc.constant(maxP), fc.integer({min: 1, max: maxP})));
  fc.assert(
    fc.property(sizes, ([maxP, p]) => {
      let next = 0;
      for (let subtask = 0; subtask < p; subtask += 1) {
        const {first, last} = keyGroupRange(subtask, maxP, p);
        if (first !== next || last < first) return false;
        if (subtaskOf(first, maxP, p) !== subtask || subtaskOf(last, maxP, p) !== subtask) {
          return false;
        }
        next = last + 1;
      }
      return next === maxP;
    }),
  );
  t.pass();
});

test('the default max parallelism is 128 up to 85, then doubles, up to 32768', t => {
  t.deepEqual(
    [1, 85, 86, 171, 172, 30000].map(defaultMaxParallelism),
    [128, 128, 256, 256, 512, 32768],
  );
});

test('consecutive integers spread over 7 subtasks as evenly as in Flink', t => {
  const counts = new Array<number>(7).fill(0);
  for (let key = 0; key < 100_000; key += 1) {
    counts[subtaskOf(keyGroupOf(hashKey(key), 128), 128, 7)]! += 1;
  }

  t.is(Math.min(...counts), 13_919);
  t.is(Math.max(...counts), 15_235);
});
