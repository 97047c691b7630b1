/**
 * Writes rows into column batches, one open batch per target. `append` takes a record apart, checks
 * every field against the schema and stores the columns; it is compiled from the schema, and so is
 * the text that a compiled chain takes into its own loop instead of calling it.
 *
 * A writer has one schema for life. When a value does not fit (`MISFIT`), the caller closes what is
 * open, widens the schema (infer-schema.ts), announces it and goes on with a new writer.
 *
 * Fields beyond the schema: counted and refused if the schema was inferred, because nothing may be
 * lost; with a declared schema they are projected away, and refused only if `checkFields` is set.
 */
import type {Arena} from '../memory/arena.ts';
import {interpretAppend} from './append-interpreter.ts';
import {appendText, type AppendNames, type AppendText} from './append-text.ts';
import {layoutOf, type BatchLayout} from './batch-layout.ts';
import {compileFactory, isCodeGenerationAllowed} from './compiler.ts';
import {OpenBatches, type ClosedBatch} from './open-batches.ts';
import type {RecordSchema} from './schema.ts';

export {APPENDED, APPENDED_FULL, MISFIT, NO_ROOM, OVERSIZED} from './open-batches.ts';
export {decodeOversized, encodeOversized} from './oversized.ts';
export type {ClosedBatch} from './open-batches.ts';
export type {AppendNames, AppendText} from './append-text.ts';

export interface BatchWriterOptions {
  readonly segmentSizeBytes: number;
  readonly targetCount: number;
  readonly schema: RecordSchema;
  readonly timestamps: boolean;
  readonly schemaVersion: number;
  /** Refuse fields that the schema does not name. Default: if the schema was inferred. */
  readonly checkFields?: boolean;
  /** Run the interpreter even where code generation is allowed. */
  readonly interpret?: boolean;
  /** By target: whether its batches are read in this thread; then texts are handed over by reference. */
  readonly isLocal?: readonly boolean[];
}

export class BatchWriter {
  readonly schema: RecordSchema;
  readonly schemaVersion: number;
  /** Appends a row to the open batch of `target`: `APPENDED`, `APPENDED_FULL`, `MISFIT`, … */
  readonly append: (target: number, value: unknown, timestamp: number) => number;
  readonly #batches: OpenBatches;
  readonly #checkFields: boolean;

  constructor(arena: Arena, options: BatchWriterOptions) {
    const {schema} = options;
    const layout: BatchLayout = layoutOf(schema, options.timestamps);
    this.schema = schema;
    this.schemaVersion = options.schemaVersion;
    this.#checkFields = options.checkFields ?? !schema.declared;
    this.#batches = new OpenBatches(arena, layout, options);
    const isInterpreted = options.interpret === true || !isCodeGenerationAllowed();
    this.append = isInterpreted
      ? interpretAppend(this.#batches, this.#checkFields)
      : this.#compileAppend();
  }

  /**
   * Starts a batch in the segment at `segmentOffsetBytes`, of at most `rowLimit` rows. The target must
   * not have one open.
   */
  open(target: number, segmentOffsetBytes: number, rowLimit?: number): void {
    this.#batches.open(target, segmentOffsetBytes, rowLimit);
  }

  isOpen(target: number): boolean {
    return this.#batches.isOpen(target);
  }

  /** Rows in the open batch of `target`. */
  rowCount(target: number): number {
    return this.#batches.rowCount(target);
  }

  /** Completes the batch: afterwards its segment can be read by anyone. */
  close(target: number): ClosedBatch {
    return this.#batches.close(target);
  }

  /** What `append` does, as text for a generated function. Names in it start with `names.prefix`. */
  appendText(names: AppendNames): AppendText {
    return appendText(this.#batches, names, this.#checkFields);
  }

  /**
   * Whether plain objects that have exactly the fields `names` (record-literal.ts) have those of the
   * schema, so that `isShapeProven` may be set in `appendText`.
   */
  isShapeProvenBy(names: readonly string[]): boolean {
    if (this.schema.kind !== 'record') return false;
    const own = new Set(this.schema.columns.map(column => column.path[0]!));
    return own.size === names.length && names.every(name => own.has(name));
  }

  #compileAppend(): (target: number, value: unknown, timestamp: number) => number {
    const {prologue, statements, bindings} = this.appendText({
      value: 'value',
      target: 'target',
      timestamp: 'timestamp',
      result: 'result',
      prefix: 'w_',
    });
    const body = `${prologue}
return function append(target, value, timestamp) {
let result = 0;
${statements}
return result;
};`;
    const factory = compileFactory<(target: number, value: unknown, timestamp: number) => number>(
      'millrace/batch-writer',
      Object.keys(bindings),
      body,
    );
    return factory(...Object.values(bindings));
  }
}
