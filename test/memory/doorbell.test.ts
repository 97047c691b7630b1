/**
 * The doorbell on one thread, and every interleaving of its steps in a model. The model is written
 * after the table in the header of doorbell.ts; its two broken variants show that it would notice.
 * Real threads: test/stress/doorbell.test.ts.
 */
import test from 'ava';
import {InvariantError} from '../../src/base/assert.ts';
import {ArenaPlan} from '../../src/memory/arena.ts';
import {Doorbell, planDoorbells} from '../../src/memory/doorbell.ts';
import {runPreempted} from '../support/preempt.ts';

function doorbells(count: number) {
  const plan = new ArenaPlan();
  const layout = planDoorbells(plan, count);
  const arena = plan.create();
  return Array.from({length: count}, (_, index) => new Doorbell(arena, layout, index));
}

test('a ring between prepareToPark and park is not slept through', t => {
  const [bell] = doorbells(1);
  const seen = bell.prepareToPark();

  bell.ring();

  t.is(bell.park(seen, 60_000), 'rung');
});

test('a late ring at any point of prepareToPark leaves the flag up or the bell changed', t => {
  for (let point = 0; ; point += 1) {
    const [bell] = doorbells(1);
    bell.prepareToPark(); // an earlier sleep, which the ringer saw
    let seen = 0;
    const isInterrupted = runPreempted(
      () => {
        seen = bell.prepareToPark();
      },
      point,
      () => bell.ring(),
    );
    if (!isInterrupted) break;

    t.true(bell.isSleeping() || bell.park(seen, 1) === 'rung', `before call ${point}`);
  }
});

test('the next ring wakes a sleeper that fell asleep at any point of an earlier one', t => {
  for (let point = 0; ; point += 1) {
    const [bell] = doorbells(1);
    bell.prepareToPark();
    let seen = 0;
    const isInterrupted = runPreempted(
      () => bell.ring(),
      point,
      () => {
        bell.awake(); // its timeout had passed; it found nothing, and goes to sleep again
        seen = bell.prepareToPark();
      },
    );
    if (!isInterrupted) break;

    bell.ring();

    t.is(bell.park(seen, 1), 'rung', `before call ${point}`);
  }
});

test('nobody rings: park returns after its timeout', t => {
  const [bell] = doorbells(1);

  t.is(bell.park(bell.prepareToPark(), 1), 'timeout');
});

test('a ring for a thread that is awake leaves no trace', t => {
  const [bell] = doorbells(1);
  bell.prepareToPark();
  bell.awake();

  bell.ring();

  t.is(bell.park(bell.prepareToPark(), 1), 'timeout');
});

test('only the first of many rings clears the flag', t => {
  const [bell] = doorbells(1);
  const seen = bell.prepareToPark();
  t.true(bell.isSleeping());

  bell.ring();
  t.false(bell.isSleeping());
  bell.ring();

  t.is(bell.prepareToPark(), seen + 1);
});

test('parkAsync is rung at once if the bell has changed, else when it is', async t => {
  const [bell] = doorbells(1);
  const first = bell.prepareToPark();
  bell.ring();
  t.is(bell.parkAsync(first, 60_000), 'rung');

  const handle = setInterval(() => {}, 60_000);
  const waiting = bell.parkAsync(bell.prepareToPark(), 60_000);
  bell.ring();
  t.is(await waiting, 'rung');

  t.is(await bell.parkAsync(bell.prepareToPark(), 1), 'timeout');
  t.is(await bell.parkAsync(bell.prepareToPark(), 0), 'timeout');
  clearInterval(handle);
});

test('control flags add up, are cleared one by one, and wake', t => {
  const [bell] = doorbells(1);
  const seen = bell.prepareToPark();

  bell.setControl(0b001);
  bell.setControl(0b100);
  t.is(bell.control(), 0b101);
  t.is(bell.park(seen, 60_000), 'rung');

  bell.clearControl(0b001);
  t.is(bell.control(), 0b100);
});

test('setControl wakes although a dead ringer has cleared the flag', t => {
  const [bell] = doorbells(1);
  const seen = bell.prepareToPark();
  bell.awake(); // what a ringer has done that died before it could notify

  bell.setControl(1);

  t.is(bell.park(seen, 60_000), 'rung');
});

test('beats are counted, with the time of the last one', t => {
  const [bell] = doorbells(1);

  bell.beat(10.7);
  bell.beat(25.2);

  t.is(bell.beatCount(), 2);
  t.is(bell.lastBeatMs(), 25);
});

test('doorbells do not disturb each other', t => {
  const [a, b, c] = doorbells(3);
  const seen = b.prepareToPark();

  a.ring();
  c.ring();
  a.setControl(1);
  c.beat(1);

  t.is(b.park(seen, 1), 'timeout');
  t.is(b.control(), 0);
  t.is(b.beatCount(), 0);
});

test('a doorbell that was not planned does not exist', t => {
  const plan = new ArenaPlan();
  const layout = planDoorbells(plan, 2);
  const arena = plan.create();

  t.throws(() => new Doorbell(arena, layout, 2), {instanceOf: InvariantError});
});

/** How a variant orders the two pairs of steps that matter. */
interface Variant {
  readonly seenBeforeFlag: boolean;
  readonly clearBeforeAdd: boolean;
}

interface State {
  bell: number;
  sleeping: number;
  /** Items published and not yet seen by the sleeper. */
  work: number;
  consumed: number;
  seen: number;
  /** The sleeper's next step; 'blocked' until someone notifies; 'done' when all is consumed. */
  at: 'look' | 'first' | 'second' | 'recheck' | 'wait' | 'blocked' | 'awake' | 'done';
  /** Per ringer: its next step, and how many items it has still to publish. */
  ringers: Array<{at: 'work' | 'load' | 'third' | 'fourth' | 'notify'; left: number}>;
}

/** One step of the sleeper; `undefined` if it cannot move. */
function sleeperStep(state: State, total: number, {seenBeforeFlag}: Variant): State | undefined {
  const next = structuredClone(state);
  switch (state.at) {
    case 'look':
      next.consumed += state.work;
      next.work = 0;
      next.at = next.consumed === total ? 'done' : 'first';
      return next;
    case 'first':
    case 'second':
      if ((state.at === 'first') === seenBeforeFlag) next.seen = state.bell;
      else next.sleeping = 1;
      next.at = state.at === 'first' ? 'second' : 'recheck';
      return next;
    case 'recheck':
      next.at = state.work > 0 ? 'awake' : 'wait';
      return next;
    case 'wait':
      next.at = state.bell === state.seen ? 'blocked' : 'awake';
      return next;
    case 'awake':
      next.sleeping = 0;
      next.at = 'look';
      return next;
    default:
      return undefined;
  }
}

/** One step of ringer `index`; `undefined` if it has nothing left to do. */
function ringerStep(state: State, index: number, {clearBeforeAdd}: Variant): State | undefined {
  const next = structuredClone(state);
  const ringer = next.ringers[index];
  switch (ringer.at) {
    case 'work':
      if (ringer.left === 0) return undefined;
      ringer.left -= 1;
      next.work += 1;
      ringer.at = 'load';
      return next;
    case 'load':
      ringer.at = state.sleeping === 0 ? 'work' : 'third';
      return next;
    case 'third':
    case 'fourth':
      if ((ringer.at === 'third') === clearBeforeAdd) {
        next.sleeping = 0;
        if (state.sleeping === 0) ringer.at = 'work';
        else ringer.at = ringer.at === 'third' ? 'fourth' : 'notify';
      } else {
        next.bell += 1;
        ringer.at = ringer.at === 'third' ? 'fourth' : 'notify';
      }
      return next;
    case 'notify':
      if (state.at === 'blocked') next.at = 'awake';
      ringer.at = 'work';
      return next;
  }
}

/** Walks through all interleavings: how many states there are, in how many the sleeper is lost. */
function explore(items: number[], variant: Variant) {
  const total = items.reduce((sum, count) => sum + count, 0);
  const start: State = {
    bell: 0,
    sleeping: 0,
    work: 0,
    consumed: 0,
    seen: 0,
    at: 'look',
    ringers: items.map(left => ({at: 'work', left})),
  };
  const known = new Set([JSON.stringify(start)]);
  const open = [start];
  let lost = 0;
  let done = 0;
  for (let state = open.pop(); state !== undefined; state = open.pop()) {
    const current = state;
    const steps = current.ringers.map((_, index) => ringerStep(current, index, variant));
    const nexts = [sleeperStep(current, total, variant), ...steps].filter(
      next => next !== undefined,
    );
    if (nexts.length === 0) {
      if (current.at === 'done') done += 1;
      else lost += 1;
    }
    for (const next of nexts) {
      const key = JSON.stringify(next);
      if (known.has(key)) continue;
      known.add(key);
      open.push(next);
    }
  }
  return {states: known.size, lost, done};
}

for (const items of [[1], [2], [1, 1], [1, 2], [2, 2], [1, 1, 1]]) {
  test(`no interleaving loses a wake-up, ringers with ${items.join(' and ')} items`, t => {
    const {lost, done} = explore(items, {seenBeforeFlag: true, clearBeforeAdd: true});

    t.is(lost, 0);
    t.true(done > 0);
  });
}

test('the model notices when the bell is read after the flag is set', t => {
  t.true(explore([2, 2], {seenBeforeFlag: false, clearBeforeAdd: true}).lost > 0);
});

test('the model notices when a ringer adds to the bell before it clears the flag', t => {
  t.true(explore([2, 2], {seenBeforeFlag: true, clearBeforeAdd: false}).lost > 0);
});
