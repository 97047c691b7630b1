/** Keys, their ids and their rows, in tables that are crowded; the contract of backends has few keys. */
import test from 'ava';
import {KeySpace, MASK_BITS, NO_KEY} from '../../src/state/key-space.ts';

/** What a walk keeps per key: a lane of a state whose presence is one bit. */
function stateIn(space: KeySpace) {
  const {lane: mask, bit} = space.addMaskBit();
  const lane = space.addLanes(1);
  return {
    read(): number | undefined {
      const {at, lanes} = space;
      if (at === NO_KEY || (lanes[at + mask]! & bit) === 0) return undefined;
      return lanes[at + lane];
    },
    write(value: number): void {
      const at = space.ensureRow();
      space.lanes[at + mask]! |= bit;
      space.lanes[at + lane] = value;
    },
    clear(): void {
      const {at, lanes} = space;
      if (at === NO_KEY) return;
      lanes[at + mask]! &= ~bit;
      if (lanes[at + mask] === 0) space.noteEmptied(lanes[at]!);
    },
  };
}

for (const [name, keyOf] of [
  ['neighbouring numbers', (n: number) => n],
  ['numbers with gaps', (n: number) => n * 1024],
  ['fractions and negative numbers', (n: number) => (n % 2 === 0 ? -n / 3 : n)],
  ['texts', (n: number) => `key ${n}`],
  ['numbers and then texts', (n: number) => (n < 900 ? n : `key ${n}`)],
] as const) {
  test(`a crowded walk ends where a Map does: ${name}`, t => {
    const space = new KeySpace();
    const first = stateIn(space);
    const model = new Map<number, number>();
    let seed = 7;
    const random = (limit: number) => {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) | 0;
      return (seed >>> 8) % limit;
    };

    let second: ReturnType<typeof stateIn> | undefined;
    for (let step = 0; step < 20_000; step += 1) {
      const n = random(step < 10_000 ? 900 : 1000);
      space.setCurrent(keyOf(n));
      if (first.read() !== model.get(n)) t.fail(`step ${step}: ${first.read()}`);
      if (random(5) < 2) {
        model.delete(n);
        first.clear();
      } else {
        model.set(n, step);
        first.write(step);
      }
      // A state that is asked for late widens all rows.
      if (step === 12_000) second = stateIn(space);
    }

    t.is(space.size, model.size);
    t.true(model.size > 400);
    let seen = 0;
    for (let at = space.firstRow(); at !== NO_KEY; at = space.rowBehind(at)) seen += 1;
    t.is(seen, model.size);
    for (const [n, value] of model) {
      space.setCurrent(keyOf(n));
      t.is(first.read(), value);
      t.is(second!.read(), undefined);
      t.deepEqual(space.keyOf(space.currentId), keyOf(n));
    }
  });
}

test('an id stands for one key as long as the key has something', t => {
  const space = new KeySpace();
  const state = stateIn(space);
  space.setCurrent(1);
  state.write(1);
  const id = space.currentId;
  space.retainCurrent();

  state.clear();
  for (let n = 2; n < 2000; n += 1) {
    space.setCurrent(n);
    state.write(n);
  }

  t.is(space.keyOf(id), 1);
  space.setCurrentKnown(id, 1);
  t.is(space.currentId, id);
  space.release(id);
  t.is(space.size, 1998);
  space.setCurrent(1);
  t.is(space.currentId, NO_KEY);
});

test('more states than a mask has bits get further masks', t => {
  const space = new KeySpace();
  const states = Array.from({length: 2 * MASK_BITS + 3}, () => stateIn(space));
  t.is(space.maskLanes.length, 3);
  space.setCurrent(-0);
  for (const [index, state] of states.entries()) state.write(index);

  space.setCurrent(0);
  t.is(space.currentId, NO_KEY);
  space.setCurrent(-0);
  t.deepEqual(
    states.map(state => state.read()),
    states.map((_, index) => index),
  );
  for (const state of states.slice(1)) state.clear();
  t.is(space.size, 1);
  states[0]!.clear();
  t.is(space.size, 0);
});
