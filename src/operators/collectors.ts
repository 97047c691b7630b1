/**
 * The collector and the context that user functions are given. One of each per operator and input,
 * made once: they carry the timestamp of the record that is being processed, so that whatever the
 * function emits gets it.
 */
import type {Collector, OutputTag, ProcessContext} from './functions.ts';
import type {Emitter} from './operator-runtime.ts';

/** Hands what is collected to `emit`, with the timestamp that was set last. */
export class TimestampedCollector implements Collector<unknown> {
  /** NaN for a record without timestamp. */
  timestamp = NaN;
  /** Where records go; compiled chains put their own function here. */
  emit: (value: unknown, timestamp: number) => void;

  readonly #interpreted: (value: unknown, timestamp: number) => void;

  constructor(output: Emitter) {
    this.#interpreted = (value, timestamp) => output.emit(value, timestamp);
    this.emit = this.#interpreted;
  }

  /** Back to the interpreter's way: compiled code is only valid inside the loop that it is part of. */
  interpret(timestamp: number): void {
    this.emit = this.#interpreted;
    this.timestamp = timestamp;
  }

  collect = (value: unknown): void => {
    this.emit(value, this.timestamp);
  };
}

/** What `processElement` knows about the present record. */
export class ElementContext implements ProcessContext {
  readonly #collector: TimestampedCollector;
  readonly #sideOutput: (tag: string) => Emitter;
  readonly #sides = new Map<string, (value: unknown, timestamp: number) => void>();

  constructor(collector: TimestampedCollector, sideOutput: (tag: string) => Emitter) {
    this.#collector = collector;
    this.#sideOutput = sideOutput;
  }

  get timestamp(): number | undefined {
    const timestamp = this.#collector.timestamp;
    return timestamp === timestamp ? timestamp : undefined;
  }

  output<S>(tag: OutputTag<S>, value: S): void {
    let emit = this.#sides.get(tag.id);
    if (emit === undefined) {
      const emitter = this.#sideOutput(tag.id);
      emit = (side, timestamp) => emitter.emit(side, timestamp);
      this.#sides.set(tag.id, emit);
    }
    emit(value, this.#collector.timestamp);
  }
}
