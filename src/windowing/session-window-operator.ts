/**
 * Runs sessions fast: sessions of event time whose elements are reduced or aggregated, with the default
 * trigger. The results are those of window-operator.ts, save the order in which two sessions that merge
 * are taken together, which is not defined there either.
 *
 * Of each key one session lies in a table: the row has the value, and behind it
 *
 *   start | end | due        due: when the session is looked at the next time (due-keys.ts)
 *
 * An element that lies in it, or touches it, is taken into the row; that is all that the loop's code does.
 * Timers are lazy: a session that has grown is due too early, is looked at, and put in again at its end.
 * So a session costs one timer for each length of the gap, not one for each element.
 *
 * Other sessions of a key, which have ended but not fired yet, or began before it, are objects (`#others`).
 * Sessions of a key neither overlap nor touch. A row with start = end holds nothing yet.
 */
import type {ChainCode, RecordText} from '../operators/chain-code.ts';
import {ANY_USE} from '../operators/function-text.ts';
import type {KeyedOperator} from '../operators/keyed-operator.ts';
import type {OperatorContext} from '../operators/operator-runtime.ts';
import {constantPlace, type RowCode, type RowPlace} from '../operators/row-code.ts';
import {NO_ROW} from '../state/keyed-rows.ts';
import {ownCopy, type RecordTable} from '../state/record-table.ts';
import {StateMap} from '../state/state-map.ts';
import {TimeWindow} from '../time/time-window.ts';
import {DueKeys} from './due-keys.ts';
import type {EventTimeSessionWindows} from './session-windows.ts';
import {TableWindowOperator} from './table-window-operator.ts';
import type {WindowOptions} from './window-operator.ts';

const START = 0;
const END = 1;
const DUE = 2;

interface Session {
  readonly start: number;
  readonly end: number;
  due: number;
  readonly value: unknown;
}

type SavedSession = readonly [start: number, end: number, value: unknown];

export class SessionWindowOperator extends TableWindowOperator<SavedSession> {
  readonly #assigner: EventTimeSessionWindows;
  readonly #table: RecordTable;
  /** Where a value and an element are put together that do not belong into the table. */
  readonly #scratch: RecordTable;
  readonly #others = new StateMap<Session[]>();
  readonly #due = new DueKeys();
  /** Keys that are due at `#firingTime`, and how many of them have been looked at. */
  #firing: unknown[] = [];
  #fired = 0;
  #firingTime = -Infinity;
  #isGenerating = false;

  constructor(context: OperatorContext, options: WindowOptions, inner: KeyedOperator) {
    super(context, options, inner, false);
    this.#assigner = options.assigner as EventTimeSessionWindows;
    this.#table = inner.createTable(
      () => {
        context.invalidateCode();
        if (!this.#isGenerating) context.requestStop();
      },
      {extraLanes: 3},
    );
    this.#scratch = inner.createTable(() => {});
    this.restore((key, [start, end, value]) => {
      this.#put(key, {start, end, due: end - 1, value});
      this.#due.add(end - 1, key);
    });
  }

  generate(code: ChainCode, record: RecordText): void {
    if (this.options.lateTag !== undefined) this.collector.generate(code);
    const {gapMs} = this.#assigner;
    if (gapMs !== undefined && this.#generateTyped(code, record, gapMs)) return;
    const process = code.bind((value: unknown, timestamp: number) => {
      this.processOne(value, timestamp);
    });
    code.line(`${process}(${record.argument(ANY_USE)}, ${record.timestamp});`);
  }

  override get waitsForEventTime(): boolean {
    return this.#table.size > 0 || this.#others.size > 0;
  }

  override processWatermark(watermark: number): boolean {
    this.collector.interpret(NaN);
    this.watermark = watermark;
    for (;;) {
      while (this.#fired < this.#firing.length) {
        if (!this.context.canEmit()) return false;
        this.#fired += 1;
        this.#look(this.#firing[this.#fired - 1], this.#firingTime);
      }
      const {next} = this.#due;
      if (next === Infinity || next > watermark) return true;
      this.#firingTime = next;
      this.#firing = this.#due.take();
      this.#fired = 0;
    }
  }

  protected override eachSaved(
    visit: (key: unknown, number: number, saved: SavedSession) => void,
  ): void {
    const {rows} = this.#table;
    for (
      let at = rows?.nextRow(0) ?? NO_ROW;
      at !== NO_ROW;
      at = rows!.nextRow(at + rows!.stride)
    ) {
      const {start, end, value} = this.#sessionAt(at);
      if (end > start) visit(rows!.keyAt(at), 0, [start, end, value]);
    }
    for (const [key, sessions] of this.#others.entries()) {
      for (const [index, {start, end, value}] of sessions.entries()) {
        visit(key, index + 1, [start, end, value]);
      }
    }
  }

  protected override processOne(value: unknown, timestamp: number): void {
    if (!Number.isFinite(timestamp)) {
      this.refuse(value, timestamp);
      return;
    }
    const [{start, end}] = this.#assigner.assignWindows(value, timestamp) as [TimeWindow];
    const key = this.inner.keyOf(value);
    const table = this.#table;
    const present = this.#presentSession(key);
    const touches = (session: {start: number; end: number}): boolean =>
      start <= session.end && end >= session.start;
    const others = this.#others.get(key) ?? [];
    const touched = others.filter(touches);
    const isPresentTouched = present !== undefined && touches(present);
    if (touched.length === 0) {
      if (isPresentTouched) {
        this.inner.takeInto(table, value);
        const at = find(table, key);
        this.#set(at, Math.min(start, present.start), Math.max(end, present.end), present.due);
        return;
      }
      if (end - 1 <= this.watermark) {
        this.refuse(value, timestamp);
        return;
      }
      this.#due.add(end - 1, key);
      if (present !== undefined && start < present.start) {
        const session = {start, end, due: end - 1, value: this.#add(undefined, key, value)};
        this.#others.set(key, [...others, session]);
        return;
      }
      // The newest session of a key is the one that gets elements: it has the row.
      if (present !== undefined) this.#moveOut(key, present);
      this.inner.takeInto(table, value);
      this.#set(find(table, key), start, end, end - 1);
      return;
    }
    const parts = isPresentTouched ? [...touched, present] : touched;
    if (isPresentTouched) table.remove(key);
    const left = others.filter(each => !touched.includes(each));
    if (left.length === 0) this.#others.delete(key);
    else this.#others.set(key, left);
    const held = parts
      .sort((a, b) => a.start - b.start)
      .map(part => part.value)
      .reduce((a, b) => this.#merge(a, b));
    this.#put(key, {
      start: Math.min(start, ...parts.map(part => part.start)),
      end: Math.max(end, ...parts.map(part => part.end)),
      due: Math.min(...parts.map(part => part.due)),
      value: this.#add(held, key, value),
    });
  }

  #generateTyped(code: ChainCode, record: RecordText, gapMs: number): boolean {
    const operator = code.bind(this);
    const others = code.bind(this.#others);
    const process = code.bind((value: unknown, timestamp: number) => {
      this.processOne(value, timestamp);
    });
    const open = code.bind((time: number, key: unknown) => this.#due.add(time, key));
    const time = code.name('time');
    const end = code.name('end');
    const slow = (from: RecordText): string => `${process}(${from.inline()}, ${from.timestamp});`;
    const place = (): RowPlace => ({
      // The names are asked for when the table has its form.
      ...constantPlace(code, this.#table),
      slow,
      enter: (from, leave) => {
        code.line(`const ${time} = ${from.timestamp}, ${end} = ${time} + ${gapMs};`);
        code.line(`if (!(${end} - 1 > ${operator}.watermark)) ${leave(slow(from))}`);
      },
      found: (from, row: RowCode) => {
        const [start, last, due] = [START, END, DUE].map(lane => row.extraLane(lane));
        code.line(`if (${others}.size > 0 && ${others}.has(${row.key})) ${row.leave(slow(from))}`);
        code.block(`if (${row.isNew}) {`);
        code.line(`${start} = ${time}; ${last} = ${end}; ${due} = ${end} - 1;`);
        code.line(`${open}(${end} - 1, ${row.key});`);
        code.end();
        code.block(`else if (${time} <= ${last} && ${end} >= ${start}) {`);
        code.line(`if (${end} > ${last}) ${last} = ${end};`);
        code.line(`if (${time} < ${start}) ${start} = ${time};`);
        code.end();
        code.line(`else ${row.leave(slow(from))}`);
      },
    });
    this.#isGenerating = true;
    const isTyped = this.inner.generateInto(code, record, this.#table, place);
    this.#isGenerating = false;
    return isTyped;
  }

  /** A key is due: what ends now fires, what has grown meanwhile is due again later. */
  #look(key: unknown, time: number): void {
    const at = find(this.#table, key);
    if (at !== NO_ROW) {
      const session = this.#sessionAt(at);
      if (session.due === time && session.end > session.start) {
        if (session.end - 1 === time) {
          this.#table.remove(key);
          this.#emit(key, session);
        } else {
          this.#set(at, session.start, session.end, session.end - 1);
          this.#due.add(session.end - 1, key);
        }
      }
    }
    const others = this.#others.size === 0 ? undefined : this.#others.get(key);
    if (others === undefined) return;
    const ended = others.filter(({due, end}) => due === time && end - 1 === time);
    for (const session of others) {
      if (session.due !== time || session.end - 1 === time) continue;
      session.due = session.end - 1;
      this.#due.add(session.due, key);
    }
    const left = others.filter(session => !ended.includes(session));
    if (left.length === 0) this.#others.delete(key);
    else this.#others.set(key, left);
    for (const session of ended) this.#emit(key, session);
  }

  #emit(key: unknown, {start, end, value}: Session): void {
    this.fire(key, new TimeWindow(start, end), this.inner.resultOf(value));
  }

  /** Keeps a session: in the row of its key if that is free. */
  #put(key: unknown, session: Session): void {
    const present = this.#presentSession(key);
    if (present === undefined) {
      const table = this.#table;
      const at = table.store(table.locate(key), key, session.value);
      this.#set(at, session.start, session.end, session.due);
      return;
    }
    this.#others.set(key, [...(this.#others.get(key) ?? []), session]);
  }

  #moveOut(key: unknown, present: Session): void {
    this.#table.remove(key);
    this.#others.set(key, [...(this.#others.get(key) ?? []), present]);
  }

  /** What the row of `key` holds; a row that holds nothing goes. */
  #presentSession(key: unknown): Session | undefined {
    const at = find(this.#table, key);
    if (at === NO_ROW) return undefined;
    const session = this.#sessionAt(at);
    if (session.end > session.start) return session;
    this.#table.remove(key);
    return undefined;
  }

  #sessionAt(position: number): Session {
    const table = this.#table;
    const lane = table.extraLane(position);
    const {lanes} = table.rows!;
    return {
      start: lanes[lane + START]!,
      end: lanes[lane + END]!,
      due: lanes[lane + DUE]!,
      value: table.read(position),
    };
  }

  #set(position: number, start: number, end: number, due: number): void {
    const lane = this.#table.extraLane(position);
    const {lanes} = this.#table.rows!;
    lanes[lane + START] = start;
    lanes[lane + END] = end;
    lanes[lane + DUE] = due;
  }

  /** What an element makes of a value, or of nothing. */
  #add(held: unknown, key: unknown, value: unknown): unknown {
    const scratch = this.#scratch;
    if (held !== undefined) scratch.store(scratch.locate(key), key, held);
    this.inner.takeInto(scratch, value);
    const added = scratch.read(find(scratch, key));
    scratch.remove(key);
    return added;
  }

  #merge(a: unknown, b: unknown): unknown {
    const merged = this.inner.merge(a, b);
    return merged === a || merged === b ? merged : ownCopy(merged);
  }
}

/** A key that the table cannot hold has no row in it. */
function find({rows}: RecordTable, key: unknown): number {
  return rows !== undefined && rows.accepts(key) ? rows.find(key) : NO_ROW;
}
