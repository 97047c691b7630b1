/** Takes the slices of a window together, key by key. */
import type {KeyedOperator} from '../operators/keyed-operator.ts';
import {isPlainObject} from '../records/any-codec.ts';
import {NO_ROW} from '../state/keyed-rows.ts';
import type {RecordTable} from '../state/record-table.ts';

/**
 * Adds what `source` holds to `target`; both have an extra lane that says when the first record of a row
 * has come. Rows of one key are merged in that order, so that the result is that of the element which came
 * first, whichever slice it lies in.
 */
export function mergeSlice(
  operator: KeyedOperator,
  target: RecordTable,
  source: RecordTable,
): void {
  const rows = source.rows;
  if (rows === undefined) return;
  for (let at = rows.nextRow(0); at !== NO_ROW; at = rows.nextRow(at + rows.stride)) {
    const key = rows.keyAt(at);
    const birth = rows.lanes[source.extraLane(at)]!;
    const value = ownValue(source.read(at));
    const position = target.locate(key);
    let stored: number;
    if (target.wasInserted) {
      stored = target.store(position, key, value);
      setBirth(target, stored, birth);
      continue;
    }
    const present = target.read(position);
    const presentBirth = target.rows!.lanes[target.extraLane(position)]!;
    const [a, b] = presentBirth <= birth ? [present, value] : [value, present];
    const merged = operator.merge(a, b);
    stored = target.store(position, key, merged);
    const isLater = operator.keepsWhole && merged === b;
    setBirth(
      target,
      stored,
      isLater ? Math.max(birth, presentBirth) : Math.min(birth, presentBirth),
    );
  }
}

function setBirth(table: RecordTable, position: number, birth: number): void {
  table.rows!.lanes[table.extraLane(position)] = birth;
}

/**
 * A copy that shares nothing with what the slice holds: it may be changed by a user's function, and the
 * slice belongs to other windows, too.
 */
function ownValue(value: unknown): unknown {
  if (!isPlainObject(value)) return isNested(value) ? structuredClone(value) : value;
  const copy: Record<string, unknown> = {...value};
  for (const name in copy) {
    if (isNested(copy[name])) copy[name] = structuredClone(copy[name]);
  }
  return copy;
}

function isNested(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !(value instanceof Date);
}
