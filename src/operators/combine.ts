/**
 * The combiner of batch mode: adds up what it can in front of the exchange, so that a key crosses once
 * per producer and not once per record (as in MapReduce, or in Flink's SQL and DataSet). The planner
 * puts it between a stream and a rolling `sum`, `min` or `max` (graph/combiners.ts); the aggregation
 * behind it does the same with partial results as with records.
 *
 * It may take a record only if that changes no result. So it holds numbers alone, sums only integers (in
 * whatever order they are added, the result is the same as long as it stays below 2^53; for fractions it
 * is not), keeps the first record of each key as the aggregation would, and lets everything else pass:
 *
 *   known key       added to the partial result of its key
 *   new key         kept, while there is room; later ones pass, with all other records of that key
 *   anything odd    all partial results leave, and from then on every record passes
 *
 * The last rule keeps order: behind a partial result of its key no record can overtake it. It also ends
 * the work where keys hardly repeat. What is wrong about a record (its key, its field) is found by the
 * aggregation, with the same error as without a combiner.
 *
 * Batch mode takes no checkpoints, so nothing here is part of one.
 */
import {isPlainObject} from '../records/any-codec.ts';
import {flattenString} from '../records/flatten.ts';
import {NO_ROW} from '../state/keyed-rows.ts';
import {StringKeyTable} from '../state/string-key-table.ts';
import {copyAlong, isBelow, withField} from './aggregate.ts';
import type {ChainCode, RecordText} from './chain-code.ts';
import {keyReader, readPath, type KeyReader} from './key.ts';
import {END_OF_TIME} from './keyed-operator.ts';
import {BaseOperator, type OperatorContext} from './operator-runtime.ts';

/** Keys that a combiner holds. The tables of words, users or products that matter are smaller. */
export const COMBINED_KEYS_MAX = 1 << 16;

/** Each time that so many records have passed for want of room, as many must have been taken. */
const JUDGED_RECORDS = 1 << 16;

export interface CombineSpec {
  readonly keyPath: readonly string[];
  readonly aggregation: 'sum' | 'min' | 'max';
  readonly field: readonly string[];
  /** Default: `COMBINED_KEYS_MAX`. */
  readonly keysMax?: number;
  /** Default: `JUDGED_RECORDS`. */
  readonly judgedRecords?: number;
}

export class CombineOperator extends BaseOperator {
  readonly #key: KeyReader;
  readonly #field: readonly string[];
  readonly #aggregation: CombineSpec['aggregation'];
  readonly #keysMax: number;
  readonly #judgedRecords: number;
  #texts = new StringKeyTable({laneCount: 0});
  readonly #numbers = new Map<number, number>();
  /** By row: the partial result, and the first record of the key. */
  readonly #results: Float64Array;
  #first: unknown[] = [];
  /** Row of each text, by its position in the table. */
  readonly #rowOfText: Int32Array;
  /** Word 0: records taken since the last judgement; the loop counts them too. */
  readonly #taken = new Float64Array(1);
  #passed = 0;
  #isCombining = true;
  #finishRow = 0;

  constructor(context: OperatorContext, spec: CombineSpec) {
    const {keyPath, aggregation, field, keysMax, judgedRecords} = spec;
    super(context);
    this.#key = keyReader({kind: 'fields', paths: [keyPath]});
    this.#field = field;
    this.#aggregation = aggregation;
    this.#keysMax = keysMax ?? COMBINED_KEYS_MAX;
    this.#judgedRecords = judgedRecords ?? JUDGED_RECORDS;
    this.#results = new Float64Array(this.#keysMax);
    this.#rowOfText = new Int32Array(this.#keysMax);
  }

  process(value: unknown, timestamp: number): void {
    if (!this.#takes(value)) this.context.output.emit(value, timestamp);
  }

  generate(code: ChainCode, record: RecordText): void {
    if (!this.#isCombining) {
      code.pass(record);
      return;
    }
    const [key, incoming, row, isTaken] = ['key', 'incoming', 'row', 'isTaken'].map(name =>
      code.name(name),
    ) as [string, string, string, string];
    const results = code.bind(this.#results);
    const find = code.bind((each: unknown) => this.#find(each));
    const taken = `${code.bind(this.#taken)}[0]++;`;
    code.line(`let ${isTaken} = false;`);
    code.line(`const ${key} = ${this.#text(code, record, this.#key.path!)};`);
    code.line(`const ${incoming} = ${this.#text(code, record, this.#field)};`);
    code.line(`const ${row} = ${find}(${key});`);
    const old = `${results}[${row}]`;
    if (this.#aggregation === 'sum') {
      const sum = code.name('sum');
      code.block(`if (${row} >= 0 && Number.isSafeInteger(${incoming})) {`);
      code.line(`const ${sum} = ${old} + ${incoming};`);
      code.block(`if (Number.isSafeInteger(${sum})) {`);
      code.line(`${old} = ${sum};`);
      code.line(`${isTaken} = true;`);
      code.line(taken);
      code.end();
      code.end();
    } else {
      const [a, b] = this.#aggregation === 'min' ? [incoming, old] : [old, incoming];
      const isBelowName = code.bind(isBelow);
      code.block(`if (${row} >= 0 && typeof ${incoming} === 'number') {`);
      code.line(`if (${isBelowName}(${a}, ${b})) ${old} = ${incoming};`);
      code.line(`${isTaken} = true;`);
      code.line(taken);
      code.end();
    }
    const takes = code.bind((value: unknown) => this.#takes(value));
    code.begin(`if (!${isTaken} && !${takes}(${record.inline()})) {`);
    code.pass(record);
    code.end();
  }

  override finish(): boolean {
    while (this.#finishRow < this.#first.length) {
      if (!this.context.canEmit()) return false;
      this.#emitRow(this.#finishRow);
      this.#finishRow += 1;
    }
    return true;
  }

  #text(code: ChainCode, record: RecordText, path: readonly string[]): string {
    const column = record.column(path);
    if (column !== undefined) return column.text;
    return keyReader({kind: 'fields', paths: [path]}).text(record.value(), each => code.bind(each));
  }

  /** The row of a key that is held, or NO_ROW. -0 and 0 are two keys, so -0 is none of ours. */
  #find(key: unknown): number {
    if (typeof key === 'string') {
      const position = this.#texts.find(key);
      return position === NO_ROW ? NO_ROW : this.#rowOfText[position]!;
    }
    if (typeof key !== 'number' || (key === 0 && 1 / key < 0)) return NO_ROW;
    return this.#numbers.get(key) ?? NO_ROW;
  }

  /** Takes a record into the partial result of its key; false if it has to go on by itself. */
  #takes(value: unknown): boolean {
    if (!this.#isCombining) return false;
    const key = this.#key.select(value);
    const incoming = readPath(value, this.#field);
    if (!this.#isCombinable(key, incoming)) return this.#giveUp();
    const row = this.#find(key);
    if (row === NO_ROW) return this.#keep(key as string | number, incoming as number, value);
    const results = this.#results;
    const old = results[row]!;
    if (this.#aggregation === 'sum') {
      const sum = old + (incoming as number);
      if (!Number.isSafeInteger(sum)) return this.#giveUp();
      results[row] = sum;
    } else {
      const isReplaced =
        this.#aggregation === 'min' ? isBelow(incoming, old) : isBelow(old, incoming);
      if (isReplaced) results[row] = incoming as number;
    }
    this.#taken[0]! += 1;
    return true;
  }

  #isCombinable(key: unknown, incoming: unknown): boolean {
    const isKey =
      typeof key === 'string' ||
      (typeof key === 'number' && key === key && (key !== 0 || 1 / key > 0));
    if (!isKey || typeof incoming !== 'number') return false;
    return this.#aggregation !== 'sum' || Number.isSafeInteger(incoming);
  }

  /** Keeps the first record of a key, if there is room. */
  #keep(key: string | number, incoming: number, value: unknown): boolean {
    const row = this.#first.length;
    if (row === this.#keysMax) return this.#pass();
    if (!isPlainObject(value)) return this.#giveUp();
    if (typeof key === 'string') this.#rowOfText[this.#texts.upsert(flattenString(key))] = row;
    else this.#numbers.set(key, row);
    this.#first.push(copyAlong(value, this.#field));
    this.#results[row] = incoming;
    this.#taken[0]! += 1;
    return true;
  }

  /** A key for which there is no room: its records go on by themselves. */
  #pass(): false {
    this.#passed += 1;
    if (this.#passed < this.#judgedRecords) return false;
    const isWorthIt = this.#taken[0]! >= this.#passed;
    this.#passed = 0;
    this.#taken[0] = 0;
    return isWorthIt ? false : this.#giveUp();
  }

  /** Lets all partial results go, and every record from now on. */
  #giveUp(): false {
    this.#isCombining = false;
    const count = this.#first.length;
    for (let row = 0; row < count; row += 1) this.#emitRow(row);
    this.#first = [];
    this.#numbers.clear();
    this.#texts = new StringKeyTable({laneCount: 0});
    this.context.invalidateCode();
    this.context.requestStop();
    return false;
  }

  #emitRow(row: number): void {
    const record = withField(this.#first[row], this.#field, this.#results[row]);
    this.context.output.emit(record, END_OF_TIME);
  }
}
