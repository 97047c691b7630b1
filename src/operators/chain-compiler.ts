/**
 * Makes one loop out of a chain. Every operator writes its part where its input is emitted, so the
 * whole chain is one function body through which V8 inlines: 87–120 million records per second through
 * map-filter-map-filter, where a virtual call per operator and record gives 15–22 (platform notes §14).
 *
 * The loop of `lines → map → filter → keyBy`, roughly:
 *
 *   let $at = 0, $row = $from, n1 = 0;
 *   try {
 *     for (; $row < $to; $row++) {
 *       const record = {…columns of row…};
 *       $at = 1; const mapped = fn1(record);
 *       $at = 2; if (fn2(mapped)) { n1++; $at = 3; …append to the batch of the key's channel… }
 *       if (stop.requested) { $row++; break; }
 *     }
 *   } catch (error) { … }
 *   counts[0] += $row - $from; … counts[4] += n1; …
 *
 * `$at` says where an error came from. It costs nothing: V8 keeps it in the tables that it consults only
 * when something is thrown. The record is not mentioned in the catch block, or it would have to be
 * built every time; it is read again when it is needed.
 *
 * Records are counted once per block, not once per operator. When something is thrown, the counts of
 * those operators that the record did not reach are one too high and are set right (`#overcounted`).
 *
 * Collectors get functions of their own (`emit…`); what such a function does per record is written
 * into it in the same way, with counters that outlive the call.
 *
 * Whatever the loop uses is a `const` of the function around it, and no two loops have the same text:
 * so V8 sees one closure per text, and takes these values for constants.
 */
import type {RecordWriter, StopFlag} from '../network/record-writer.ts';
import {ALL_CHANNELS} from '../network/partitioner.ts';
import type {BatchReader} from '../records/batch-reader.ts';
import {compileFactory} from '../records/compiler.ts';
import {APPENDED} from '../records/batch-writer.ts';
import type {ChainCode, RecordText} from './chain-code.ts';
import type {CompiledChain} from './chain.ts';
import {resultFieldNames} from './function-text.ts';
import {OperatorError} from './operator-error.ts';
import {ColumnRecord, ObjectRecord, type RecordScope} from './record-text.ts';

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
  input: LoopInput,
): ChainLoop & {readonly text: string} {
  return new ChainCompiler(chain, options).compile(input);
}

let loopsCompiled = 0;

/** A function that is being written: the loop, or one that a collector calls. */
interface Frame {
  readonly isLoop: boolean;
  readonly prologue: string[];
  readonly lines: string[];
  /** Blocks that are open, outermost first. */
  readonly blocks: Block[];
  /** Names of its counters. */
  readonly counters: string[];
}

interface Block {
  /** How many records have entered it, as an expression. */
  readonly counter: string;
  /** The variable that counts them, or those of whom nearly all enter. */
  readonly base: string;
}

/** A count that is read off a block's counter after the loop. */
interface CountedWord {
  readonly word: number;
  readonly counter: string;
  readonly base: string;
  /** Where in the text the record has got when it counts. */
  readonly sequence: number;
}

/** Where something may be thrown. */
interface Place {
  readonly operator: number;
  readonly sequence: number;
  /** What counts in the blocks around it (`Block.base`). */
  readonly bases: readonly string[];
}

class ChainCompiler implements RecordScope {
  readonly #chain: CompiledChain;
  readonly #options: CompileOptions;
  readonly #bindings = new Map<unknown, string>();
  readonly #named: Record<string, unknown> = {};
  readonly #functions: string[] = [];
  /** Counters that outlive a call; set back after each loop. */
  readonly #closureCounters: string[] = [];
  readonly #counted: CountedWord[] = [];
  readonly #places: Place[] = [];
  readonly #loopPrologue: string[] = [];
  #names = 0;
  #sequence = 0;
  #frame: Frame = newFrame(true);

  constructor(chain: CompiledChain, options: CompileOptions) {
    this.#chain = chain;
    this.#options = options;
  }

  compile(input: LoopInput): ChainLoop & {readonly text: string} {
    const frame = this.#frame;
    // Every row enters the loop's own block, so nothing has to be counted there.
    frame.blocks.push({counter: '$rows', base: '$rows'});
    this.#enterPlace(0);
    const record = this.#inputRecord(input);
    this.#operator(0, record, input.inputIndex);
    const stop = this.bind(this.#options.stop);
    const failed = this.bind(
      (error: unknown, place: number, row: number, values: readonly unknown[] | undefined) =>
        this.#failed(error, place, () => readAgain(input, row, values)),
    );
    const counts = this.bind(this.#chain.counts);
    const locals = frame.counters.map(name => `, ${name} = 0`).join('');
    const lines = [
      ...this.#closureCounters.map(name => `let ${name} = 0;`),
      ...this.#functions,
      'return function loop($from, $to, $values, $timestamps) {',
      `let $row = $from, $at = 0, $k, $r = 0, $hasFailed = false, $error${locals};`,
      ...this.#loopPrologue,
      ...frame.prologue,
      'try {',
      'for (; $row < $to; $row++) {',
      ...frame.lines,
      `if (${stop}.requested) { $row++; break; }`,
      '}',
      '} catch ($thrown) { $hasFailed = true; $error = $thrown; }',
      'const $rows = $row - $from + ($hasFailed ? 1 : 0);',
      ...this.#counted.map(({word, counter}) => `${counts}[${word}] += ${counter};`),
      ...this.#closureCounters.map(name => `${name} = 0;`),
      `if ($hasFailed) throw ${failed}($error, $at, $row, $values);`,
      'return $row;',
      '};',
    ];
    loopsCompiled += 1;
    const names = Object.keys(this.#named);
    const text = [
      `// loop ${loopsCompiled}`,
      ...names.map(name => `const ${name} = given_${name};`),
      ...lines,
    ].join('\n');
    const factory = compileFactory<ChainLoop['run']>(
      `millrace/${this.#options.name}`,
      names.map(name => `given_${name}`),
      text,
    );
    return {run: factory(...Object.values(this.#named)), text};
  }

  /** The error with the record that went into the chain; sets the counts right. */
  #failed(error: unknown, place: number, readRecord: () => unknown): OperatorError {
    const {operator} = this.#places[place]!;
    for (const word of this.#overcounted(place)) this.#chain.counts[word]! -= 1;
    return OperatorError.of(error, operator).on(readRecord());
  }

  /** Words that counted a record which something thrown at `place` has kept from reaching them. */
  #overcounted(place: number): number[] {
    const {sequence, bases} = this.#places[place]!;
    return this.#counted
      .filter(counted => counted.sequence > sequence && bases.includes(counted.base))
      .map(counted => counted.word);
  }

  #inputRecord(input: LoopInput): RecordText {
    switch (input.kind) {
      case 'batch': {
        const {reader} = input;
        Object.assign(this.#named, reader.bindings);
        this.#frame.prologue.push(reader.prologue);
        return new ColumnRecord(this, reader);
      }
      case 'range': {
        const name = this.name('record');
        this.line(`const ${name} = ${this.bind(input.generator)}($row);`);
        return new ObjectRecord(name, 'NaN', resultFieldNames(input.generator));
      }
      default: {
        const name = this.name('record');
        this.line(`const ${name} = $values[$row];`);
        const timestamp = input.kind === 'timedValues' ? '$timestamps[$row]' : 'NaN';
        return new ObjectRecord(name, timestamp, undefined);
      }
    }
  }

  #operator(index: number, record: RecordText, inputIndex: number): void {
    this.#count(2 * index);
    this.#enterPlace(index);
    this.#chain.operators[index]!.generate(this.#codeFor(index), record, inputIndex);
  }

  #codeFor(index: number): ChainCode {
    const edges = this.#chain.plan.nodes[index]!.outputs;
    const tags = new Set(edges.map(edge => edge.sideOutput).filter(tag => tag !== undefined));
    return {
      isLoop: this.#frame.isLoop,
      sideOutputs: [...tags],
      bind: value => this.bind(value),
      name: prefix => this.name(prefix),
      line: text => this.line(text),
      prologue: text => this.#frame.prologue.push(text),
      loopPrologue: text => this.#loopPrologue.push(text),
      begin: header => {
        this.line(header);
        this.#openCounted();
      },
      beginRest: left => {
        const {counter, base} = this.#frame.blocks.at(-1)!;
        this.line('{');
        this.#frame.blocks.push({counter: `(${counter} - ${left})`, base});
      },
      counter: () => {
        const name = this.name('c');
        this.#frame.counters.push(name);
        return name;
      },
      block: header => this.#openPlain(header),
      end: () => {
        this.#frame.blocks.pop();
        this.line('}');
      },
      emit: (value, timestamp, fieldNames) =>
        this.#emit(index, undefined, new ObjectRecord(value, timestamp, fieldNames)),
      pass: record => this.#emit(index, undefined, record),
      returnHere: () => this.#enterPlace(index),
      emitFunction: sideOutput => this.#emitFunction(index, sideOutput),
      stopIf: condition =>
        this.line(`if (${condition}) ${this.bind(this.#options.stop)}.requested = true;`),
    };
  }

  #emit(index: number, sideOutput: string | undefined, record: RecordText): void {
    this.#count(2 * index + 1);
    const {outputs} = this.#chain.plan.nodes[index]!;
    const edges = outputs.filter(edge => edge.sideOutput === sideOutput);
    // Siblings share one object: what a user function does to it, the next one sees.
    if (edges.length > 1) record.value();
    for (const {target} of edges) {
      if (target.kind === 'writer') {
        this.#enterPlace(index);
        this.#write(this.#chain.writers[target.index]!, target.index, record);
      } else {
        // Braces: siblings may use the same names for what they declare.
        this.#openPlain('{');
        this.#operator(target.index, record, target.inputIndex);
        this.#frame.blocks.pop();
        this.line('}');
      }
    }
  }

  #emitFunction(index: number, sideOutput: string | undefined): string {
    const name = this.name('emit');
    const outer = this.#frame;
    const frame = newFrame(false);
    this.#frame = frame;
    this.#openCounted();
    this.#enterPlace(index);
    this.#emit(index, sideOutput, new ObjectRecord('value', 'timestamp', undefined));
    this.#frame = outer;
    // The loop adds the record: it knows the one that went into the chain.
    const failed = this.bind((error: unknown, place: number) => {
      for (const word of this.#overcounted(place)) this.#chain.counts[word]! -= 1;
      return OperatorError.of(error, this.#places[place]!.operator);
    });
    this.#functions.push(
      [
        `function ${name}(value, timestamp) {`,
        'let $at = 0, $k, $r = 0;',
        ...frame.prologue,
        'try {',
        ...frame.lines,
        `} catch ($error) { throw ${failed}($error, $at); }`,
        '}',
      ].join('\n'),
    );
    return name;
  }

  /** Appends the record to the open batch of its channel. */
  #write(writer: RecordWriter, index: number, record: RecordText): void {
    const name = this.bind(writer);
    const {batch} = writer;
    const value = record.value();
    const {timestamp, fieldNames} = record;
    if (batch === undefined) {
      this.line(`${name}.emit(${value}, ${timestamp});`);
      return;
    }
    const target = this.name('target');
    const select = writer.partitioner.text(value, bound => this.bind(bound));
    if (select === String(ALL_CHANNELS)) {
      this.line(`for (let ${target} = 0; ${target} < ${writer.channels.length}; ${target}++) {`);
    } else {
      this.line('{');
      this.line(`const ${target} = ${select};`);
    }
    const append = batch.appendText({
      value,
      target,
      timestamp,
      result: '$r',
      prefix: `out${index}_${this.#names}_`,
      isShapeProven: fieldNames !== undefined && batch.isShapeProvenBy(fieldNames),
    });
    Object.assign(this.#named, append.bindings);
    this.#frame.prologue.push(append.prologue);
    this.line(append.statements);
    const copy = record.inline();
    this.line(`if ($r !== ${APPENDED}) ${name}.handle($r, ${target}, ${copy}, ${timestamp});`);
    this.line('}');
  }

  /** Begins a block, whose brace is written, and counts the records that enter it. */
  #openCounted(): void {
    const counter = this.name('n');
    const {blocks, counters, isLoop} = this.#frame;
    blocks.push({counter, base: counter});
    if (!this.#options.counts) return;
    (isLoop ? counters : this.#closureCounters).push(counter);
    this.line(`${counter}++;`);
  }

  /** Begins a block that every record around it enters. */
  #openPlain(header: string): void {
    this.line(header);
    this.#frame.blocks.push({...this.#frame.blocks.at(-1)!});
  }

  /** A record that gets here counts for a word of the chain's counts. */
  #count(word: number): void {
    if (!this.#options.counts) return;
    this.#sequence += 1;
    const {counter, base} = this.#frame.blocks.at(-1)!;
    this.#counted.push({word, counter, base, sequence: this.#sequence});
  }

  /** What is thrown from here on comes from `operator`. */
  #enterPlace(operator: number): void {
    const bases = this.#frame.blocks.map(block => block.base);
    this.line(`$at = ${this.#places.length};`);
    this.#places.push({operator, sequence: this.#sequence, bases});
  }

  line(text: string): void {
    this.#frame.lines.push(text);
  }

  bind(value: unknown): string {
    let name = this.#bindings.get(value);
    if (name === undefined) {
      name = `$${this.#bindings.size}`;
      this.#bindings.set(value, name);
      this.#named[name] = value;
    }
    return name;
  }

  name(prefix: string): string {
    this.#names += 1;
    return `${prefix}${this.#names}`;
  }

  get openBlocks(): readonly object[] {
    return this.#frame.blocks;
  }
}

/** The record of a row, for an error. What fails at that failed before and is shown as its index. */
function readAgain(input: LoopInput, row: number, values: readonly unknown[] | undefined): unknown {
  switch (input.kind) {
    case 'batch':
      return input.reader.read(row);
    case 'range':
      try {
        return input.generator(row);
      } catch {
        return row;
      }
    default:
      return values![row];
  }
}

function newFrame(isLoop: boolean): Frame {
  return {isLoop, prologue: [], lines: [], blocks: [], counters: []};
}
