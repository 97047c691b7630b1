/** Buffers sorted by time against an array that is sorted anew each time. */
import test from 'ava';
import {Random} from '../../src/base/random.ts';
import {createBuffer, dropOld, firstFrom, insert} from '../../src/windowing/time-sorted-buffer.ts';

test('a random walk keeps elements in the order of time, and of arrival where times are equal', t => {
  for (let seed = 1; seed <= 30; seed += 1) {
    const random = new Random(seed);
    const buffer = createBuffer(0, 0);
    let model = [{timestamp: 0, value: 0}];
    // Spread over few or many places, so that elements go near the end or far in front of it.
    const spread = 1 + random.below(400);
    for (let value = 1; value < 600; value += 1) {
      const timestamp = value + random.below(spread);
      insert(buffer, timestamp, value);
      model.push({timestamp, value});
      if (random.below(50) === 0) {
        const watermark = value - random.below(100);
        dropOld(buffer, 3, watermark);
        model = model.filter(each => each.timestamp + 3 > watermark);
      }
    }
    // Sorting is stable.
    model.sort((a, b) => a.timestamp - b.timestamp);

    const {timestamps, values, head} = buffer;
    t.deepEqual(
      timestamps.slice(head),
      model.map(each => each.timestamp),
      `seed ${seed}`,
    );
    t.deepEqual(
      values.slice(head),
      model.map(each => each.value),
      `seed ${seed}`,
    );
    const from = random.below(1000);
    t.is(firstFrom(buffer, from) - head, model.filter(each => each.timestamp < from).length);
  }
});

test('what has been dropped is held by nobody', t => {
  const buffer = createBuffer(1, 'old');
  insert(buffer, 2, 'older than it looks');
  insert(buffer, 10, 'new');
  dropOld(buffer, 0, 5);

  t.deepEqual(
    buffer.values.filter(value => value !== undefined),
    ['new'],
  );
  dropOld(buffer, 0, 10);
  t.deepEqual(buffer, {timestamps: [], values: [], head: 0});
});
