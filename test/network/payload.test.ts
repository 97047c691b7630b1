/** Payloads cut into pieces and put together again. */
import test from 'ava';
import {testArena} from '../support/record-stream.ts';
import {IncomingPayload, OutgoingPayload} from '../../src/network/payload.ts';

for (const sizeBytes of [1, 63, 64, 65, 128, 1000]) {
  test(`${sizeBytes} bytes cross segments of 64 bytes`, t => {
    const arena = testArena(256);
    const bytes = Uint8Array.from({length: sizeBytes}, (_, n) => (n * 7) & 0xff);
    const outgoing = new OutgoingPayload(bytes);
    const incoming = new IncomingPayload(outgoing.sizeBytes);

    let pieces = 0;
    for (; !outgoing.isDone; pieces += 1) {
      arena.bytes.fill(0xee);
      const written = outgoing.writePiece(arena, 128, 64);
      t.is(arena.bytes[127], 0xee);
      t.is(arena.bytes[192], 0xee);
      incoming.readPiece(arena, 128, written);
    }

    t.is(pieces, Math.ceil(sizeBytes / 64));
    t.deepEqual(new Uint8Array(incoming.bytes), bytes);
  });
}

test('a payload owns its memory: later writes to the segment do not show', t => {
  const arena = testArena(64);
  const outgoing = new OutgoingPayload(Uint8Array.of(1, 2, 3));
  const incoming = new IncomingPayload(3);
  incoming.readPiece(arena, 0, outgoing.writePiece(arena, 0, 64));

  arena.bytes.fill(9);

  t.deepEqual([...incoming.bytes], [1, 2, 3]);
});
