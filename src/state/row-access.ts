/**
 * Reads records out of rows and stores them, by code that is made for their shape: the fields are named in
 * the text, so a record is one object literal, and storing looks at each field once. Where code may not be
 * generated, `record-table.ts` does the same field by field.
 *
 * There is one pair of functions per shape, kept with the shape: tables of one shape share them. Pure
 * functions of their arguments.
 */
import {isPlainObject} from '../records/any-codec.ts';
import {compileFactory, isCodeGenerationAllowed, propertyText, quote} from '../records/compiler.ts';
import {flattenString} from '../records/flatten.ts';
import type {KeyedRows} from './keyed-rows.ts';
import type {RecordShape} from './record-shape.ts';

export interface RowAccess {
  /** The record of the row at `position`, a new object. */
  read(rows: KeyedRows, position: number): unknown;
  /** Stores `value`, if it fits the shape under `key`; nothing is changed if it does not. */
  store(rows: KeyedRows, position: number, key: unknown, value: unknown): boolean;
}

const known = new WeakMap<RecordShape, Map<number, RowAccess>>();

/** The code for rows of this shape; undefined for bare values, and where code may not be generated. */
export function rowAccess(shape: RecordShape, firstLane: number): RowAccess | undefined {
  if (shape.kind !== 'record' || !isCodeGenerationAllowed()) return undefined;
  let byLane = known.get(shape);
  if (byLane === undefined) known.set(shape, (byLane = new Map()));
  let access = byLane.get(firstLane);
  if (access === undefined) byLane.set(firstLane, (access = compile(shape, firstLane)));
  return access;
}

function compile({fields, cellCount}: RecordShape, firstLane: number): RowAccess {
  const lane = (index: number): string => `lanes[position + ${firstLane + index}]`;
  const cell = (index: number): string => `cells[${index}][cell]`;
  const places = [
    'const lanes = rows.lanes;',
    ...(cellCount === 0 ? [] : ['const cells = rows.cells, cell = rows.cellIndex(position);']),
  ];
  const parts = fields.map(({name, place, index}) => {
    const text =
      place === 'key' ? 'rows.keyAt(position)' : place === 'lane' ? lane(index) : cell(index);
    return `${quote(name)}: ${text}`;
  });
  const checks: string[] = [];
  const stores: string[] = [];
  for (const [number, {name, place, index}] of fields.entries()) {
    const field = `field${number}`;
    checks.push(`const ${field} = ${propertyText('value', name)};`);
    if (place === 'key') checks.push(`if (!Object.is(${field}, key)) return false;`);
    if (place === 'lane') {
      checks.push(`if (typeof ${field} !== 'number') return false;`);
      stores.push(`${lane(index)} = ${field};`);
    }
    if (place === 'cell') {
      // A field that is undefined is not the same as one that is missing.
      checks.push(
        `if (${field} === undefined && !Object.hasOwn(value, ${quote(name)})) return false;`,
      );
      stores.push(`if (!Object.is(${field}, ${cell(index)})) ${cell(index)} = keep(${field});`);
    }
  }
  const text = [
    'return {',
    'read(rows, position) {',
    ...places,
    `return {${parts.join(', ')}};`,
    '},',
    'store(rows, position, key, value) {',
    'if (!isPlainObject(value)) return false;',
    'let count = 0;',
    'for (const name in value) count++;',
    `if (count !== ${fields.length}) return false;`,
    ...checks,
    ...places,
    ...stores,
    'return true;',
    '},',
    '};',
  ].join('\n');
  const factory = compileFactory<RowAccess>('millrace/rows', ['isPlainObject', 'keep'], text);
  return factory(isPlainObject, (value: unknown) =>
    typeof value === 'string' ? flattenString(value) : value,
  );
}
