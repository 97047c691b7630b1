/**
 * Payloads that need no batch: the announcement of a schema, and a record that no segment holds. They
 * are cut into pieces of at most a segment, which travel one after another under the channel's own
 * credits, and are put together in the memory of the consumer. So a payload of any size needs no
 * more segments than its channel has anyway, and waits for nothing but its consumer.
 *
 * Each end belongs to one thread; one of each per channel and payload.
 */
import {assert} from '../base/assert.ts';
import type {Arena} from '../memory/arena.ts';

/** A payload on its way out. */
export class OutgoingPayload {
  readonly #bytes: Uint8Array;
  #position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get sizeBytes(): number {
    return this.#bytes.length;
  }

  /** Whether all has been written. */
  get isDone(): boolean {
    return this.#position === this.#bytes.length;
  }

  /** Writes the next piece to the segment at `offsetBytes`, and says how many bytes that were. */
  writePiece(arena: Arena, offsetBytes: number, segmentSizeBytes: number): number {
    const end = Math.min(this.#position + segmentSizeBytes, this.#bytes.length);
    const piece = this.#bytes.subarray(this.#position, end);
    arena.bytes.set(piece, offsetBytes);
    this.#position = end;
    return piece.length;
  }
}

/** A payload on its way in. */
export class IncomingPayload {
  readonly #bytes: Buffer;
  #position = 0;

  constructor(sizeBytes: number) {
    // Not from the shared pool of small buffers: it may be kept for long.
    this.#bytes = Buffer.allocUnsafeSlow(sizeBytes);
  }

  /** Copies a piece out of its segment. */
  readPiece(arena: Arena, offsetBytes: number, sizeBytes: number): void {
    assert(this.#position + sizeBytes <= this.#bytes.length, 'a payload is larger than announced');
    arena.bytes.copy(this.#bytes, this.#position, offsetBytes, offsetBytes + sizeBytes);
    this.#position += sizeBytes;
  }

  /** The whole payload, after its last piece. */
  get bytes(): Buffer {
    assert(this.#position === this.#bytes.length, 'a payload ended before its last byte');
    return this.#bytes;
  }
}
