/**
 * Reads column batches. `attach` points it at a segment; nothing is decoded then. Numbers are read
 * where they lie; the text of a column is decoded when it is first asked for, once per batch.
 *
 * For generated loops the reader gives text instead: `prologue` pulls the offsets of the attached
 * batch into locals, `recordText(row)` is an expression that builds a record, `columnText(path, row)`
 * one that reads a single column. The reader's own `read` is compiled from the same text.
 *
 * A text that came out of a batch is a slice of the batch's whole text and keeps it alive: what is
 * kept for long goes through `flattenString`.
 */
import {assert} from '../base/assert.ts';
import type {Arena} from '../memory/arena.ts';
import {ValueDecoder} from './any-codec.ts';
import {
  byteTerms,
  doubleTerms,
  endTerms,
  HEADER_ROW_CAPACITY,
  HEADER_ROW_COUNT,
  HEADER_SCHEMA_VERSION,
  HEADER_WORDS,
  HEAP_DICTIONARY_COUNT,
  HEAP_MODE,
  HEAP_NARROW_UNITS,
  HEAP_START,
  HEAP_UNITS,
  HEAP_WORDS,
  indexAt,
  indexText,
  integerTerms,
  layoutOf,
  MODE_DICTIONARY,
  MODE_LOCAL,
  MODE_PLAIN,
  STATE_MISSING,
  STATE_NULL,
  STATE_UNDEFINED,
  STATE_VALUE,
  type BatchLayout,
  type ColumnPlace,
} from './batch-layout.ts';
import {compileFactory, isCodeGenerationAllowed, quote} from './compiler.ts';
import {localTextsOf, type LocalTexts} from './local-texts.ts';
import {eachPlace, isNullable, recordTree, type LeafNode, type ObjectNode} from './record-tree.ts';
import {ALLOWS_MISSING, type ColumnType, type RecordSchema} from './schema.ts';

export interface BatchReaderOptions {
  readonly segmentSizeBytes: number;
  readonly schema: RecordSchema;
  readonly timestamps: boolean;
  /** Starts every name in generated text; default `in_`. Two readers in one function need two. */
  readonly prefix?: string;
  /** Run the interpreter even where code generation is allowed. */
  readonly interpret?: boolean;
}

/** An expression that reads one column, and what it gives. */
export interface ColumnText {
  readonly text: string;
  readonly type: ColumnType;
  /** Whether the expression may give null or undefined. */
  readonly isNullable: boolean;
}

/** Where the texts of a column are, as expressions. Those without a row are good for a whole batch. */
export interface TextPlace {
  /** Whether the attached batch has a dictionary for the column. */
  readonly isCoded: string;
  /** How many entries it has: codes are below. */
  readonly codeCount: string;
  /** The code of the row, if it is coded. */
  readonly code: string;
  /** Whether every unit of every text is there as one byte; otherwise `base` and `word` mean nothing. */
  readonly isNarrow: string;
  /** The byte of the arena where the texts begin. */
  readonly base: string;
  /** The word of the arena that says how far behind `base` the text of the row begins; the next: ends. */
  readonly word: string;
  /** The arena as words and as bytes. */
  readonly words: string;
  readonly bytes: string;
}

interface CompiledReader {
  readonly attach: () => void;
  readonly read: (row: number) => unknown;
}

export class BatchReader {
  readonly schema: RecordSchema;
  readonly #arena: Arena;
  readonly #layout: BatchLayout;
  readonly #tree: ObjectNode | undefined;
  readonly #prefix: string;
  readonly #decoder = new ValueDecoder();
  readonly #texts: Array<string | undefined> = [];
  /** Entries by code, or texts by row in local mode. */
  readonly #dictionaries: Array<readonly string[] | undefined> = [];
  readonly #localTexts: LocalTexts;
  readonly #compiled: CompiledReader | undefined;
  #segment = 0;
  #rowCount = 0;
  #capacity = 0;

  constructor(arena: Arena, options: BatchReaderOptions) {
    this.schema = options.schema;
    this.#arena = arena;
    this.#layout = layoutOf(options.schema, options.timestamps);
    this.#tree = options.schema.kind === 'record' ? recordTree(this.#layout.places) : undefined;
    this.#prefix = options.prefix ?? 'in_';
    this.#localTexts = localTextsOf(arena);
    const isInterpreted = options.interpret === true || !isCodeGenerationAllowed();
    this.#compiled = isInterpreted ? undefined : this.#compile();
  }

  /** Goes to the batch in the segment at `segmentOffsetBytes`; the batch must have this schema. */
  attach(segmentOffsetBytes: number): void {
    const {words} = this.#arena;
    const segment = segmentOffsetBytes / 8;
    this.#segment = segment;
    this.#rowCount = words[segment * 2 + HEADER_ROW_COUNT]!;
    this.#capacity = words[segment * 2 + HEADER_ROW_CAPACITY]!;
    assert(
      this.#rowCount >= 0 && this.#rowCount <= this.#capacity,
      'a batch has no more rows than its capacity',
    );
    for (let heap = 0; heap < this.#layout.heapCount; heap += 1) {
      this.#texts[heap] = undefined;
      this.#dictionaries[heap] = undefined;
    }
    if (this.#layout.heapCount > 0) this.#takeLocalTexts();
    this.#compiled?.attach();
  }

  /** Rows of the attached batch. */
  get rowCount(): number {
    return this.#rowCount;
  }

  /** The version under which the attached batch was written. */
  get schemaVersion(): number {
    return this.#arena.words[this.#segment * 2 + HEADER_SCHEMA_VERSION]!;
  }

  /** For generated code: where the attached batch starts, in blocks of 8 bytes. */
  get segment(): number {
    return this.#segment;
  }

  /** For generated code: the row capacity of the attached batch. */
  get capacity(): number {
    return this.#capacity;
  }

  /** The record, or bare value, at `row`; a new one at every call. */
  read(row: number): unknown {
    assert(row >= 0 && row < this.#rowCount, 'a row that is read is in the batch');
    return this.#compiled === undefined ? this.interpretRow(row) : this.#compiled.read(row);
  }

  /** The timestamp of `row`; NaN if the batches carry none. */
  readTimestamp(row: number): number {
    if (!this.#layout.hasTimestamps) return NaN;
    const first = indexAt(doubleTerms(this.#layout, 0), this.#segment, this.#capacity);
    return this.#arena.doubles[first + row]!;
  }

  /** The value at `path` in `row`; undefined where it is missing. Builds no record. */
  readColumn(path: readonly string[], row: number): unknown {
    const place = this.#find(path);
    assert(place !== undefined, 'a column that is read is in the schema');
    return this.#value(place, row);
  }

  /** The record at `row` without generated code: the oracle, and the slow path of generated text. */
  interpretRow(row: number): unknown {
    if (this.#tree === undefined) return this.#value(this.#layout.places[0]!, row);
    return this.#build(this.#tree, row);
  }

  /** The decoded text of a heap column of the attached batch. */
  text(heap: number): string {
    return (this.#texts[heap] ??= this.#decodeText(heap, 0));
  }

  /** The entries of a heap column's dictionary in the attached batch; in local mode its texts by row. */
  dictionary(heap: number): readonly string[] {
    return (this.#dictionaries[heap] ??= this.#decodeDictionary(heap));
  }

  /** Whether the texts of a heap column in the attached batch are there as bytes, one per unit. */
  isNarrow(heap: number): boolean {
    if (this.#heapWord(heap, HEAP_MODE) === MODE_LOCAL) return false;
    return this.#heapWord(heap, HEAP_UNITS) === this.#heapWord(heap, HEAP_NARROW_UNITS);
  }

  /** The byte of the arena where the texts of a heap column begin. */
  textOffset(heap: number): number {
    const start = this.#segment * 8 + this.#heapWord(heap, HEAP_START);
    return start + this.#entryEndsBytes(heap);
  }

  /** How many entries the dictionary of a heap column has, if the attached batch has one for it. */
  entryCount(heap: number): number {
    return this.#heapWord(heap, HEAP_DICTIONARY_COUNT);
  }

  /** The word of the arena that says where the first dictionary entry of a heap column begins. */
  entryWord(heap: number): number {
    return (this.#segment * 8 + this.#heapWord(heap, HEAP_START)) / 4;
  }

  /** The value of an encoded column between two ends. */
  decode(heap: number, start: number, end: number): unknown {
    const first = this.#segment * 8 + this.#heapWord(heap, HEAP_START);
    const {bytes} = this.#arena;
    return this.#layout.heaps[heap]!.column.type === 'bytes'
      ? this.#decoder.decodeBytes(bytes, first + start, first + end)
      : this.#decoder.decode(bytes, first + start, first + end);
  }

  /** Statements that bind the attached batch to locals; once per batch, at the top of the loop. */
  get prologue(): string {
    const locals = this.#locals().map(([name, text]) => `${name} = ${text}`);
    return `let ${locals.join(',\n  ')};`;
  }

  /** What generated text needs as parameters, by name. */
  get bindings(): Record<string, unknown> {
    const {words, doubles, bytes} = this.#arena;
    return {
      [`${this.#prefix}arenaWords`]: words,
      [`${this.#prefix}arenaDoubles`]: doubles,
      [`${this.#prefix}arenaBytes`]: bytes,
      [`${this.#prefix}reader`]: this,
    };
  }

  /** An expression for the record at `row`, an expression without side effects. */
  recordText(row: string): string {
    if (this.#tree === undefined) return this.#valueText(this.#layout.places[0]!, row);
    const missing: string[] = [];
    for (const child of this.#tree.children) {
      eachPlace(child, place => {
        if ((place.column.nullability & ALLOWS_MISSING) === 0) return;
        missing.push(`${this.#stateText(place, row)} === ${STATE_MISSING}`);
      });
    }
    const literal = this.#objectText(this.#tree, row);
    if (missing.length === 0) return literal;
    return `(${missing.join(' || ')} ? ${this.#prefix}reader.interpretRow(${row}) : ${literal})`;
  }

  /** An expression for one column, or undefined if no column has exactly this path. */
  columnText(path: readonly string[], row: string): ColumnText | undefined {
    const place = this.#find(path);
    if (place === undefined) return undefined;
    return {
      text: this.#valueText(place, row),
      type: place.column.type,
      isNullable: place.stateIndex >= 0 || this.#isInsideNullable(path),
    };
  }

  /** Where the texts of a column are, or undefined if no text column has exactly this path. */
  textPlace(path: readonly string[], row: string): TextPlace | undefined {
    const place = this.#find(path);
    if (place?.column.type !== 'string') return undefined;
    const prefix = this.#prefix;
    const column = this.#layout.places.indexOf(place);
    const heap = place.regionIndex;
    const isCoded = `${prefix}m${column} === ${MODE_DICTIONARY}`;
    const first = `${prefix}c${column} + ${row}`;
    const code = `${prefix}words[${first} + 1]`;
    return {
      isCoded,
      codeCount: `${prefix}reader.entryCount(${heap})`,
      code,
      isNarrow: `${prefix}reader.isNarrow(${heap})`,
      base: `${prefix}reader.textOffset(${heap})`,
      words: `${prefix}words`,
      bytes: `${prefix}bytes`,
      word: `(${isCoded} ? ${prefix}reader.entryWord(${heap}) + ${code} : ${first})`,
    };
  }

  /** An expression for the timestamp of `row`. */
  timestampText(row: string): string {
    if (!this.#layout.hasTimestamps) return 'NaN';
    return `${this.#prefix}doubles[${this.#prefix}time + ${row}]`;
  }

  #find(path: readonly string[]): ColumnPlace | undefined {
    return this.#layout.places.find(
      ({column}) =>
        column.type !== 'struct' &&
        column.path.length === path.length &&
        column.path.every((name, index) => name === path[index]),
    );
  }

  /** Fields of an absent object must not be read as if they had values. */
  #isInsideNullable(path: readonly string[]): boolean {
    return this.#enclosing(path).length > 0;
  }

  #enclosing(path: readonly string[]): ColumnPlace[] {
    return this.#layout.places.filter(
      ({column, stateIndex}) =>
        column.type === 'struct' &&
        stateIndex >= 0 &&
        column.path.length < path.length &&
        column.path.every((name, index) => name === path[index]),
    );
  }

  #locals(): Array<[name: string, text: string]> {
    const prefix = this.#prefix;
    const layout = this.#layout;
    const segment = `${prefix}reader.segment`;
    const capacity = `${prefix}reader.capacity`;
    const index = (terms: Parameters<typeof indexText>[0]) => indexText(terms, segment, capacity);
    const locals: Array<[string, string]> = [
      [`${prefix}words`, `${prefix}arenaWords`],
      [`${prefix}doubles`, `${prefix}arenaDoubles`],
      [`${prefix}bytes`, `${prefix}arenaBytes`],
    ];
    if (layout.hasTimestamps) locals.push([`${prefix}time`, index(doubleTerms(layout, 0))]);
    for (const [column, place] of layout.places.entries()) {
      const base = `${prefix}c${column}`;
      const {region, regionIndex, stateIndex} = place;
      if (region === 'doubles') locals.push([base, index(doubleTerms(layout, regionIndex))]);
      if (region === 'integers') locals.push([base, index(integerTerms(layout, regionIndex))]);
      if (region === 'bytes') locals.push([base, index(byteTerms(layout, regionIndex))]);
      if (region === 'ends') {
        locals.push([base, index(endTerms(layout, regionIndex))]);
        if (place.column.type === 'string') {
          const mode = HEADER_WORDS + HEAP_WORDS * regionIndex + HEAP_MODE;
          locals.push([`${prefix}m${column}`, `${prefix}arenaWords[${segment} * 2 + ${mode}]`]);
          locals.push([`${prefix}t${column}`, 'undefined']);
          locals.push([`${prefix}d${column}`, 'undefined']);
        }
      }
      if (stateIndex >= 0)
        locals.push([`${prefix}s${column}`, index(byteTerms(layout, stateIndex))]);
    }
    return locals;
  }

  #objectText(node: ObjectNode, row: string): string {
    const fields = node.children.map(child => {
      const text =
        child.kind === 'leaf' ? this.#leafText(child, row) : this.#nestedText(child, row);
      return `${quote(child.name)}: ${text}`;
    });
    return `({${fields.join(', ')}})`;
  }

  #nestedText(node: ObjectNode, row: string): string {
    const literal = this.#objectText(node, row);
    return isNullable(node) ? this.#absenceText(node.place!, row, literal) : literal;
  }

  #leafText(node: LeafNode, row: string): string {
    return this.#ownText(node.place, row);
  }

  /** The value of a column, whatever surrounds it. */
  #valueText(place: ColumnPlace, row: string): string {
    const enclosing = this.#enclosing(place.column.path);
    const text = this.#ownText(place, row);
    if (enclosing.length === 0) return text;
    const absent = enclosing.map(outer => `${this.#stateText(outer, row)} !== ${STATE_VALUE}`);
    return `(${absent.join(' || ')} ? undefined : ${text})`;
  }

  #ownText(place: ColumnPlace, row: string): string {
    const text = this.#dataText(place, row);
    return place.stateIndex >= 0 ? this.#absenceText(place, row, text) : text;
  }

  #absenceText(place: ColumnPlace, row: string, text: string): string {
    const state = this.#stateText(place, row);
    return `(${state} === ${STATE_VALUE} ? ${text} : ${state} === ${STATE_NULL} ? null : undefined)`;
  }

  #stateText(place: ColumnPlace, row: string): string {
    const column = this.#layout.places.indexOf(place);
    return `${this.#prefix}bytes[${this.#prefix}s${column} + ${row}]`;
  }

  #dataText(place: ColumnPlace, row: string): string {
    const prefix = this.#prefix;
    const column = this.#layout.places.indexOf(place);
    const at = `${prefix}c${column} + ${row}`;
    switch (place.column.type) {
      case 'int32':
        return `${prefix}words[${at}]`;
      case 'float64':
        return `${prefix}doubles[${at}]`;
      case 'date':
        return `new Date(${prefix}doubles[${at}])`;
      case 'boolean':
        return `(${prefix}bytes[${at}] === 1)`;
      case 'string': {
        const heap = place.regionIndex;
        const text = `(${prefix}t${column} ??= ${prefix}reader.text(${heap}))`;
        const dictionary = `(${prefix}d${column} ??= ${prefix}reader.dictionary(${heap}))`;
        const next = `${prefix}words[${at} + 1]`;
        return `(${prefix}m${column} === ${MODE_PLAIN} ? ${text}.substring(${prefix}words[${at}], ${next}) : ${dictionary}[${next}])`;
      }
      case 'struct':
        return 'undefined';
      default: {
        if (place.region === 'none') return 'undefined';
        const ends = `${prefix}words[${at}], ${prefix}words[${at} + 1]`;
        return `${prefix}reader.decode(${place.regionIndex}, ${ends})`;
      }
    }
  }

  #compile(): CompiledReader {
    const locals = this.#locals();
    const body = `let ${locals.map(([name]) => name).join(', ')};
return {
attach() { ${locals.map(([name, text]) => `${name} = ${text};`).join(' ')} },
read(row) { return ${this.recordText('row')}; },
};`;
    const {bindings} = this;
    const factory = compileFactory<CompiledReader>(
      'millrace/batch-reader',
      Object.keys(bindings),
      body,
    );
    return factory(...Object.values(bindings));
  }

  #build(node: ObjectNode, row: number): Record<string, unknown> {
    const record: Record<string, unknown> = {};
    for (const child of node.children) {
      const state = this.#state(child.place, row);
      if (state === STATE_MISSING) continue;
      if (state === STATE_NULL) record[child.name] = null;
      else if (state === STATE_UNDEFINED) record[child.name] = undefined;
      else if (child.kind === 'object') record[child.name] = this.#build(child, row);
      else record[child.name] = this.#value(child.place, row);
    }
    return record;
  }

  #state(place: ColumnPlace | undefined, row: number): number {
    if (place === undefined || place.stateIndex < 0) return STATE_VALUE;
    const terms = byteTerms(this.#layout, place.stateIndex);
    return this.#arena.bytes[indexAt(terms, this.#segment, this.#capacity) + row]!;
  }

  #value(place: ColumnPlace, row: number): unknown {
    for (const outer of this.#enclosing(place.column.path)) {
      if (this.#state(outer, row) !== STATE_VALUE) return undefined;
    }
    const state = this.#state(place, row);
    if (state !== STATE_VALUE) return state === STATE_NULL ? null : undefined;
    const layout = this.#layout;
    const {words, doubles, bytes} = this.#arena;
    const at = (terms: Parameters<typeof indexAt>[0]) =>
      indexAt(terms, this.#segment, this.#capacity) + row;
    const {regionIndex} = place;
    switch (place.column.type) {
      case 'int32':
        return words[at(integerTerms(layout, regionIndex))];
      case 'float64':
        return doubles[at(doubleTerms(layout, regionIndex))];
      case 'date':
        return new Date(doubles[at(doubleTerms(layout, regionIndex))]!);
      case 'boolean':
        return bytes[at(byteTerms(layout, regionIndex))] === 1;
      case 'struct':
        return undefined;
      default: {
        const index = at(endTerms(layout, regionIndex));
        if (place.column.type !== 'string') {
          return this.decode(regionIndex, words[index]!, words[index + 1]!);
        }
        return this.#heapWord(regionIndex, HEAP_MODE) === MODE_PLAIN
          ? this.text(regionIndex).substring(words[index]!, words[index + 1]!)
          : this.dictionary(regionIndex)[words[index + 1]!];
      }
    }
  }

  #heapWord(heap: number, word: number): number {
    return this.#arena.words[this.#segment * 2 + HEADER_WORDS + HEAP_WORDS * heap + word]!;
  }

  /** Bytes of the ends of dictionary entries in front of the texts. */
  #entryEndsBytes(heap: number): number {
    if (this.#heapWord(heap, HEAP_MODE) !== MODE_DICTIONARY) return 0;
    return 4 * (this.#heapWord(heap, HEAP_DICTIONARY_COUNT) + 1);
  }

  /** Texts that were handed over by reference belong to this reader until it goes to another batch. */
  #takeLocalTexts(): void {
    const columns = this.#localTexts.take(this.#segment);
    for (let heap = 0; heap < this.#layout.heapCount; heap += 1) {
      if (this.#rowCount === 0 || this.#heapWord(heap, HEAP_MODE) !== MODE_LOCAL) continue;
      const texts = columns?.[heap];
      assert(texts?.length === this.#rowCount, 'local texts are read once, in their own thread');
      this.#dictionaries[heap] = texts;
    }
  }

  #decodeText(heap: number, skipBytes: number): string {
    const {bytes} = this.#arena;
    const units = this.#heapWord(heap, HEAP_UNITS);
    const narrow = this.#heapWord(heap, HEAP_NARROW_UNITS);
    const start = this.#segment * 8 + this.#heapWord(heap, HEAP_START) + skipBytes;
    assert(narrow >= 0 && narrow <= units, 'a text has no more narrow units than units');
    const text = bytes.toString('latin1', start, start + narrow);
    if (narrow === units) return text;
    const wideStart = (start + narrow + 1) & ~1;
    return text + bytes.toString('utf16le', wideStart, wideStart + 2 * (units - narrow));
  }

  #decodeDictionary(heap: number): string[] {
    const {words} = this.#arena;
    const count = this.#heapWord(heap, HEAP_DICTIONARY_COUNT);
    const text = this.#decodeText(heap, 4 * (count + 1));
    const first = (this.#segment * 8 + this.#heapWord(heap, HEAP_START)) / 4;
    const entries: string[] = [];
    for (let code = 0; code < count; code += 1) {
      entries.push(text.substring(words[first + code]!, words[first + code + 1]!));
    }
    return entries;
  }
}
