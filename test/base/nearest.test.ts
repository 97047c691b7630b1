/** What a mistyped name is taken for. */
import test from 'ava';
import {editDistance, nearestTo} from '../../src/base/nearest.ts';

test('the distance counts insertions, deletions and replacements, without regard to case', t => {
  t.is(editDistance('run', 'run'), 0);
  t.is(editDistance('RUN', 'run'), 0);
  t.is(editDistance('rum', 'run'), 1);
  t.is(editDistance('paralelism', 'parallelism'), 1);
  t.is(editDistance('kitten', 'sitting'), 3);
  t.is(editDistance('', 'run'), 3);
});

test('the nearest name is the one that takes the fewest changes, of equals the first', t => {
  t.is(nearestTo('explian', ['run', 'explain']), 'explain');
  t.is(nearestTo('xx', ['ab', 'cd']), 'ab');
});
