/** Texts that are handed over inside one thread: they never become bytes, and nobody gets them twice. */
import test from 'ava';
import {BatchReader} from '../../src/records/batch-reader.ts';
import {APPENDED, BatchWriter, NO_ROOM, OVERSIZED} from '../../src/records/batch-writer.ts';
import {inferSchema} from '../../src/records/infer-schema.ts';
import {dropLocalTexts, localTextsOf} from '../../src/records/local-texts.ts';
import {testArena} from '../support/record-stream.ts';

const SEGMENT = 4096;

/** Target 0 is read in this thread, target 1 is not. */
function pair(interpret: boolean) {
  const arena = testArena(SEGMENT * 4);
  const all = {
    segmentSizeBytes: SEGMENT,
    targetCount: 2,
    timestamps: false,
    schemaVersion: 1,
    schema: inferSchema([{id: 1, text: 'a'}]),
    isLocal: [true, false],
    interpret,
  };
  return {arena, writer: new BatchWriter(arena, all), reader: new BatchReader(arena, all)};
}

/** Fills batches of texts that are all different until the column has no dictionary any more. */
function dropDictionary(writer: BatchWriter, arena: ReturnType<typeof testArena>): void {
  writer.open(1, 3 * SEGMENT);
  for (let id = 0; id < 40; id += 1) writer.append(1, {id, text: `only once ${id}`}, 0);
  writer.close(1);
  dropLocalTexts(arena, 3 * SEGMENT);
}

for (const interpret of [false, true]) {
  const how = interpret ? 'interpreted' : 'generated';

  test(`texts for a reader in this thread are not in the segment, others are, ${how}`, t => {
    const {arena, writer, reader} = pair(interpret);
    dropDictionary(writer, arena);
    for (const [target, isThere] of [false, true].entries()) {
      writer.open(target, target * SEGMENT);
      writer.append(target, {id: 1, text: 'quite a long text'}, 0);
      writer.append(target, {id: 2, text: '\ud800 \u4e2d'}, 0);
      writer.close(target);

      const segment = arena.bytes.subarray(target * SEGMENT, (target + 1) * SEGMENT);
      t.is(segment.includes('quite a long text'), isThere);
      reader.attach(target * SEGMENT);
      t.deepEqual(reader.read(0), {id: 1, text: 'quite a long text'});
      t.deepEqual(reader.read(1), {id: 2, text: '\ud800 \u4e2d'});
    }
  });

  test(`a batch of texts by reference is worth its segment and no more, ${how}`, t => {
    const {arena, writer} = pair(interpret);
    dropDictionary(writer, arena);
    writer.open(0, 0);
    t.is(writer.append(0, {id: 1, text: 'x'.repeat(SEGMENT)}, 0), OVERSIZED);
    t.is(writer.append(0, {id: 1, text: 'x'.repeat(SEGMENT / 2)}, 0), APPENDED);
    t.is(writer.append(0, {id: 2, text: 'x'.repeat(SEGMENT / 2)}, 0), NO_ROOM);
    t.true(writer.close(0).usedBytes > SEGMENT / 2);
  });
}

test('texts are read once; a second reader fails instead of reading something else', t => {
  const {arena, writer, reader} = pair(false);
  dropDictionary(writer, arena);
  writer.open(0, 0);
  writer.append(0, {id: 1, text: 'a text'}, 0);
  writer.close(0);
  t.is(localTextsOf(arena).size, 1);

  reader.attach(0);
  t.is(localTextsOf(arena).size, 0);

  t.throws(() => reader.attach(0), {message: /read once, in their own thread/});
});

test('texts of a batch that nobody reads are forgotten', t => {
  const {arena, writer} = pair(false);
  dropDictionary(writer, arena);
  writer.open(0, SEGMENT);
  writer.append(0, {id: 1, text: 'a text'}, 0);
  writer.close(0);

  dropLocalTexts(arena, SEGMENT);

  t.is(localTextsOf(arena).size, 0);
});

test('repeated texts stay in a dictionary in the segment, whose codes find rows', t => {
  const {arena, writer, reader} = pair(false);
  writer.open(0, 0);
  for (let id = 0; id < 40; id += 1) writer.append(0, {id, text: `text ${id & 3}`}, 0);
  writer.close(0);

  t.is(localTextsOf(arena).size, 0);
  reader.attach(0);
  t.is(reader.entryCount(0), 4);
  t.deepEqual(reader.read(6), {id: 6, text: 'text 2'});
});
