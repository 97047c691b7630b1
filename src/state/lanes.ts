/** Memory for the lanes of a table, or an error that says what the table wanted it for. */
import {StreamError} from '../base/errors.ts';

/** A zeroed array of `length` numbers. Errors: `E_STATE_MEMORY` if there is no room for it. */
export function allocateLanes(length: number, keys: number): Float64Array<ArrayBuffer> {
  try {
    return new Float64Array(length);
  } catch (cause) {
    throw new StreamError(
      'E_STATE_MEMORY',
      'keyed state has become too large for the memory of the process',
      {keys, neededBytes: length * Float64Array.BYTES_PER_ELEMENT},
      {remedy: 'raise the parallelism, so that each subtask keeps fewer keys', cause},
    );
  }
}
