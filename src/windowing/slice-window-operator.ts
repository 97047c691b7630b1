/**
 * Runs the common windows fast: tumbling, sliding and cumulative ones of event time whose elements are
 * reduced or aggregated, with the default trigger. The results are those of window-operator.ts.
 *
 *   element ──► its slice ──► the row of its key in the slice's table
 *   watermark ──► next window that is over ──► its slices taken together ──► a result for each key
 *
 * There is one table per slice (slice-geometry.ts) and no timer: the windows that are due follow from the
 * slices that there are. An element is put into one row, whatever the number of its windows. Where
 * windows share slices, rows of a key are merged when a window fires; rows are numbered in the order in
 * which their first records came, and merged in that order. So a reduce function must be associative
 * and must not care how elements that came later are grouped; as Flink's merge of sessions wants it.
 *
 * The loop's code has the present slice in variables and looks only whether the next element lies in it.
 * Whatever else happens (another slice, late, a new form of the rows) is a call.
 *
 * A slice that was restored belongs only to windows behind those that were over; elements that come now go
 * into a slice of their own, because after a restore the watermark begins anew.
 */
import {assert} from '../base/assert.ts';
import type {ChainCode, RecordText} from '../operators/chain-code.ts';
import {ANY_USE} from '../operators/function-text.ts';
import type {KeyedOperator} from '../operators/keyed-operator.ts';
import type {OperatorContext} from '../operators/operator-runtime.ts';
import type {RowPlace} from '../operators/row-code.ts';
import {NO_ROW} from '../state/keyed-rows.ts';
import {NumberKeyTable} from '../state/number-key-table.ts';
import type {RecordTable} from '../state/record-table.ts';
import {TimeWindow} from '../time/time-window.ts';
import type {SliceGeometry} from './slice-geometry.ts';
import {SliceMerger, type MergedWindow} from './slice-merger.ts';
import {TableWindowOperator} from './table-window-operator.ts';
import {windowStart} from './window-assigner.ts';
import type {WindowOptions} from './window-operator.ts';

/** What a window is made of. */
interface Slice {
  readonly start: number;
  readonly end: number;
  /** It belongs only to windows that end behind this; -Infinity unless it was restored. */
  readonly passed: number;
  readonly table: RecordTable;
  /** The number of the form of its rows; 0 before the first row. */
  form: number;
}

/** A window on its way out. */
interface Firing {
  readonly window: TimeWindow;
  readonly rows: MergedWindow;
  /** Whether all rows of the first table have been emitted, and those of the second are under way. */
  isSecond: boolean;
  /** Rows of that table from here on have not been emitted. */
  position: number;
}

/**
 * The slice that elements go into, as generated code reads it. `from` is NaN if there is none: then the
 * code asks for the slice of the next element.
 */
interface PresentSlice {
  from: number;
  to: number;
  form: number;
  table: RecordTable;
  rows: unknown;
  lanes: Float64Array;
  cells: readonly unknown[][];
  shift: number;
  end: number;
}

/** What is saved of a row. */
type SavedSlice = readonly [start: number, passed: number, value: unknown, birth: number];

const NO_LANES = new Float64Array(0);

export class SliceWindowOperator extends TableWindowOperator<SavedSlice> {
  readonly #geometry: SliceGeometry;
  readonly #births = {count: 0};
  readonly #merger: SliceMerger;
  /** By start; of two with the same start the restored one first. */
  readonly #slices: Slice[] = [];
  /** Those that elements go into, by start. */
  readonly #open = new Map<number, Slice>();
  readonly #present: PresentSlice;
  /** Forms of rows that there have been, each as a text; the number of a form is its place plus one. */
  readonly #forms: string[] = [];
  /** A table that shows the form which rows have had last. */
  #model: RecordTable;
  /** The rows of the slice that fired last: so much room the next one gets. */
  #expectedKeys = 0;
  /** Windows that end here or before are over. */
  #passed = -Infinity;
  #current: Firing | undefined;
  #isGenerating = false;

  constructor(
    context: OperatorContext,
    options: WindowOptions,
    geometry: SliceGeometry,
    inner: KeyedOperator,
  ) {
    super(context, options, inner, true);
    this.#geometry = geometry;
    if (geometry.isShared) inner.numberRows(this.#births);
    this.#model = this.#createTable(() => {});
    this.#merger = new SliceMerger(inner, () => this.#createTable(() => {}));
    this.#present = {
      from: NaN,
      to: NaN,
      form: 0,
      table: this.#model,
      rows: undefined,
      lanes: NO_LANES,
      cells: [],
      shift: 0,
      end: 0,
    };
    this.restore((key, saved) => this.#takeSaved(key, saved));
  }

  generate(code: ChainCode, record: RecordText): void {
    if (this.options.lateTag !== undefined) this.collector.generate(code);
    this.#isGenerating = true;
    const isTyped = this.inner.generateInto(code, record, this.#model, () => this.#place(code));
    if (isTyped) this.#formOf(this.#model);
    this.#isGenerating = false;
    if (isTyped) return;
    const process = code.bind((value: unknown, timestamp: number) => {
      this.processOne(value, timestamp);
    });
    code.line(`${process}(${record.argument(ANY_USE)}, ${record.timestamp});`);
  }

  override get waitsForEventTime(): boolean {
    return this.#slices.length > 0;
  }

  override processWatermark(watermark: number): boolean {
    this.collector.interpret(NaN);
    this.watermark = watermark;
    // Slices may go, and the next element may be late.
    this.#present.from = NaN;
    for (;;) {
      if (this.#current === undefined) {
        const end = this.#nextEnd();
        if (end === Infinity || end - 1 > watermark) {
          this.#passed = watermark + 1;
          this.#dropSlices();
          return true;
        }
        this.#current = this.#begin(end);
      }
      if (!this.#fireRows(this.#current)) return false;
      const {window, rows} = this.#current;
      this.#current = undefined;
      this.#passed = window.end;
      this.#expectedKeys = Math.max(rows.first.size, rows.second?.size ?? 0);
      this.#dropSlices();
    }
  }

  protected override eachSaved(
    visit: (key: unknown, number: number, saved: SavedSlice) => void,
  ): void {
    for (const [index, {start, passed, table}] of this.#slices.entries()) {
      const behind = Math.max(passed, this.#passed);
      eachRow(table, (key, value, position) => {
        const birth = this.#geometry.isShared ? table.rows!.lanes[table.extraLane(position)]! : 0;
        visit(key, index, [start, behind, value, birth]);
      });
    }
  }

  #takeSaved(key: unknown, [start, passed, value, birth]: SavedSlice): void {
    // Where nothing is shared, what had fired is gone, and elements of now belong to the same window.
    const behind = this.#geometry.isShared ? passed : -Infinity;
    const slice = this.#sliceAt(start, behind) ?? this.#addSlice(start, behind);
    const {table} = slice;
    const position = table.store(table.locate(key), key, value);
    if (!this.#geometry.isShared) return;
    table.rows!.lanes[table.extraLane(position)] = birth;
    this.#births.count = Math.max(this.#births.count, birth);
  }

  protected override processOne(value: unknown, timestamp: number): void {
    if (this.#enter(timestamp)) this.#take(value);
    else this.refuse(value, timestamp);
  }

  /** Makes the slice of `timestamp` the present one; false if it is late, or there is no such time. */
  #enter(timestamp: number): boolean {
    const present = this.#present;
    if (timestamp >= present.from && timestamp < present.to) return true;
    if (!Number.isFinite(timestamp)) return false;
    const {sliceMs, offsetMs, lastEnd} = this.#geometry;
    const start = windowStart(timestamp, offsetMs, sliceMs);
    if (lastEnd(start) - 1 <= this.watermark) return false;
    const slice = this.#open.get(start) ?? this.#addSlice(start, -Infinity);
    if (start < this.#merger.mergedEnd) this.#merger.invalidate();
    this.inner.useTable(slice.table);
    present.from = slice.start;
    present.to = slice.end;
    this.#show(slice);
    return true;
  }

  /** Tells generated code where the rows of the present slice are. */
  #show({table, form}: Slice): void {
    const present = this.#present;
    present.table = table;
    present.form = form;
    const {rows} = table;
    if (rows === undefined) return;
    present.rows = rows;
    present.lanes = rows.lanes;
    present.cells = rows.cells;
    if (rows instanceof NumberKeyTable) {
      present.shift = rows.shift;
      present.end = rows.end;
    }
  }

  #take(value: unknown): void {
    this.inner.takeInto(this.#present.table, value);
  }

  #createTable(onReshape: () => void): RecordTable {
    return this.inner.createTable(onReshape, {
      expectedKeys: this.#expectedKeys,
      extraLanes: this.#geometry.isShared ? 1 : 0,
    });
  }

  #sliceAt(start: number, passed: number): Slice | undefined {
    return this.#slices.find(slice => slice.start === start && slice.passed === passed);
  }

  #addSlice(start: number, passed: number): Slice {
    const table = this.#createTable(() => this.#reshaped(slice));
    const slice: Slice = {start, end: start + this.#geometry.sliceMs, passed, table, form: 0};
    const {rows, shape} = this.#model;
    if (rows !== undefined) table.start(rows.keyKind, shape!);
    let index = this.#slices.length;
    while (index > 0 && isBehind(this.#slices[index - 1]!, slice)) index -= 1;
    this.#slices.splice(index, 0, slice);
    if (passed === -Infinity) this.#open.set(start, slice);
    return slice;
  }

  /** The rows of a slice have moved, or have another form. */
  #reshaped(slice: Slice): void {
    const {table} = slice;
    const form = this.#formOf(table);
    if (form !== slice.form) {
      slice.form = form;
      if (form !== this.#formOf(this.#model)) {
        // From now on this is how rows look.
        this.#model = table;
        this.context.invalidateCode();
        if (!this.#isGenerating) this.context.requestStop();
      }
    }
    if (this.#present.table === table) this.#show(slice);
  }

  /** The number of the form of a table's rows. */
  #formOf({rows, shape}: RecordTable): number {
    if (rows === undefined) return 0;
    const text = JSON.stringify([rows.keyKind, shape]);
    let index = this.#forms.indexOf(text);
    if (index < 0) index = this.#forms.push(text) - 1;
    return index + 1;
  }

  /** Where generated code finds the present slice. */
  #place(code: ChainCode): RowPlace {
    const present = code.bind(this.#present);
    const [from, to, rows, lanes, shift, end, isTyped] = [
      'from',
      'to',
      'rows',
      'lanes',
      'shift',
      'end',
      'isTyped',
    ].map(name => code.name(name)) as [string, string, string, string, string, string, string];
    const cells = this.#model.rows!.cells.map(() => code.name('cells'));
    let isDeclared = false;
    let reload = '';
    return {
      table: `${present}.table`,
      rows,
      lanes,
      cells,
      shift,
      end,
      births: this.#geometry.isShared ? `${code.bind(this.#births)}.count` : undefined,
      fits: isTyped,
      get reload() {
        return reload;
      },
      enter: (record, leave) => {
        assert(!isDeclared, 'a place in code is entered once');
        isDeclared = true;
        const form = this.#formOf(this.#model);
        const names = [from, to, rows, lanes, shift, end, isTyped, ...cells];
        const assignments = [
          `${from} = ${present}.from`,
          `${to} = ${present}.to`,
          `${rows} = ${present}.rows`,
          `${lanes} = ${present}.lanes`,
          `${shift} = ${present}.shift`,
          `${end} = ${present}.end`,
          `${isTyped} = ${present}.form === ${form}`,
          ...cells.map((name, index) => `${name} = ${present}.cells[${index}]`),
        ];
        reload = `${assignments.join('; ')};`;
        code.prologue(`let ${names.join(', ')};`);
        code.prologue(reload);
        const enter = code.bind((timestamp: number) => this.#enter(timestamp));
        const refuse = code.bind((value: unknown, timestamp: number) =>
          this.refuse(value, timestamp),
        );
        const {timestamp} = record;
        const time = code.name('time');
        code.line(`const ${time} = ${timestamp};`);
        code.line(`if (!(${time} >= ${from} && ${time} < ${to})) {`);
        code.line(`if (!${enter}(${time})) ${leave(`${refuse}(${record.inline()}, ${time});`)}`);
        code.line(reload);
        code.line('}');
        const take = this.#takeText(code, record);
        code.line(`if (!${isTyped}) ${leave(take)}`);
      },
      slow: record => this.#takeText(code, record),
    };
  }

  #takeText(code: ChainCode, record: RecordText): string {
    const take = code.bind(this.#takeBound);
    return `${take}(${record.inline()});`;
  }

  readonly #takeBound = (value: unknown): void => this.#take(value);

  /** The end of the next window that has anything in it, or Infinity. */
  #nextEnd(): number {
    const {firstEnd, endAfter, lastEnd} = this.#geometry;
    // No window ends earlier than that, so whoever finds it need not look on.
    const least = this.#passed === -Infinity ? -Infinity : endAfter(this.#passed);
    let next = Infinity;
    for (const {start, passed} of this.#slices) {
      const first = firstEnd(start);
      if (first >= next || next === least) break;
      const behind = Math.max(passed, this.#passed);
      const end = first > behind ? first : endAfter(behind);
      if (end <= lastEnd(start)) next = Math.min(next, end);
    }
    return next;
  }

  #begin(end: number): Firing {
    const start = this.#geometry.startOf(end);
    const window = new TimeWindow(start, end);
    const parts = this.#slices.filter(
      slice => slice.start >= start && slice.end <= end && slice.passed < end,
    );
    return {window, rows: this.#rowsOf(window, parts), isSecond: false, position: 0};
  }

  #rowsOf({start, end}: TimeWindow, parts: readonly Slice[]): MergedWindow {
    if (!this.#geometry.isShared) return {first: parts[0]!.table, second: undefined};
    // What was restored belongs to some windows only; it is gone soon.
    if (this.#slices.some(({passed}) => passed > -Infinity)) return this.#merger.plainWindow(parts);
    return this.#merger.window(start, end, parts);
  }

  /** Emits the rows that are left; false if the outputs have no room for all. */
  #fireRows(firing: Firing): boolean {
    const {window, rows} = firing;
    if (!firing.isSecond) {
      if (!this.#fireTable(firing, rows.first, rows.second)) return false;
      firing.isSecond = true;
      firing.position = 0;
    }
    if (rows.second === undefined) return true;
    const {first, second} = rows;
    // Keys of the first table have been emitted, with what the second has of them.
    const others = {window, rows: {first: second, second: undefined}, isSecond: true, position: 0};
    others.position = firing.position;
    const isDone = this.#fireTable(others, second, undefined, first);
    firing.position = others.position;
    return isDone;
  }

  /** Emits a result for each row of `table`, merged with that of `other`, except keys in `without`. */
  #fireTable(
    firing: Firing,
    table: RecordTable,
    other: RecordTable | undefined,
    without?: RecordTable,
  ): boolean {
    const {rows} = table;
    if (rows === undefined) return true;
    const {window} = firing;
    const merger = this.#merger;
    for (let at = rows.nextRow(firing.position); at !== NO_ROW;) {
      if (!this.context.canEmit()) {
        firing.position = at;
        return false;
      }
      const key = rows.keyAt(at);
      if (without === undefined || find(without, key) === NO_ROW) {
        const result = this.#geometry.isShared
          ? merger.resultOf(firing.rows, at, other === undefined ? NO_ROW : find(other, key))
          : this.inner.resultOf(table.read(at));
        this.fire(key, window, result);
      }
      at = rows.nextRow(at + rows.stride);
    }
    return true;
  }

  /** Drops slices that belong to no window any more. */
  #dropSlices(): void {
    const {lastEnd} = this.#geometry;
    for (let index = this.#slices.length - 1; index >= 0; index -= 1) {
      const slice = this.#slices[index]!;
      if (lastEnd(slice.start) > this.#passed) continue;
      this.#slices.splice(index, 1);
      if (this.#open.get(slice.start) === slice) this.#open.delete(slice.start);
    }
  }
}

function find({rows}: RecordTable, key: unknown): number {
  return rows !== undefined && rows.accepts(key) ? rows.find(key) : NO_ROW;
}

function isBehind(a: Slice, b: Slice): boolean {
  return a.start > b.start || (a.start === b.start && a.passed < b.passed);
}

function eachRow(
  table: RecordTable,
  visit: (key: unknown, value: unknown, position: number) => void,
): void {
  const {rows} = table;
  if (rows === undefined) return;
  for (let at = rows.nextRow(0); at !== NO_ROW; at = rows.nextRow(at + rows.stride)) {
    visit(rows.keyAt(at), table.read(at), at);
  }
}
