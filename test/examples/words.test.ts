/** The tokenizer of the word count against the one line that says what a word is. */
import test from 'ava';
import fc from 'fast-check';
import {countWords, wordsOf} from '../../examples/words.ts';

/** A word is a maximal run of letters and digits, and then in lower case. */
function naiveWords(text: string): string[] {
  return (text.match(/[\p{L}\p{N}]+/gu) ?? []).map(word => word.toLowerCase());
}

const PIECE_LENGTH = 1 << 16;

/** Texts of everything that might matter: letters of all sizes, digits, marks, halves of characters. */
const pieces = fc.oneof(
  fc.string({unit: 'binary', maxLength: 6}),
  fc.string({unit: 'grapheme', maxLength: 6}),
  fc.constantFrom(
    ...[
      'a',
      'Z',
      '9',
      ' ',
      '\n',
      '\t',
      "don't",
      'É',
      'ß',
      'İ',
      'ΟΔΟΣ',
      '𝔘',
      '𐐀',
      '日本',
      '٣',
      'Ⅷ',
      '²',
    ],
    ...['_', '-', '—', '“', '\u0301', '\u200d', '\ufeff', '\ufffd', '\ud835', '\udd18', '🚀', 'ǅ'],
  ),
);
const texts = fc.array(pieces, {maxLength: 30}).map(parts => parts.join(''));

test('words are maximal runs of letters and digits, in lower case', t => {
  t.deepEqual(
    [...wordsOf("Call me Ishmael. It's 1851 — ЁЖ, ΟΔΟΣ; 𝔘𐐀x² İstanbul naïve_CAFÉ")],
    [
      ...['call', 'me', 'ishmael', 'it', 's', '1851', 'ёж', 'οδος', '𝔘𐐨x²'],
      ...['i\u0307stanbul', 'naïve', 'café'],
    ],
  );
  t.deepEqual([...wordsOf('')], []);
  t.deepEqual([...wordsOf('… — !')], []);
});

test('any text gives the words of the definition, seed 1', t => {
  fc.assert(
    fc.property(texts, text => {
      t.is([...wordsOf(text)].join(' '), naiveWords(text).join(' '), JSON.stringify(text));
    }),
    {seed: 1, numRuns: 2000},
  );
});

test('a long text is cut between words, wherever its pieces end, seed 2', t => {
  fc.assert(
    fc.property(texts, fc.integer({min: 0, max: 12}), (middle, shift) => {
      const text = `${'lorem Ipsum '.repeat(6000).slice(0, PIECE_LENGTH - shift)}${middle} end`;
      t.is([...wordsOf(text)].join(' '), naiveWords(text).join(' '), JSON.stringify(middle));
    }),
    {seed: 2, numRuns: 100},
  );
});

test('a word longer than a piece stays one word', t => {
  for (const letter of ['a', 'É', '𝔘']) {
    const word = letter.repeat(PIECE_LENGTH * 2 + 1);

    t.deepEqual([...wordsOf(`one ${word} two`)], ['one', word.toLowerCase(), 'two']);
  }
});

test('counting gives each word once', t => {
  t.deepEqual(countWords('The cat and the dog: THE end'), [
    {word: 'the', count: 3},
    {word: 'cat', count: 1},
    {word: 'and', count: 1},
    {word: 'dog', count: 1},
    {word: 'end', count: 1},
  ]);
});
