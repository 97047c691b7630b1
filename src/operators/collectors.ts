/**
 * The collector and the context that user functions are given. One of each per operator, made once: they
 * carry the timestamp of the record that is being processed, so that whatever the function emits gets
 * it.
 *
 * A compiled loop puts functions of its own into them each time that it starts (`compile`), the
 * interpreter its own before each record (`interpret`). So the two may alternate.
 */
import type {ChainCode} from './chain-code.ts';
import type {Collector, OutputTag, ProcessContext, TimerService} from './functions.ts';
import type {Emitter} from './operator-runtime.ts';

type Emit = (value: unknown, timestamp: number) => void;

/** Hands what is collected to `emit`, with the timestamp that was set last. */
export class TimestampedCollector implements Collector<unknown> {
  /** NaN for a record without timestamp. */
  timestamp = NaN;
  emit: Emit;
  /** By tag, those side outputs that compiled code writes. */
  sides: ReadonlyMap<string, Emit> = NO_SIDES;
  readonly #interpreted: Emit;

  constructor(output: Emitter) {
    this.#interpreted = (value, timestamp) => output.emit(value, timestamp);
    this.emit = this.#interpreted;
  }

  interpret(timestamp: number): void {
    this.emit = this.#interpreted;
    this.sides = NO_SIDES;
    this.timestamp = timestamp;
  }

  compile(emit: Emit, ...sides: ReadonlyArray<readonly [tag: string, emit: Emit]>): void {
    this.emit = emit;
    this.sides = new Map(sides);
  }

  /** Writes what makes the collector emit into generated code. */
  generate(code: ChainCode): string {
    const name = code.bind(this);
    const sides = code.sideOutputs.map(tag => `[${code.bind(tag)}, ${code.emitFunction(tag)}]`);
    code.loopPrologue(`${name}.compile(${[code.emitFunction(), ...sides].join(', ')});`);
    return name;
  }

  collect = (value: unknown): void => {
    this.emit(value, this.timestamp);
  };
}

const NO_SIDES: ReadonlyMap<string, Emit> = new Map();

/** What `processElement` knows about the present record. */
export class ElementContext implements ProcessContext {
  readonly timerService: TimerService;
  readonly #collector: TimestampedCollector;
  readonly #sideOutput: (tag: string) => Emitter;

  constructor(
    collector: TimestampedCollector,
    sideOutput: (tag: string) => Emitter,
    timerService: TimerService,
  ) {
    this.#collector = collector;
    this.#sideOutput = sideOutput;
    this.timerService = timerService;
  }

  get timestamp(): number | undefined {
    const {timestamp} = this.#collector;
    return timestamp === timestamp ? timestamp : undefined;
  }

  output<S>(tag: OutputTag<S>, value: S): void {
    const {sides, timestamp} = this.#collector;
    const emit = sides.get(tag.id);
    if (emit !== undefined) emit(value, timestamp);
    else this.#sideOutput(tag.id).emit(value, timestamp);
  }
}
