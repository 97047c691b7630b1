/** Counters that get their names at run time, seen by their thread and by a reader with views of its own. */
import test from 'ava';
import {Arena, ArenaPlan} from '../../src/memory/arena.ts';
import {
  COUNTER_NAME_BYTES_MAX,
  NAMED_COUNTERS_MAX,
  NamedCounters,
  planNamedCounters,
  readNamedCounters,
} from '../../src/metrics/named-counters.ts';

function counters() {
  const plan = new ArenaPlan();
  plan.reserve('something in front', 24);
  const region = planNamedCounters(plan, 'counters');
  plan.reserve('something behind', 8);
  const arena = plan.create();
  return {
    writer: new NamedCounters(arena, region),
    read: () => readNamedCounters(new Arena(arena.buffer), region),
    arena,
  };
}

test('a counter starts at 0, counts by 1 or by an amount, and is read by its name', t => {
  const {writer, read} = counters();
  const lines = writer.counter('lines');

  t.deepEqual(read(), {lines: 0});
  lines.add();
  lines.add(2.5);

  t.is(lines.value, 3.5);
  t.deepEqual(read(), {lines: 3.5});
});

test('the same name gives the same counter', t => {
  const {writer, read} = counters();

  writer.counter('a').add(1);
  writer.counter('b').add(10);
  writer.counter('a').add(1);

  t.deepEqual(read(), {a: 2, b: 10});
});

test('a name may have any characters', t => {
  const {writer, read} = counters();

  writer.counter('größe 𝔘').add(7);

  t.deepEqual(read(), {'größe 𝔘': 7});
});

for (const name of ['', 'x'.repeat(COUNTER_NAME_BYTES_MAX + 1), undefined as unknown as string]) {
  test(`the name ${JSON.stringify(name)} is refused`, t => {
    const {writer, read} = counters();

    t.throws(() => writer.counter(name), {code: 'E_METRIC_NAME'});

    t.deepEqual(read(), {});
  });
}

test('the table takes as many counters as it says, and refuses the next one', t => {
  const {writer, read, arena} = counters();
  const behind = arena.words.length - 2;
  arena.words[behind] = 42;

  for (let index = 0; index < NAMED_COUNTERS_MAX; index += 1) {
    writer.counter(`${index}`.padEnd(COUNTER_NAME_BYTES_MAX, '.')).add(index);
  }

  t.throws(() => writer.counter('one more'), {code: 'E_METRIC_COUNT', message: /max=32/});
  t.is(Object.keys(read()).length, NAMED_COUNTERS_MAX);
  t.is(arena.words[behind], 42);
});
