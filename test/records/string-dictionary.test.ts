/** Codes of texts, per target and batch, and what the dictionary keeps alive. */
import {setFlagsFromString} from 'node:v8';
import {runInNewContext} from 'node:vm';
import test from 'ava';
import {StringDictionary} from '../../src/records/string-dictionary.ts';

/** The code of a text, as `append` gets it. */
function codeOf(dictionary: StringDictionary, target: number, text: string): number {
  const code = dictionary.find(target, text);
  return code < 0 ? dictionary.add(target) : code;
}

test('codes count from 0 in each open batch, and are the same for the same text', t => {
  const dictionary = new StringDictionary(2);

  t.deepEqual(
    ['b', 'a', 'b', 'c'].map(text => codeOf(dictionary, 0, text)),
    [0, 1, 0, 2],
  );
  t.deepEqual(
    ['c', 'b'].map(text => codeOf(dictionary, 1, text)),
    [0, 1],
  );

  t.is(dictionary.count(0), 3);
  t.is(dictionary.count(1), 2);
  t.is(dictionary.size, 3);
});

test('a new batch has no codes, though the texts are known', t => {
  const dictionary = new StringDictionary(2);
  for (const text of ['a', 'b', 'c']) codeOf(dictionary, 0, text);
  codeOf(dictionary, 1, 'c');

  dictionary.reset(0);

  t.is(dictionary.find(0, 'a'), -1);
  t.is(codeOf(dictionary, 0, 'c'), 0);
  // Code 0 belonged to `a` before, and `c` had code 2.
  t.is(dictionary.find(0, 'a'), -1);
  t.is(codeOf(dictionary, 0, 'b'), 1);
  t.is(dictionary.find(1, 'c'), 0);
});

test('a text that is only looked for has no code, also behind others', t => {
  const dictionary = new StringDictionary(1);

  t.is(dictionary.find(0, 'seen'), -1);
  t.is(codeOf(dictionary, 0, 'first'), 0);

  t.is(dictionary.find(0, 'seen'), -1);
  t.is(dictionary.count(0), 1);
});

test('thousands of texts have their own codes', t => {
  const dictionary = new StringDictionary(1);
  const texts = Array.from({length: 5_000}, (_, index) => `text ${index}`);

  t.deepEqual(
    texts.map(text => codeOf(dictionary, 0, text)),
    texts.map((_, index) => index),
  );
  t.deepEqual(
    texts.map(text => dictionary.find(0, text)),
    texts.map((_, index) => index),
  );

  dictionary.clear();
  t.is(dictionary.size, 0);
  t.is(dictionary.find(0, 'text 7'), -1);
});

test('remembered texts do not keep the batches alive that they came from', t => {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  const dictionary = new StringDictionary(1);
  gc();
  const before = process.memoryUsage().heapUsed;

  for (let batch = 0; batch < 500; batch += 1) {
    const whole = Buffer.alloc(32_768, `a text of batch ${batch}, `).toString('latin1');
    codeOf(dictionary, 0, whole.substring(0, 20));
  }
  gc();

  t.is(dictionary.size, 500);
  // Slices would keep 16 MiB.
  t.true(process.memoryUsage().heapUsed - before < 4 << 20);
});
