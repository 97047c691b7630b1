/**
 * Gathers records into an array of the thread that the sink runs in. What gets them from there to the
 * host is the business of whoever gave the array.
 */
import type {Sink} from '../operators/sink.ts';

/** A sink that appends every record to `into`, in the order of their arrival. */
export function collectingSink(into: unknown[]): Sink<unknown> {
  return {
    name: 'Collect',
    createWriter: () => ({
      write(value) {
        into.push(value);
      },
    }),
  };
}
