/**
 * One value per key: what rolling aggregations keep. It picks the table and the shape of rows that the
 * first key and value allow, and widens both when something comes that does not fit; nothing is lost
 * on the way. Whoever runs code that was generated for the present form and place of the rows hears
 * when that is no longer true (`onReshape`).
 *
 * A record that lies in lanes and cells is taken apart when it is stored and built when it is read, so
 * the table and its user never hold the same object. A value of the shape `value` is held as it is: who
 * hands it out or takes it in decides about copies (`ownCopy`).
 *
 * Here stands the door for keys: null, undefined, NaN, objects and the like are refused as `hashKey`
 * refuses them.
 */
import {assert} from '../base/assert.ts';
import {hashKey} from '../base/key-group.ts';
import {isPlainObject} from '../records/any-codec.ts';
import {flattenString} from '../records/flatten.ts';
import {AnyKeyTable} from './any-key-table.ts';
import {NO_ROW, type KeyKind, type KeyedRows, type KeyedRowsOptions} from './keyed-rows.ts';
import {NumberKeyTable} from './number-key-table.ts';
import {
  fitsShape,
  keyKindOf,
  shapeOf,
  widenShape,
  type RecordShape,
  type ShapeField,
} from './record-shape.ts';
import {rowAccess, type RowAccess} from './row-access.ts';
import {StringKeyTable} from './string-key-table.ts';

export interface RecordTableOptions {
  /** How many keys to make room for at the start. */
  readonly expectedKeys?: number;
  /** Lanes of each row behind those of its value, for whoever keeps the table; 0 in a new row. */
  readonly extraLanes?: number;
}

export class RecordTable {
  readonly #keyField: string | undefined;
  readonly #onReshape: () => void;
  readonly #expectedKeys: number;
  readonly #extraLanes: number;
  #rows: KeyedRows | undefined;
  #shape: RecordShape | undefined;
  /** Compiled for the shape. */
  #access: RowAccess | undefined;
  #wasInserted = false;

  /** `keyField` names the field of a value that is likely to hold its key. */
  constructor(
    keyField: string | undefined,
    onReshape: () => void = () => {},
    {expectedKeys = 0, extraLanes = 0}: RecordTableOptions = {},
  ) {
    this.#keyField = keyField;
    this.#onReshape = onReshape;
    this.#expectedKeys = expectedKeys;
    this.#extraLanes = extraLanes;
  }

  /** Undefined until the first key. */
  get rows(): KeyedRows | undefined {
    return this.#rows;
  }

  get shape(): RecordShape | undefined {
    return this.#shape;
  }

  get size(): number {
    return this.#rows?.size ?? 0;
  }

  get sizeBytes(): number {
    return this.#rows?.sizeBytes ?? 0;
  }

  /** Whether the last `locate` met a new key. Its row is empty until something is stored. */
  get wasInserted(): boolean {
    return this.#wasInserted;
  }

  /** Chooses table and shape. Only an empty table can be started anew. */
  start(keyKind: KeyKind, shape: RecordShape): void {
    assert(this.size === 0, 'a table with keys widens, it is not started anew');
    this.#rows = this.#createRows(keyKind, shape, this.#expectedKeys);
    this.#setShape(shape);
    this.#onReshape();
  }

  /** The place of the first extra lane of the row at `position`. */
  extraLane(position: number): number {
    return position + this.#rows!.firstLane + this.#shape!.laneCount;
  }

  /**
   * The position of the row of `key`, or NO_ROW if the key is new and the table has no shape yet: then
   * the first `store` makes the row.
   *
   * Errors: `E_KEY_NULL`, `E_KEY_NAN`, `E_KEY_TYPE`, as `hashKey`.
   */
  locate(key: unknown): number {
    let rows = this.#rows;
    if (rows === undefined) {
      hashKey(key);
      this.#wasInserted = true;
      return NO_ROW;
    }
    if (rows.keyKind !== 'any' && !rows.accepts(key)) {
      hashKey(key);
      rows = this.#rebuild('any', this.#shape!);
    }
    if (rows.keyKind === 'any' && rows.find(key) === NO_ROW) hashKey(key);
    const position = rows.upsert(key);
    this.#wasInserted = rows.wasInserted;
    return position;
  }

  /**
   * Stores `value` for `key`, at the `position` that `locate` has just given, and returns where it is
   * now: what does not fit the shape widens it, and then rows move.
   */
  store(position: number, key: unknown, value: unknown): number {
    if (this.#rows === undefined) {
      this.start(keyKindOf(key), shapeOf(value, key, this.#keyField));
      position = this.#rows!.upsert(key);
    }
    if (this.#access?.store(this.#rows!, position, key, value) === true) return position;
    if (!fitsShape(this.#shape!, value, key)) {
      const {keyKind} = this.#rows!;
      const wider = widenShape(this.#shape!, value, key, keyKind);
      position = this.#rebuild(keyKind, wider).find(key);
    }
    writeRow(this.#rows!, this.#shape!, position, value);
    return position;
  }

  /** Removes a key; true if it was there. Positions are void then. */
  remove(key: unknown): boolean {
    const rows = this.#rows;
    return rows !== undefined && rows.accepts(key) && rows.remove(key);
  }

  /** The value at `position`: of shape `value` what is held, else built anew. */
  read(position: number): unknown {
    if (this.#access !== undefined) return this.#access.read(this.#rows!, position);
    return readRow(this.#rows!, this.#shape!, position);
  }

  #createRows(keyKind: KeyKind, shape: RecordShape, expectedKeys: number): KeyedRows {
    const {cellCount} = shape;
    const laneCount = shape.laneCount + this.#extraLanes;
    const onMove = this.#onReshape;
    return createKeyedRows(keyKind, {laneCount, cellCount, expectedKeys, onMove});
  }

  /** Moves everything to rows of another form. */
  #rebuild(keyKind: KeyKind, shape: RecordShape): KeyedRows {
    const [oldRows, oldShape] = [this.#rows!, this.#shape!];
    const rows = this.#createRows(keyKind, shape, oldRows.size);
    for (let at = oldRows.nextRow(0); at !== NO_ROW; at = oldRows.nextRow(at + oldRows.stride)) {
      const value = readRow(oldRows, oldShape, at);
      const position = rows.upsert(oldRows.keyAt(at));
      writeRow(rows, shape, position, value);
      const [from, to] = [at + oldRows.firstLane, position + rows.firstLane];
      for (let lane = 0; lane < this.#extraLanes; lane += 1) {
        rows.lanes[to + shape.laneCount + lane] = oldRows.lanes[from + oldShape.laneCount + lane]!;
      }
    }
    this.#rows = rows;
    this.#setShape(shape);
    this.#onReshape();
    return rows;
  }

  #setShape(shape: RecordShape): void {
    this.#shape = shape;
    this.#access = rowAccess(shape, this.#rows!.firstLane);
  }
}

function createKeyedRows(keyKind: KeyKind, options: KeyedRowsOptions): KeyedRows {
  switch (keyKind) {
    case 'number':
      return new NumberKeyTable(options);
    case 'string':
      return new StringKeyTable(options);
    case 'any':
      return new AnyKeyTable(options);
  }
}

/**
 * A copy of a plain object or an array, one level deep, whose texts do not keep a batch alive; anything
 * else, and what lies inside, is the same.
 */
export function ownCopy(value: unknown): unknown {
  if (typeof value === 'string') return flattenString(value);
  if (Array.isArray(value)) return value.slice();
  if (!isPlainObject(value)) return value;
  const copy: Record<string, unknown> = {...value};
  for (const name in copy) {
    const field = copy[name];
    if (typeof field === 'string') copy[name] = flattenString(field);
  }
  return copy;
}

function readRow(rows: KeyedRows, shape: RecordShape, position: number): unknown {
  const {lanes, firstLane, cells} = rows;
  if (shape.kind === 'number') return lanes[position + firstLane];
  const cellIndex = shape.cellCount === 0 ? 0 : rows.cellIndex(position);
  if (shape.kind === 'value') return cells[0]![cellIndex];
  const record: Record<string, unknown> = {};
  for (const {name, place, index} of shape.fields) {
    if (place === 'lane') record[name] = lanes[position + firstLane + index];
    else record[name] = place === 'key' ? rows.keyAt(position) : cells[index]![cellIndex];
  }
  return record;
}

/** `value` fits the shape. */
function writeRow(rows: KeyedRows, shape: RecordShape, position: number, value: unknown): void {
  const {lanes, firstLane, cells} = rows;
  if (shape.kind === 'number') {
    lanes[position + firstLane] = value as number;
    return;
  }
  const cellIndex = shape.cellCount === 0 ? 0 : rows.cellIndex(position);
  if (shape.kind === 'value') {
    cells[0]![cellIndex] = value;
    return;
  }
  for (const field of shape.fields) {
    writeField(rows, field, position, cellIndex, (value as Record<string, unknown>)[field.name]);
  }
}

function writeField(
  {lanes, firstLane, cells}: KeyedRows,
  {place, index}: ShapeField,
  position: number,
  cellIndex: number,
  value: unknown,
): void {
  if (place === 'lane') lanes[position + firstLane + index] = value as number;
  else if (place === 'cell') cells[index]![cellIndex] = keepCell(value, cells[index]![cellIndex]);
}

/** What a cell keeps of `value`, given what it holds: texts get memory of their own. */
export function keepCell(value: unknown, held: unknown): unknown {
  if (typeof value !== 'string') return value;
  return value === held ? held : flattenString(value);
}
