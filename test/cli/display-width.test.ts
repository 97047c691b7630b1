/** Texts and the columns that they take. */
import test from 'ava';
import {cutTo, displayWidth, harmless} from '../../src/cli/display-width.ts';

test('wide characters take two columns, combining ones none', t => {
  t.is(displayWidth('abc'), 3);
  t.is(displayWidth('日本'), 4);
  t.is(displayWidth('e\u0301'), 1);
  t.is(displayWidth('𝔘'), 1);
  t.is(displayWidth('🚀'), 2);
  t.is(displayWidth('Ünïcödé'), 7);
});

test('a text is cut between characters and shows that it was', t => {
  t.is(cutTo('Keyed Aggregation', 17), 'Keyed Aggregation');
  t.is(cutTo('Keyed Aggregation', 8), 'Keyed A…');
  t.is(cutTo('日本語', 5), '日本…');
  t.is(cutTo('日本語', 4), '日…');
  t.is(cutTo('abc', 1), '…');
  t.is(cutTo('abc', 0), '');
});

test('nothing that a terminal would obey is left in a name', t => {
  t.is(harmless('two\nlines\u001b[2J'), 'two\ufffdlines\ufffd[2J');
});
