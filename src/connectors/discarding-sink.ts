/** Drops all records: for streams that matter by their side effects, and for measuring. */
import type {Sink} from '../operators/sink.ts';

const WRITER = {write(): void {}};

/** A sink that takes everything and keeps nothing. */
export function discardingSink(): Sink<unknown> {
  return {name: 'Discard', createWriter: () => WRITER};
}
