/** What every table of keyed rows promises, as tests. Call it once per implementation. */
import test from 'ava';
import fc from 'fast-check';
import {NO_ROW, type KeyedRows} from '../../src/state/keyed-rows.ts';

export interface KeyedRowsSubject {
  readonly name: string;
  create(laneCount: number, cellCount: number): KeyedRows;
  /** The key number `n` of 2^16 different ones. */
  key(n: number): unknown;
  /** Keys that are easily mistaken for each other, all different. */
  readonly oddKeys: readonly unknown[];
  /** What the table cannot hold. */
  readonly refused: readonly unknown[];
}

/** How a table is compared: its keys, each with what is in its row. */
type Model = Map<number, {lanes: number[]; cells: unknown[]}>;

function read(rows: KeyedRows, position: number) {
  const lanes: number[] = [];
  for (let lane = 0; lane < rows.laneCount; lane += 1) {
    lanes.push(rows.lanes[position + rows.firstLane + lane]);
  }
  return {
    lanes,
    cells: rows.cells.map(column => column[rows.cellIndex(position)]),
  };
}

function write(rows: KeyedRows, position: number, lanes: number[], cells: unknown[]): void {
  lanes.forEach((value, lane) => {
    rows.lanes[position + rows.firstLane + lane] = value;
  });
  cells.forEach((value, cell) => {
    rows.cells[cell][rows.cellIndex(position)] = value;
  });
}

function positions(rows: KeyedRows): number[] {
  const found: number[] = [];
  for (let at = rows.nextRow(0); at !== NO_ROW; at = rows.nextRow(at + rows.stride)) found.push(at);
  return found;
}

export function keyedRowsContract({name, create, key, oddKeys, refused}: KeyedRowsSubject): void {
  test(`${name}: a new key gets a row of zeros and undefined`, t => {
    const rows = create(2, 1);

    const at = rows.upsert(key(7));

    t.true(rows.wasInserted);
    t.is(rows.size, 1);
    t.deepEqual(read(rows, at), {lanes: [0, 0], cells: [undefined]});
    t.deepEqual(rows.keyAt(at), key(7));
  });

  test(`${name}: a known key is found with what was stored`, t => {
    const rows = create(2, 2);
    write(rows, rows.upsert(key(7)), [1.5, -0], ['text', null]);

    const at = rows.upsert(key(7));

    t.false(rows.wasInserted);
    t.is(rows.find(key(7)), at);
    t.is(rows.find(key(8)), NO_ROW);
    t.deepEqual(read(rows, at), {lanes: [1.5, -0], cells: ['text', null]});
  });

  test(`${name}: rows survive growth, with lanes, cells and neither`, t => {
    for (const [laneCount, cellCount] of [
      [3, 2],
      [1, 0],
      [0, 1],
      [0, 0],
    ]) {
      const rows = create(laneCount, cellCount);
      const lanesOf = (n: number) => Array.from({length: laneCount}, (_, lane) => n + lane / 8);
      const cellsOf = (n: number) => Array.from({length: cellCount}, (_, cell) => `${n}/${cell}`);
      for (let n = 0; n < 5_000; n += 1) {
        write(rows, rows.upsert(key(n)), lanesOf(n), cellsOf(n));
      }

      t.is(rows.size, 5_000);
      t.true(rows.sizeBytes >= 8 * 5_000 * laneCount);
      for (let n = 0; n < 5_000; n += 1) {
        const found = rows.find(key(n));
        const row = read(rows, found);
        if (row.lanes.some((value, lane) => value !== lanesOf(n)[lane])) t.fail(`lanes of ${n}`);
        if (row.cells.some((value, cell) => value !== cellsOf(n)[cell])) t.fail(`cells of ${n}`);
      }
    }
  });

  test(`${name}: rows stay where they are as long as there is room`, t => {
    for (const [laneCount, cellCount] of [
      [2, 1],
      [0, 1],
    ]) {
      const rows = create(laneCount, cellCount);
      let moves = 0;
      for (let n = 0; n < 3_000; n += 1) {
        const {hasRoom, lanes} = rows;
        rows.upsert(key(n));
        if (rows.lanes !== lanes) moves += 1;
        if (hasRoom && rows.lanes !== lanes) t.fail(`key ${n}`);
        rows.upsert(key(n >> 1));
        if (rows.lanes !== lanes && hasRoom) t.fail(`known key ${n >> 1}`);
      }
      t.true(laneCount === 0 || moves > 0);
    }
  });

  test(`${name}: keys that look alike have rows of their own`, t => {
    const rows = create(1, 0);

    for (const [n, odd] of oddKeys.entries()) {
      const at = rows.upsert(odd);
      t.true(rows.wasInserted, `key ${n}`);
      write(rows, at, [n + 1], []);
    }

    t.is(rows.size, oddKeys.length);
    for (const [n, odd] of oddKeys.entries()) {
      const at = rows.find(odd);
      t.deepEqual(read(rows, at).lanes, [n + 1]);
      t.deepEqual(rows.keyAt(at), odd);
    }
    t.is(positions(rows).length, oddKeys.length);
  });

  test(`${name}: it says what it cannot hold`, t => {
    const rows = create(1, 0);

    for (const value of refused) t.false(rows.accepts(value), String(value));
    for (const odd of oddKeys) t.true(rows.accepts(odd));
    t.true(rows.accepts(key(1)));
  });

  test(`${name}: a removed key is gone, and a new one finds an empty row`, t => {
    const rows = create(1, 1);
    for (const n of [1, 2, 3]) write(rows, rows.upsert(key(n)), [n], [n]);

    t.true(rows.remove(key(2)));

    t.false(rows.remove(key(2)));
    t.is(rows.size, 2);
    t.is(rows.find(key(2)), NO_ROW);
    t.deepEqual(read(rows, rows.find(key(3))), {lanes: [3], cells: [3]});
    const at = rows.upsert(key(4));
    t.deepEqual(read(rows, at), {lanes: [0], cells: [undefined]});
  });

  test(`${name}: a walk over all rows meets each key once`, t => {
    const rows = create(1, 0);
    for (let n = 0; n < 3_000; n += 1) rows.upsert(key(n));
    for (let n = 0; n < 3_000; n += 3) rows.remove(key(n));

    const met = positions(rows);

    t.is(new Set(met).size, 2_000);
    for (const at of met) if (rows.find(rows.keyAt(at)) !== at) t.fail('a row is not its key’s');
    for (let n = 1; n < 3_000; n += 3) if (!met.includes(rows.find(key(n)))) t.fail(`key ${n}`);
  });

  test(`${name}: any sequence of upserts and removals agrees with a Map, seed 11`, t => {
    const steps = fc.array(
      fc.record({
        kind: fc.constantFrom('upsert', 'upsert', 'upsert', 'remove', 'find'),
        n: fc.oneof(fc.nat(20), fc.nat(400)),
        value: fc.double(),
      }),
      {maxLength: 1_500, size: 'max'},
    );
    fc.assert(
      fc.property(steps, fc.nat(2), fc.nat(2), (sequence, laneCount, cellCount) => {
        const rows = create(laneCount, cellCount);
        const model: Model = new Map();
        for (const {kind, n, value} of sequence) {
          const known = model.get(n);
          if (kind === 'remove') {
            if (rows.remove(key(n)) !== model.delete(n)) throw new Error(`remove ${n}`);
            continue;
          }
          const at = kind === 'find' ? rows.find(key(n)) : rows.upsert(key(n));
          if (kind === 'find') {
            if ((at === NO_ROW) !== (known === undefined)) throw new Error(`find ${n}`);
            continue;
          }
          if (rows.wasInserted !== (known === undefined)) throw new Error(`upsert ${n}`);
          const row = {
            lanes: Array.from({length: laneCount}, (_, lane) => value + lane),
            cells: Array.from({length: cellCount}, (_, cell) => `${value} ${cell}`),
          };
          write(rows, at, row.lanes, row.cells);
          model.set(n, row);
        }
        if (rows.size !== model.size) throw new Error('size');
        for (const [n, row] of model) {
          const found = rows.find(key(n));
          const same =
            row.lanes.every((value, lane) => Object.is(value, read(rows, found).lanes[lane])) &&
            row.cells.every((value, cell) => value === read(rows, found).cells[cell]);
          if (!same) throw new Error(`row of ${n}`);
        }
        if (positions(rows).length !== model.size) throw new Error('walk');
      }),
      {seed: 11, numRuns: 60},
    );
    t.pass();
  });
}
