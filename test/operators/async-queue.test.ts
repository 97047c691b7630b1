/** What leaves when: the two queues of async operators against their definitions. */
import fc from 'fast-check';
import test from 'ava';
import {
  OrderedQueue,
  UnorderedQueue,
  isWatermark,
  type AsyncElement,
  type AsyncQueue,
} from '../../src/operators/async-queue.ts';

type Op = {kind: 'add'} | {kind: 'watermark'} | {kind: 'complete'; which: number} | {kind: 'take'};

const op: fc.Arbitrary<Op> = fc.oneof(
  fc.constant({kind: 'add'} as const),
  fc.constant({kind: 'watermark'} as const),
  fc.record({kind: fc.constant('complete' as const), which: fc.nat()}),
  fc.constant({kind: 'take'} as const),
);

interface Entered {
  readonly number: number;
  readonly element: AsyncElement | undefined;
}

/** Runs `ops` and checks each step against a list of everything that is in the queue. */
function check(
  queue: AsyncQueue,
  ops: readonly Op[],
  mayLeave: (inside: readonly Entered[], number: number) => boolean,
): void {
  let inside: Entered[] = [];
  let number = 0;
  for (const each of ops) {
    if (each.kind === 'add') {
      const element: AsyncElement = {value: number, timestamp: number, results: undefined};
      inside.push({number, element});
      queue.add(element);
      number += 1;
    } else if (each.kind === 'watermark') {
      inside.push({number, element: undefined});
      queue.addWatermark(number);
      number += 1;
    } else if (each.kind === 'complete') {
      const awaited = inside.filter(
        ({element}) => element !== undefined && element.results === undefined,
      );
      if (awaited.length === 0) continue;
      const {element} = awaited[each.which % awaited.length]!;
      element!.results = [];
      queue.complete(element!);
    } else {
      const leavers = inside.filter(entered => mayLeave(inside, entered.number));
      if (queue.isReady !== leavers.length > 0) throw new Error('ready is wrong');
      if (!queue.isReady) continue;
      const taken = queue.take();
      const left = isWatermark(taken) ? taken.watermark : (taken.value as number);
      if (!leavers.some(entered => entered.number === left)) throw new Error(`${left} left`);
      inside = inside.filter(entered => entered.number !== left);
    }
    if (queue.size !== inside.length) throw new Error('size is wrong');
    const contents = queue
      .contents()
      .map(each_ => (isWatermark(each_) ? each_.watermark : (each_.value as number)));
    if (contents.toSorted((a, b) => a - b).join() !== inside.map(e => e.number).join()) {
      throw new Error('contents are wrong');
    }
  }
}

const isDone = ({element}: Entered) => element === undefined || element.results !== undefined;

test('of an ordered queue the first leaves when it is done', t => {
  fc.assert(
    fc.property(fc.array(op, {maxLength: 60}), ops => {
      check(
        new OrderedQueue(),
        ops,
        ([first], number) => first!.number === number && isDone(first!),
      );
    }),
    {seed: 1},
  );
  t.pass();
});

test('of an unordered queue whoever is done leaves, but never past a watermark', t => {
  fc.assert(
    fc.property(fc.array(op, {maxLength: 60}), ops => {
      check(new UnorderedQueue(), ops, (inside, number) => {
        const before = inside.filter(entered => entered.number < number);
        const own = inside.find(entered => entered.number === number)!;
        if (!isDone(own)) return false;
        // A watermark waits for everything before it, a record for every watermark before it.
        return own.element === undefined
          ? before.length === 0
          : before.every(({element}) => element !== undefined);
      });
    }),
    {seed: 1},
  );
  t.pass();
});

test('an unordered queue gives what is done in the order in which it was completed', t => {
  const queue = new UnorderedQueue();
  const elements = [0, 1, 2].map(value => ({value, timestamp: value, results: undefined}));
  for (const element of elements) queue.add(element);
  for (const index of [2, 0, 1]) queue.complete(elements[index]!);

  t.deepEqual(
    elements.map(() => (queue.take() as AsyncElement).value),
    [2, 0, 1],
  );
});
