/**
 * What operators write the chain's loop with. An operator asks for names of the values it needs
 * (`bind`), writes lines, and says where its output goes (`emit`, `pass`), at which place the code of
 * the operators behind it is written. So a chain becomes one loop, through which V8 can inline.
 */
import type {TextPlace} from '../records/batch-reader.ts';
import type {RecordSchema} from '../records/schema.ts';
import type {ParameterUse} from './function-text.ts';

/** A record as generated code sees it at one place. Text is written in the order in which it runs. */
export interface RecordText {
  /** Name of a variable that holds the record. A record that comes as columns is built here. */
  value(): string;
  /**
   * An expression for a user function that uses the record in this way. From then on the record is
   * known only as far as the function has left it alone.
   */
  argument(use: ParameterUse): string;
  /**
   * An expression for the whole record, or a copy of it, that declares nothing: for rare paths. If the
   * record's own variable were handed to a call there, V8 would have to build the record always.
   */
  inline(): string;
  /**
   * An expression for one field that builds no record, and the column's type; undefined if the record
   * does not come as columns, or has no such column without nulls.
   */
  column(path: readonly string[]): {readonly text: string; readonly type: string} | undefined;
  /** As `column`, but in the row with the number `row`, an expression; for loops of their own. */
  columnAt(path: readonly string[], row: string): string | undefined;
  /** Where the texts of a column are; undefined as `column` is. */
  textPlace(path: readonly string[]): TextPlace | undefined;
  /** An expression for a field, whatever its type; builds the record if it must. */
  field(name: string): string;
  /** From here to the end of the block the variable `name` holds the column at `path`. */
  remember(path: readonly string[], name: string): void;
  /** Shape of the record, where it comes as columns and nobody can have changed it. */
  readonly schema: RecordSchema | undefined;
  /** The names of all fields that the record has, where that is proven. */
  readonly fieldNames: readonly string[] | undefined;
  /** Expression for the timestamp; NaN if there is none. */
  readonly timestamp: string;
}

export interface ChainCode {
  /**
   * Whether the code runs in the loop itself, where an operator sees one record per round, and not in a
   * function that a collector calls any number of times.
   */
  readonly isLoop: boolean;
  /** Tags of the side outputs that somebody reads. */
  readonly sideOutputs: readonly string[];
  /** Name under which generated code finds `value`. */
  bind(value: unknown): string;
  /** A name that nothing else in the chain has. */
  name(prefix: string): string;
  line(text: string): void;
  /** A line at the start of the enclosing function, outside of the loop. */
  prologue(text: string): void;
  /** A line at the start of the loop, wherever the code itself is. */
  loopPrologue(text: string): void;
  /** Opens a block in which fewer records may pass than outside; `header` ends with `{`. */
  begin(header: string): void;
  /**
   * Opens a block that all records of the surrounding one enter, save those that have left it before.
   * `left` is a counter from `counter`, which whoever leaves counts up as the last thing it does.
   */
  beginRest(left: string): void;
  /** Name of a variable that counts something from 0 in each run of the loop. */
  counter(): string;
  /** Opens a block whose records are not counted: one in which nothing is emitted. */
  block(header: string): void;
  /** Closes the block that was opened last. */
  end(): void;
  /**
   * Writes what happens to a record that the operator emits: `value` names a variable. `fieldNames` are
   * those that it is proven to have.
   */
  emit(value: string, timestamp: string, fieldNames?: readonly string[] | undefined): void;
  /** Writes what happens to the record that came in, which the operator hands on. */
  pass(record: RecordText): void;
  /** What is written from here on is the operator's own again, behind a `pass` or an `emit`. */
  returnHere(): void;
  /** Name of a function `(value, timestamp)` that does what `emit` writes, for collectors. */
  emitFunction(sideOutput?: string): string;
  /** Ends the loop behind the present record if `condition` holds. */
  stopIf(condition: string): void;
}
