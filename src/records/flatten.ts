/**
 * Copies of texts that own their memory. A text that was read out of a batch is a slice of the
 * batch's whole text; kept in state, a key of 13 characters would keep 32 KiB alive.
 *
 * The copy goes through a buffer of this thread. V8 slices only from 13 characters on; below that
 * `substring` has copied already.
 */

/** V8 copies shorter substrings by itself. */
const SLICE_LENGTH_MIN = 13;

const WIDE = /[^\0-\xff]/;

let scratch = Buffer.allocUnsafeSlow(4096);

/** The same text, with memory of its own. */
export function flattenString(text: string): string {
  const {length} = text;
  if (length < SLICE_LENGTH_MIN) return text;
  const sizeBytes = 2 * length;
  if (sizeBytes > scratch.length) {
    // One huge text must not pin its size for ever.
    if (sizeBytes > 1 << 20) return copy(text, Buffer.allocUnsafeSlow(sizeBytes));
    scratch = Buffer.allocUnsafeSlow(2 * sizeBytes);
  }
  return copy(text, scratch);
}

function copy(text: string, buffer: Buffer): string {
  if (WIDE.test(text)) {
    buffer.write(text, 0, 2 * text.length, 'utf16le');
    return buffer.toString('utf16le', 0, 2 * text.length);
  }
  buffer.write(text, 0, text.length, 'latin1');
  return buffer.toString('latin1', 0, text.length);
}
