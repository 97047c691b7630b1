/**
 * Generates the access to a key's row in keyed state: finding it, reading it into an object literal,
 * storing fields. The probe for a number stands in the loop itself, so that nothing is called and nothing
 * is allocated for a record whose key is known.
 *
 * The array of lanes is a constant of the code, and so are the numbers that go with its size: V8 then
 * needs neither to load nor to check them before each access, which is worth a third of the time. For
 * that the code is made anew when the table grows, which it does a few times in its life; the record
 * that needs more room goes the general way, and the loop ends behind it (`RecordTable.onReshape`).
 *
 * An object that a user function gets is a literal directly in front of the call, and a result that is
 * emitted is a literal behind it: V8 builds neither if it has inlined the function. (Two literals that
 * meet in one variable would both be built.)
 */
import {hashDouble} from '../base/hash.ts';
import {propertyText, quote} from '../records/compiler.ts';
import {flattenString} from '../records/flatten.ts';
import type {TextPlace} from '../records/batch-reader.ts';
import type {RecordSchema} from '../records/schema.ts';
import type {KeyKind, KeyedRows} from '../state/keyed-rows.ts';
import {FIBONACCI, NumberKeyTable} from '../state/number-key-table.ts';
import {shapeOfSchema, type RecordShape, type ShapeField} from '../state/record-shape.ts';
import type {RecordTable} from '../state/record-table.ts';
import type {ChainCode, RecordText} from './chain-code.ts';
import {isSameSet} from './function-text.ts';
import {keyText, type KeyReader} from './key.ts';
import type {UserFunction} from './user-function.ts';

/** The kind of table for the keys of records of this schema, or undefined if they do not tell. */
export function keyKindOfSchema(key: KeyReader, record: RecordText): KeyKind | undefined {
  const column = key.path === undefined ? undefined : record.column(key.path);
  if (column?.type === 'int32' || column?.type === 'float64') return 'number';
  return column?.type === 'string' ? 'string' : undefined;
}

/**
 * Makes `table` ready for records that come as columns: starts it if it is empty. False if its form does
 * not fit these records, or not yet.
 */
export function startFromColumns(key: KeyReader, table: RecordTable, record: RecordText): boolean {
  const {schema} = record;
  if (schema === undefined) return false;
  const keyField = topField(key.path ?? []);
  if (table.size === 0) {
    const keyKind = table.rows?.keyKind ?? keyKindOfSchema(key, record);
    const shape = shapeOfSchema(schema, keyField);
    if (keyKind === undefined || shape === undefined || shape.kind === 'value') return false;
    table.start(keyKind, shape);
    return true;
  }
  return table.shape!.kind !== 'value' && fitsColumns(table.shape!, schema, keyField);
}

/** The field that a path of one name leads to. */
export function topField(path: readonly string[]): string | undefined {
  return path.length === 1 ? path[0] : undefined;
}

/** Whether records of `schema` can be stored in rows of `shape` without looking at them. */
export function fitsColumns(
  shape: RecordShape,
  schema: RecordSchema,
  keyField: string | undefined,
): boolean {
  const columns = shapeOfSchema(schema, keyField);
  if (columns === undefined || columns.kind !== shape.kind) return false;
  if (shape.fields.length !== columns.fields.length) return false;
  return shape.fields.every(({name, place}) => {
    const column = columns.fields.find(field => field.name === name);
    if (column === undefined) return false;
    return place === 'cell' || column.place === place;
  });
}

/**
 * Under which names generated code finds a table. They are constants where the table stays the same;
 * variables where the loop goes from one table to another of the same form (windows).
 */
export interface RowPlace {
  readonly table: string;
  readonly rows: string;
  readonly lanes: string;
  readonly cells: readonly string[];
  /** Of a table for numbers: `shift` and `end`. */
  readonly shift: string;
  readonly end: string;
  /** A variable that counts new rows; each keeps the number that it got in its extra lane. */
  readonly births: string | undefined;
  /**
   * Where the names are variables, which may have other values from record to record: a variable that
   * says whether they name a table of the right form at present.
   */
  readonly fits: string | undefined;
  /** Writes what comes before the row is looked for, with a way to leave the record's block. */
  readonly enter?: (record: RecordText, leave: (statement: string) => string) => void;
  /** Writes what comes as soon as the row has been found, before anything is stored in it. */
  readonly found?: (record: RecordText, row: RowCode) => void;
  /** A statement behind whatever may have moved rows or changed the form of the table. */
  readonly reload?: string;
  /** A statement that does everything about the record in the general way. */
  readonly slow?: (record: RecordText) => string;
}

/** The place of a table that stays the same; code for it is void when its rows move. */
export function constantPlace(code: ChainCode, table: RecordTable): RowPlace {
  const rows = table.rows!;
  const isNumber = rows instanceof NumberKeyTable;
  return {
    table: code.bind(table),
    rows: code.bind(rows),
    lanes: code.bind(rows.lanes),
    cells: rows.cells.map(column => code.bind(column)),
    shift: isNumber ? String(rows.shift) : '',
    end: isNumber ? String(rows.end) : '',
    births: undefined,
    fits: undefined,
  };
}

export class RowCode {
  /** Variables: the key, the position of its row, whether the row is new. */
  readonly key: string;
  readonly position: string;
  readonly isNew: string;
  /** Counts the records that went the general way. */
  readonly left: string;
  readonly shape: RecordShape;
  readonly #code: ChainCode;
  readonly #rows: KeyedRows;
  readonly #place: RowPlace;
  readonly #label: string;
  #cellIndex: string | undefined;

  /** `table` shows the form; it is the table that is used, unless `place` names others. */
  constructor(code: ChainCode, table: RecordTable, place = constantPlace(code, table)) {
    this.shape = table.shape!;
    this.#code = code;
    this.#rows = table.rows!;
    this.#place = place;
    this.#label = code.name('keyed');
    this.key = code.name('key');
    this.position = code.name('position');
    this.isNew = code.name('isNew');
    this.left = code.counter();
  }

  /**
   * Opens the block in which the record is handled and finds the row of its key. `slow` is a statement
   * that does everything about the record in the general way.
   */
  begin(record: RecordText, key: KeyReader, slow: string): void {
    const code = this.#code;
    code.block(`${this.#label}: {`);
    this.#place.enter?.(record, statement => this.leave(statement));
    const column = key.path === undefined ? undefined : record.column(key.path);
    const place = key.path === undefined ? undefined : record.textPlace(key.path);
    if (place !== undefined && this.#rows.keyKind === 'string') {
      this.#findBytes(place, column!.text, slow);
      record.remember(key.path!, this.key);
      if (this.#place.cells.length > 0) this.#declareCellIndex();
      this.#place.found?.(record, this);
      return;
    }
    code.line(`const ${this.key} = ${column?.text ?? keyText(code, record, key)};`);
    if (column !== undefined) record.remember(key.path!, this.key);
    switch (this.#rows.keyKind) {
      case 'number':
        if (column !== undefined) this.#fetchAhead(record, key.path!, column.type);
        this.#findNumber(column?.type, slow);
        break;
      case 'string':
        this.#findString(column?.type, slow);
        break;
      case 'any':
        code.line(
          `let ${this.position} = ${this.#place.rows}.find(${this.key}), ${this.isNew} = false;`,
        );
        code.line(`if (${this.position} < 0) {`);
        code.line(`if (!${this.#place.rows}.hasRoom) ${this.leave(slow)}`);
        code.line(`${this.position} = ${this.#place.table}.locate(${this.key});`);
        this.#bear();
        code.line('}');
        break;
    }
    if (this.#place.cells.length > 0) this.#declareCellIndex();
    this.#place.found?.(record, this);
  }

  end(): void {
    this.#code.end();
  }

  /** Leaves the block after `statement` has done in the general way what is left to do. */
  leave(statement: string): string {
    return `{ ${statement} ${this.#place.reload ?? ''} ${this.left}++; break ${this.#label}; }`;
  }

  /** What is stored of a field, as an expression. */
  stored(field: ShapeField): string {
    if (field.place === 'key') return this.key;
    return field.place === 'lane' ? this.lane(field.index) : this.#cell(field.index);
  }

  lane(index: number): string {
    return `${this.#place.lanes}[${this.position} + ${this.#rows.firstLane + index}]`;
  }

  /** Stores `value` as a field; what is stored in the key's place is the key. */
  store(field: ShapeField, value: string): void {
    if (field.place === 'lane') {
      this.#code.line(`${this.lane(field.index)} = ${value};`);
    } else if (field.place === 'cell') {
      const cell = this.#cell(field.index);
      const keep = this.#code.bind(keepText);
      this.#code.line(`if (!Object.is(${value}, ${cell})) ${cell} = ${keep}(${value});`);
    }
  }

  /** The value as an expression; `texts` gives the expression for each field. */
  literal(text: (field: ShapeField) => string): string {
    if (this.shape.kind === 'number') return text(NUMBER_FIELD);
    return `{${this.shape.fields.map(field => `${quote(field.name)}: ${text(field)}`).join(', ')}}`;
  }

  /** The fields that have to be stored: a bare number counts as one. */
  get fields(): readonly ShapeField[] {
    return this.shape.kind === 'number' ? [NUMBER_FIELD] : this.shape.fields;
  }

  get fieldNames(): readonly string[] | undefined {
    return this.shape.kind === 'record' ? this.shape.fields.map(({name}) => name) : undefined;
  }

  /**
   * Declares a variable per stored field, named by the result, and writes them into the row; `write`
   * assigns them.
   */
  update(write: (variables: ReadonlyMap<ShapeField, string>) => void): Map<ShapeField, string> {
    const variables = new Map<ShapeField, string>();
    for (const field of this.fields) {
      if (field.place !== 'key') variables.set(field, this.#code.name('field'));
    }
    if (variables.size > 0) this.#code.line(`let ${[...variables.values()].join(', ')};`);
    write(variables);
    for (const [field, variable] of variables) this.store(field, variable);
    return variables;
  }

  /**
   * Calls a user function that combines what is stored with the record, and assigns the fields of what it
   * returned to `variables`. `call` gives the call for an accumulator, `misfit` the statement that does
   * the rest in the general way if the result does not fit the shape.
   */
  combine(
    fn: UserFunction,
    accumulatorIndex: number,
    variables: ReadonlyMap<ShapeField, string>,
    call: (accumulator: string) => string,
    misfit: (result: string) => string,
  ): void {
    const code = this.#code;
    const result = code.name('returned');
    const literal = this.literal(field => this.stored(field));
    const {isReturned, fields} = fn.use(accumulatorIndex);
    const names = this.fieldNames;
    if (names !== undefined && isReturned && fields?.every(field => names.includes(field))) {
      // What it returns is what it was given, with the same fields, or something else.
      const accumulator = code.name('accumulator');
      code.line(`const ${accumulator} = ${literal};`);
      code.line(`const ${result} = ${call(accumulator)};`);
      this.takeApart(result, variables, `${result} !== ${accumulator}`, misfit(result));
    } else {
      code.line(`const ${result} = ${call(literal)};`);
      this.takeReturned(fn, result, variables, misfit);
    }
  }

  /** The same for what `fn` returned without an accumulator of ours. */
  takeReturned(
    fn: UserFunction,
    result: string,
    variables: ReadonlyMap<ShapeField, string>,
    misfit: (result: string) => string,
  ): void {
    const [proven, names] = [fn.resultFields, this.fieldNames];
    const isProven = proven !== undefined && names !== undefined && isSameSet(proven, names);
    this.takeApart(result, variables, isProven ? undefined : 'true', misfit(result));
  }

  /**
   * Assigns the fields of `object` to `variables`; leaves through `misfit` if one does not fit. `doubt`
   * is an expression for when its fields have to be counted, undefined if they are certain.
   */
  takeApart(
    object: string,
    variables: ReadonlyMap<ShapeField, string>,
    doubt: string | undefined,
    misfit: string,
  ): void {
    const code = this.#code;
    const leave = this.leave(misfit);
    if (this.shape.kind === 'number') {
      const [variable] = variables.values();
      code.line(`if (typeof ${object} !== 'number') ${leave}`);
      code.line(`${variable} = ${object};`);
      return;
    }
    if (doubt !== undefined) {
      code.block(`if (${doubt}) {`);
      this.#checkFields(object, leave);
      code.end();
    }
    for (const field of this.shape.fields) {
      const access = propertyText(object, field.name);
      if (field.place === 'key') {
        code.line(`if (!Object.is(${access}, ${this.key})) ${leave}`);
        continue;
      }
      const variable = variables.get(field)!;
      code.line(`${variable} = ${access};`);
      if (field.place === 'lane') code.line(`if (typeof ${variable} !== 'number') ${leave}`);
    }
  }

  /**
   * Checks that `object` has the fields of the shape and no others. The fields are counted in the loop
   * itself: in a function of its own that takes three times as long.
   */
  #checkFields(object: string, leave: string): void {
    const code = this.#code;
    const {fields} = this.shape;
    const count = code.name('count');
    const prototypeOf = code.bind(Object.getPrototypeOf);
    const isOther = `${prototypeOf}(${object}) !== ${code.bind(Object.prototype)}`;
    code.line(`if (typeof ${object} !== 'object' || ${object} === null || ${isOther}) ${leave}`);
    code.line(`let ${count} = 0;`);
    code.line(`for (const ${code.name('name')} in ${object}) ${count}++;`);
    code.line(`if (${count} !== ${fields.length}) ${leave}`);
    // Fields that must hold a number or the key are seen to be there when they are read.
    for (const {name, place} of fields) {
      if (place !== 'cell') continue;
      const isMissing = `!Object.hasOwn(${object}, ${quote(name)})`;
      code.line(`if (${propertyText(object, name)} === undefined && ${isMissing}) ${leave}`);
    }
  }

  /** Lane `index` of those behind the value, which belong to whoever keeps the table. */
  extraLane(index: number): string {
    return this.lane(this.shape.laneCount + index);
  }

  /** The row is new. */
  #bear(): void {
    this.#code.line(`${this.isNew} = true;`);
    this.number();
  }

  /** Gives the row the next number, where rows are numbered. */
  number(): void {
    const {births} = this.#place;
    if (births !== undefined) this.#code.line(`${this.extraLane(0)} = ++${births};`);
  }

  #findNumber(columnType: string | undefined, slow: string): void {
    const code = this.#code;
    const {key, position, isNew} = this;
    const rows = this.#rows as NumberKeyTable;
    if (columnType !== 'int32') {
      const isNumber = columnType === 'float64' ? '' : `typeof ${key} !== 'number' || `;
      const isOdd = `${isNumber}${key} !== ${key} || (${key} === 0 && 1 / ${key} < 0)`;
      code.line(`if (${isOdd}) ${this.leave(slow)}`);
    }
    const found = code.name('found');
    const {stride} = rows;
    const {end} = this.#place;
    code.line(`let ${position} = ${this.#homeText(key, columnType)};`);
    code.line(`let ${found} = ${this.#place.lanes}[${position}], ${isNew} = false;`);
    code.line(`while (${found} !== ${key}) {`);
    code.line(`if (${found} !== ${found}) {`);
    code.line(`if (!${this.#place.rows}.hasRoom) ${this.leave(slow)}`);
    code.line(`${position} = ${this.#place.rows}.insertAt(${key}, ${position});`);
    this.#bear();
    code.line('break;');
    code.line('}');
    code.line(`${position} += ${stride};`);
    code.line(`if (${position} === ${end}) ${position} = 0;`);
    code.line(`${found} = ${this.#place.lanes}[${position}];`);
    code.line('}');
  }

  /** Where the probe for a number begins. */
  #homeText(key: string, columnType: string | undefined): string {
    const {stride} = this.#rows;
    const {shift} = this.#place;
    const double = `${this.#code.bind(hashDouble)}(${key})`;
    const hash = columnType === 'int32' ? key : `(${key} | 0) === ${key} ? ${key} : ${double}`;
    const scale = stride === 1 ? '' : ` * ${stride}`;
    return `(Math.imul(${hash}, ${FIBONACCI}) >>> ${shift})${scale}`;
  }

  /**
   * Touches the rows of all keys of the batch before the loop begins, if the table is larger than what
   * lies near the processor. In a loop that does nothing else many of these accesses are under way at
   * once; in the other one each record would wait for its own (100 ns per record at a million keys
   * without, 61 with; no gain below 4 MB: bench/micro/keyed-state.ts).
   */
  #fetchAhead(record: RecordText, path: readonly string[], columnType: string): void {
    const {fits, rows} = this.#place;
    if (fits === undefined && this.#rows.sizeBytes < FETCH_AHEAD_BYTES_MIN) return;
    const code = this.#code;
    const [row, key, sum] = ['row', 'key', 'touched'].map(name => code.name(name)) as [
      string,
      string,
      string,
    ];
    code.prologue(`let ${sum} = 0;`);
    if (fits !== undefined) {
      code.prologue(`if (${fits} && ${rows}.sizeBytes >= ${FETCH_AHEAD_BYTES_MIN})`);
    }
    code.prologue(`for (let ${row} = $from; ${row} < $to; ${row}++) {`);
    code.prologue(`const ${key} = ${record.columnAt(path, row)};`);
    code.prologue(`${sum} += ${this.#place.lanes}[${this.#homeText(key, columnType)}];`);
    code.prologue('}');
    // Kept, so that it is not optimised away.
    code.prologue(`${code.bind(TOUCHED)}[0] = ${sum};`);
  }

  #findString(columnType: string | undefined, slow: string): void {
    const code = this.#code;
    const {key, position, isNew} = this;
    if (columnType !== 'string') {
      code.line(`if (typeof ${key} !== 'string') ${this.leave(slow)}`);
    }
    code.line(`let ${position} = ${this.#place.rows}.find(${key}), ${isNew} = false;`);
    this.#insertText(key, '', slow);
  }

  /**
   * Finds the row of a text by its bytes in the batch; `text` makes a string of them, which only a new key
   * needs. Where the batch has a dictionary, each entry is looked up once and rows by its number from
   * then on.
   */
  #findBytes(place: TextPlace, text: string, slow: string): void {
    const code = this.#code;
    const {key, position, isNew} = this;
    const {rows, fits} = this.#place;
    const [isCoded, isNarrow, base, word] = ['isCoded', 'isNarrow', 'base', 'word'].map(name =>
      code.name(name),
    ) as [string, string, string, string];
    const positions = code.bind(new Int32Array(CODES_MAX));
    code.prologue(`const ${isCoded} = ${place.isCoded}, ${isNarrow} = ${place.isNarrow};`);
    code.prologue(`const ${base} = ${place.base};`);
    const forget = `if (${isCoded}) ${positions}.fill(-1, 0, ${place.codeCount});`;
    code.prologue(forget);
    if (fits !== undefined) {
      // Positions are those of one table.
      const known = code.name('known');
      code.prologue(`let ${known} = ${rows};`);
      code.line(`if (${known} !== ${rows}) { ${known} = ${rows}; ${forget} }`);
    }
    code.line(`let ${position} = ${isCoded} ? ${positions}[${place.code}] : -1, ${isNew} = false;`);
    code.block(`if (${position} < 0) {`);
    code.block(`if (${isNarrow}) {`);
    code.line(`const ${word} = ${place.word};`);
    const [start, end] = [word, `${word} + 1`].map(at => `${base} + ${place.words}[${at}]`);
    code.line(`${position} = ${rows}.findBytes(${place.bytes}, ${start}, ${end});`);
    code.end();
    code.line(`else ${position} = ${rows}.find(${text});`);
    this.#insertText(text, `if (${isCoded}) ${positions}[${place.code}] = ${position};`, slow);
    code.end();
    code.line(`const ${key} = ${rows}.keyAt(${position});`);
  }

  /** Makes a row if there is none yet, then runs `behind`. */
  #insertText(text: string, behind: string, slow: string): void {
    const code = this.#code;
    const {position} = this;
    code.block(`if (${position} < 0) {`);
    code.line(`if (!${this.#place.rows}.hasRoom) ${this.leave(slow)}`);
    code.line(`${position} = ${this.#place.rows}.upsert(${text});`);
    this.#bear();
    code.end();
    code.line(behind);
  }

  #declareCellIndex(): void {
    const {stride, keyKind} = this.#rows;
    this.#cellIndex = this.#code.name('cell');
    const index =
      keyKind === 'number'
        ? `${this.#place.lanes}[${this.position} + ${stride - 1}]`
        : stride === 1
          ? this.position
          : `(${this.position} / ${stride}) | 0`;
    this.#code.line(`const ${this.#cellIndex} = ${index};`);
  }

  #cell(index: number): string {
    return `${this.#place.cells[index]}[${this.#cellIndex}]`;
  }
}

/** No batch has more rows (batch-layout.ts), and so no dictionary more entries. */
const CODES_MAX = 1 << 16;

const FETCH_AHEAD_BYTES_MIN = 4 << 20;
const TOUCHED = new Float64Array(1);

/** The lane of a bare number, as if it were a field. */
const NUMBER_FIELD: ShapeField = {name: '', place: 'lane', index: 0};

/** What a cell keeps: texts get memory of their own. */
function keepText(value: unknown): unknown {
  return typeof value === 'string' ? flattenString(value) : value;
}
