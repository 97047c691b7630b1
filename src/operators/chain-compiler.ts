/**
 * Makes one loop out of a chain. Every operator writes its part where its input is emitted, so the
 * whole chain is one function body through which V8 inlines: 87–120 million records per second through
 * map-filter-map-filter, where a virtual call per operator and record gives 15–22 (platform notes §14).
 *
 * The loop of `lines → map → filter → keyBy`, roughly:
 *
 *   let op = 0, row = from, n0 = 0, n1 = 0;
 *   try {
 *     for (; row < to; row++) {
 *       n0++; const value = {…columns of row…};
 *       op = 1; const mapped = fn1(value);
 *       op = 2; if (fn2(mapped)) { n1++; …append to the batch of the key's channel… }
 *       if (stop.requested) { row++; break; }
 *     }
 *   } catch (error) { throw failed(error, op, row); }
 *   counts[…] += n0; …
 *   return row;
 *
 * `op` costs nothing: V8 keeps it in the tables that it consults only when something is thrown. The
 * record is not mentioned in the catch block, or it would have to be built every time.
 *
 * Collectors get functions of their own (`emit…`); what such a function does per record is written
 * into it in the same way, with counters that outlive the call.
 */
import type {RecordWriter, StopFlag} from '../network/record-writer.ts';
import {ALL_CHANNELS} from '../network/partitioner.ts';
import type {BatchReader} from '../records/batch-reader.ts';
import {compileFactory} from '../records/compiler.ts';
import {APPENDED} from '../records/batch-writer.ts';
import type {ChainCode, RecordText} from './chain-code.ts';
import type {CompiledChain} from './chain.ts';
import type {ChainEdge} from './chain-plan.ts';
import {OperatorError} from './operator-error.ts';

/** What a loop reads. */
export type LoopInput =
  | {readonly kind: 'batch'; readonly reader: BatchReader; readonly inputIndex: number}
  | {readonly kind: 'values' | 'timedValues'; readonly inputIndex: number}
  | {
      readonly kind: 'range';
      readonly generator: (index: number) => unknown;
      readonly inputIndex: number;
    };

export interface ChainLoop {
  /** Runs from a row to another and returns where it stopped. */
  readonly run: (
    from: number,
    to: number,
    values: readonly unknown[] | undefined,
    timestamps: readonly number[] | undefined,
  ) => number;
}

interface CompileOptions {
  readonly stop: StopFlag;
  readonly name: string;
  readonly counts: boolean;
}

/** Compiles the loop of `chain` for one shape of input. */
export function compileLoop(
  chain: CompiledChain,
  options: CompileOptions,
  edges: ReadonlyArray<readonly ChainEdge[]>,
  input: LoopInput,
): ChainLoop & {readonly text: string} {
  return new ChainCompiler(chain, options, edges).compile(input);
}

/** A function that is being written: the loop, or one that a collector calls. */
interface Frame {
  readonly prologue: string[];
  readonly lines: string[];
  readonly isLoop: boolean;
  /** Counter of the records that pass the present place. */
  counter: string;
  readonly counters: string[];
}

class ChainCompiler {
  readonly #chain: CompiledChain;
  readonly #options: CompileOptions;
  readonly #edges: ReadonlyArray<readonly ChainEdge[]>;
  readonly #bindings = new Map<unknown, string>();
  readonly #named: Record<string, unknown> = {};
  readonly #functions: string[] = [];
  /** Counters that outlive a call; set back after each loop. */
  readonly #closureCounters: string[] = [];
  /** Which counter counts the records into a node, and out of it. */
  readonly #counted: string[] = [];
  #names = 0;
  #frame: Frame = newFrame(true);

  constructor(
    chain: CompiledChain,
    options: CompileOptions,
    edges: ReadonlyArray<readonly ChainEdge[]>,
  ) {
    this.#chain = chain;
    this.#options = options;
    this.#edges = edges;
  }

  compile(input: LoopInput): ChainLoop & {readonly text: string} {
    const frame = this.#frame;
    this.#enterCounted();
    const head = frame.lines.length;
    const record = this.#inputRecord(input);
    this.#operator(0, record, input.inputIndex);
    // The record is built once, at the top, if anyone asked for it.
    frame.lines.splice(head, 0, ...record.built());
    const stop = this.#bind(this.#options.stop);
    const failed = this.#bind((error: unknown, operator: number, row: number) =>
      this.#failed(error, operator, row, input),
    );
    const counts = this.#bind(this.#chain.counts);
    const local = frame.counters.map(name => `${name} = 0`);
    const text = [
      ...this.#closureCounters.map(name => `let ${name} = 0;`),
      ...this.#functions,
      'return function loop($from, $to, $values, $timestamps) {',
      `let $row = $from, $op = 0, $k, $r = 0${local.map(name => `, ${name}`).join('')};`,
      ...frame.prologue,
      'try {',
      'for (; $row < $to; $row++) {',
      ...frame.lines,
      `if (${stop}.requested) { $row++; break; }`,
      '}',
      `} catch ($error) { throw ${failed}($error, $op, $row); }`,
      ...this.#counted.map(line => line.replaceAll('$counts', counts)),
      ...this.#closureCounters.map(name => `${name} = 0;`),
      'return $row;',
      '};',
    ].join('\n');
    const factory = compileFactory<ChainLoop['run']>(
      `millrace/${this.#options.name}`,
      Object.keys(this.#named),
      text,
    );
    return {run: factory(...Object.values(this.#named)), text};
  }

  /** What is thrown out of the loop, with the record that went into the chain. */
  #failed(error: unknown, operator: number, row: number, input: LoopInput): OperatorError {
    if (error instanceof OperatorError) return error;
    if (input.kind === 'batch') {
      return new OperatorError(error, operator, true, input.reader.read(row));
    }
    if (input.kind === 'range') {
      // A generator is pure, unless it is what has failed.
      return operator === 0
        ? new OperatorError(error, 0, true, row)
        : new OperatorError(error, operator, true, input.generator(row));
    }
    return new OperatorError(error, operator, false);
  }

  #inputRecord(input: LoopInput): BuiltRecord {
    switch (input.kind) {
      case 'batch': {
        const {reader} = input;
        this.#bindAll(reader.bindings);
        this.#frame.prologue.push(reader.prologue);
        return new BuiltRecord(
          this.#name('record'),
          reader.recordText('$row'),
          reader.timestampText('$row'),
          reader,
        );
      }
      case 'range': {
        const generator = this.#bind(input.generator);
        return new BuiltRecord(this.#name('record'), `${generator}($row)`, 'NaN', undefined);
      }
      default: {
        const timestamp = input.kind === 'timedValues' ? '$timestamps[$row]' : 'NaN';
        return new BuiltRecord(this.#name('record'), '$values[$row]', timestamp, undefined);
      }
    }
  }

  #operator(index: number, record: RecordText, inputIndex: number): void {
    if (this.#options.counts) this.#countInto(2 * index);
    if (index > 0) this.#frame.lines.push(`$op = ${index};`);
    this.#chain.operators[index]!.generate(this.#codeFor(index), record, inputIndex);
  }

  #codeFor(index: number): ChainCode {
    return {
      bind: value => this.#bind(value),
      name: prefix => this.#name(prefix),
      line: text => this.#frame.lines.push(text),
      prologue: text => this.#frame.prologue.push(text),
      begin: header => {
        this.#frame.lines.push(header);
        this.#outerCounters.push(this.#frame.counter);
        this.#enterCounted();
      },
      end: () => {
        this.#frame.counter = this.#outerCounters.pop()!;
        this.#frame.lines.push('}');
      },
      emit: (value, timestamp) => this.#emit(index, undefined, value, timestamp),
      emitFunction: sideOutput => this.#emitFunction(index, sideOutput),
      stopIf: condition =>
        this.#frame.lines.push(
          `if (${condition}) ${this.#bind(this.#options.stop)}.requested = true;`,
        ),
    };
  }

  readonly #outerCounters: string[] = [];

  #emit(index: number, sideOutput: string | undefined, value: string, timestamp: string): void {
    if (this.#options.counts && sideOutput === undefined) this.#countInto(2 * index + 1);
    const edges = this.#edges[index]!.filter(edge => edge.sideOutput === sideOutput);
    for (const {target} of edges) {
      if (target.kind === 'writer') {
        this.#write(this.#chain.writers[target.index]!, target.index, value, timestamp);
      } else {
        // Braces: siblings may use the same names for what they declare.
        this.#frame.lines.push('{');
        const record: RecordText = {
          value: () => value,
          inline: () => value,
          column: () => undefined,
          schema: undefined,
          timestamp,
        };
        this.#operator(target.index, record, target.inputIndex);
        this.#frame.lines.push('}');
      }
    }
  }

  #emitFunction(index: number, sideOutput: string | undefined): string {
    const name = this.#name('emit');
    const outer = this.#frame;
    const frame = newFrame(false);
    this.#frame = frame;
    this.#enterCounted();
    this.#emit(index, sideOutput, 'value', 'timestamp');
    this.#frame = outer;
    const failed = this.#bind((error: unknown, operator: number, value: unknown) =>
      error instanceof OperatorError ? error : new OperatorError(error, operator, true, value),
    );
    this.#functions.push(
      [
        `function ${name}(value, timestamp) {`,
        `let $op = ${index}, $k, $r = 0;`,
        ...frame.prologue,
        'try {',
        ...frame.lines,
        `} catch ($error) { throw ${failed}($error, $op, value); }`,
        '}',
      ].join('\n'),
    );
    return name;
  }

  /** Appends the record to the open batch of its channel. */
  #write(writer: RecordWriter, index: number, value: string, timestamp: string): void {
    const lines = this.#frame.lines;
    const name = this.#bind(writer);
    const {batch} = writer;
    if (batch === undefined) {
      lines.push(`${name}.emit(${value}, ${timestamp});`);
      return;
    }
    const target = this.#name('target');
    const select = writer.partitioner.text(value, bound => this.#bind(bound));
    if (select === String(ALL_CHANNELS)) {
      lines.push(`for (let ${target} = 0; ${target} < ${writer.channels.length}; ${target}++) {`);
    } else {
      lines.push('{', `const ${target} = ${select};`);
    }
    const append = batch.appendText({
      value,
      target,
      timestamp,
      result: '$r',
      prefix: `out${index}_${this.#names}_`,
    });
    this.#bindAll(append.bindings);
    this.#frame.prologue.push(append.prologue);
    lines.push(append.statements);
    lines.push(`if ($r !== ${APPENDED}) ${name}.handle($r, ${target}, ${value}, ${timestamp});`);
    lines.push('}');
  }

  /** From here on records are counted by a counter of their own. */
  #enterCounted(): void {
    const counter = this.#name('n');
    this.#frame.counter = counter;
    if (!this.#options.counts) return;
    if (this.#frame.isLoop) this.#frame.counters.push(counter);
    else this.#closureCounters.push(counter);
    this.#frame.lines.push(`${counter}++;`);
  }

  /** Adds the present counter to a word of the chain's counts, after the loop. */
  #countInto(word: number): void {
    this.#counted.push(`$counts[${word}] += ${this.#frame.counter};`);
  }

  #bind(value: unknown): string {
    let name = this.#bindings.get(value);
    if (name === undefined) {
      name = `$${this.#bindings.size}`;
      this.#bindings.set(value, name);
      this.#named[name] = value;
    }
    return name;
  }

  #bindAll(bindings: Record<string, unknown>): void {
    Object.assign(this.#named, bindings);
  }

  #name(prefix: string): string {
    this.#names += 1;
    return `${prefix}${this.#names}`;
  }
}

/** The record that the loop reads; notices whether anyone needs it as an object. */
class BuiltRecord implements RecordText {
  readonly timestamp: string;
  readonly #name: string;
  readonly #text: string;
  readonly #reader: BatchReader | undefined;
  #isUsed = false;

  constructor(name: string, text: string, timestamp: string, reader: BatchReader | undefined) {
    this.#name = name;
    this.#text = text;
    this.timestamp = timestamp;
    this.#reader = reader;
  }

  get schema() {
    return this.#reader?.schema;
  }

  value(): string {
    this.#isUsed = true;
    return this.#name;
  }

  inline(): string {
    return this.#reader === undefined ? this.value() : this.#text;
  }

  column(path: readonly string[]) {
    const column = this.#reader?.columnText(path, '$row');
    return column === undefined || column.isNullable ? undefined : column;
  }

  /** The line that builds the record, if it is needed. */
  built(): string[] {
    return this.#isUsed ? [`const ${this.#name} = ${this.#text};`] : [];
  }
}

function newFrame(isLoop: boolean): Frame {
  return {prologue: [], lines: [], isLoop, counter: '', counters: []};
}
