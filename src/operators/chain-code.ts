/**
 * What operators write the chain's loop with. An operator asks for names of the values it needs
 * (`bind`), writes lines, and says where its output goes (`emit`), at which place the code of the
 * operators behind it is written. So a chain becomes one loop, through which V8 can inline.
 */

import type {RecordSchema} from '../records/schema.ts';

/** A record as generated code sees it. */
export interface RecordText {
  /** Name of a variable that holds the record; building it costs what it costs. */
  value(): string;
  /** An expression that builds the record anew at this place, for rare paths. */
  inline(): string;
  /**
   * An expression for one field that does not build the record, and the column's type; undefined
   * if the record does not come as columns or has no such column without nulls.
   */
  column(path: readonly string[]): {readonly text: string; readonly type: string} | undefined;
  /** Shape of the record, where it comes as columns. */
  readonly schema: RecordSchema | undefined;
  /** Expression for the timestamp; NaN if there is none. */
  readonly timestamp: string;
}

export interface ChainCode {
  /** Name under which generated code finds `value`. */
  bind(value: unknown): string;
  /** A name that nothing else in the chain has. */
  name(prefix: string): string;
  line(text: string): void;
  /** A line at the start of the enclosing function, outside of the loop. */
  prologue(text: string): void;
  /** Opens a block in which fewer records pass than outside; `header` ends with `{`. */
  begin(header: string): void;
  end(): void;
  /** Writes what happens to a record that operator `node` emits: `value` names a variable. */
  emit(value: string, timestamp: string): void;
  /** Name of a function `(value, timestamp)` that does what `emit` writes, for collectors. */
  emitFunction(sideOutput?: string): string;
  /** Ends the loop behind the present record if `condition` holds. */
  stopIf(condition: string): void;
}
