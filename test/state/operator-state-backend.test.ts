/** Operator state: lists, union lists, broadcast maps, and how they go to other numbers of subtasks. */
import test from 'ava';
import fc from 'fast-check';
import {OperatorStateBackend} from '../../src/state/operator-state-backend.ts';
import {redistribute, type OperatorSnapshot} from '../../src/state/redistribute.ts';
import {ListStateDescriptor, MapStateDescriptor} from '../../src/state/state-descriptors.ts';

const LIST = new ListStateDescriptor<string>('list');
const SECOND = new ListStateDescriptor<string>('second');
const UNION = new ListStateDescriptor<string>('union');
const RULES = new MapStateDescriptor<string, number>('rules');

function subtask(index: number, entries: number): OperatorSnapshot {
  const backend = new OperatorStateBackend();
  backend.getListState(LIST).addAll(Array.from({length: entries}, (_, n) => `${index}.${n}`));
  backend.getListState(SECOND).update([`second ${index}`]);
  backend.getUnionListState(UNION).add(`union ${index}`);
  backend.getBroadcastState(RULES).put('from', index);
  return {operator: structuredClone(backend.snapshot()!)};
}

/** What each new subtask reads. */
function readAll(snapshots: readonly OperatorSnapshot[]) {
  return snapshots.map(({operator}) => {
    const backend = new OperatorStateBackend(operator);
    return {
      list: [...backend.getListState(LIST).get()],
      second: [...backend.getListState(SECOND).get()],
      union: [...backend.getUnionListState(UNION).get()],
      from: backend.getBroadcastState(RULES).get('from'),
    };
  });
}

test('lists and maps of a subtask take, replace and give up what they hold', t => {
  const backend = new OperatorStateBackend();
  const list = backend.getListState(LIST);
  const rules = backend.getBroadcastState(RULES);
  t.deepEqual([...list.get()], []);
  t.true(rules.isEmpty());

  list.add('a');
  list.addAll(['b', 'c']);
  rules.putAll([
    ['x', 1],
    ['y', 2],
  ]);
  t.deepEqual([...backend.getListState(LIST).get()], ['a', 'b', 'c']);
  t.deepEqual(
    [...rules.entries()],
    [
      ['x', 1],
      ['y', 2],
    ],
  );
  t.deepEqual([...rules.keys()], ['x', 'y']);
  t.deepEqual([...rules.values()], [1, 2]);
  t.true(rules.contains('x'));

  list.update(['d']);
  rules.remove('x');
  t.deepEqual([...list.get()], ['d']);
  t.is(rules.get('x'), undefined);
  list.clear();
  rules.clear();
  t.deepEqual([...list.get()], []);
  t.true(rules.isEmpty());
});

test('a name stands for one operator state of one kind', t => {
  const backend = new OperatorStateBackend();
  const name = new ListStateDescriptor<number>('same');
  backend.getListState(name);

  t.throws(() => backend.getUnionListState(name), {code: 'E_STATE_DESCRIPTOR'});
  t.throws(() => backend.getBroadcastState(new MapStateDescriptor('same')), {
    code: 'E_STATE_DESCRIPTOR',
  });
  backend.getBroadcastState(RULES);
  t.throws(() => backend.getListState(new ListStateDescriptor('rules')), {
    code: 'E_STATE_DESCRIPTOR',
  });
});

test('a snapshot stays as it was, and is undefined if there is nothing', t => {
  t.is(new OperatorStateBackend().snapshot(), undefined);
  const backend = new OperatorStateBackend();
  backend.getListState(LIST).add('a');
  backend.getBroadcastState(RULES).put('x', 1);
  const snapshot = backend.snapshot()!;
  backend.getListState(LIST).add('b');
  backend.getBroadcastState(RULES).put('x', 2);

  const restored = new OperatorStateBackend(snapshot);
  restored.getListState(LIST).add('c');

  t.deepEqual([...backend.getListState(LIST).get()], ['a', 'b']);
  t.deepEqual(snapshot.lists[0]!.entries, ['a']);
  t.deepEqual([...restored.getListState(LIST).get()], ['a', 'c']);
  t.is(restored.getBroadcastState(RULES).get('x'), 1);
});

test('with the same number of subtasks each list comes back where it was', t => {
  const read = readAll(redistribute([subtask(0, 3), subtask(1, 1)], 2, 128));
  t.deepEqual(read, [
    {list: ['0.0', '0.1', '0.2'], second: ['second 0'], union: ['union 0', 'union 1'], from: 0},
    {list: ['1.0'], second: ['second 1'], union: ['union 0', 'union 1'], from: 1},
  ]);
});

test('from two subtasks to three, entries are dealt out evenly and broadcasts in turn', t => {
  const read = readAll(redistribute([subtask(0, 3), subtask(1, 2)], 3, 128));
  t.deepEqual(read, [
    {list: ['0.0', '0.1'], second: ['second 1'], union: ['union 0', 'union 1'], from: 0},
    {list: ['0.2', '1.0'], second: [], union: ['union 0', 'union 1'], from: 1},
    {list: ['1.1'], second: ['second 0'], union: ['union 0', 'union 1'], from: 0},
  ]);
});

test('subtasks without any operator state get none', t => {
  t.deepEqual(redistribute([undefined, {}], 3, 128), [
    {keyed: undefined, operator: undefined},
    {keyed: undefined, operator: undefined},
    {keyed: undefined, operator: undefined},
  ]);
});

test('whatever the numbers, no entry is lost or doubled and sizes differ by one', t => {
  const counts = fc.array(fc.nat(9), {minLength: 1, maxLength: 6});
  const law = fc.property(counts, fc.integer({min: 1, max: 8}), (entries, to) => {
    const old = entries.map((count, index) => subtask(index, count));
    const read = readAll(redistribute(old, to, 128));
    const all = entries.flatMap((count, index) =>
      Array.from({length: count}, (_, n) => `${index}.${n}`),
    );
    const seen = read.flatMap(({list}) => list);
    if (seen.sort().join() !== all.sort().join()) throw new Error('lost or doubled');
    const sizes = read.map(({list}) => list.length);
    if (to !== entries.length && Math.max(...sizes) - Math.min(...sizes) > 1) {
      throw new Error('uneven');
    }
    for (const [index, {union, from}] of read.entries()) {
      if (union.length !== entries.length) throw new Error('not all of the union');
      if (from !== index % entries.length) throw new Error('the wrong broadcast');
    }
  });
  fc.assert(law, {seed: 7, numRuns: 200});
  t.pass();
});
