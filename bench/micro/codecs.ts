/**
 * What it costs to put records into bytes and to make records of bytes again, one thread, batch by batch:
 * the engine's column batches beside what Node and npm offer for arrays of records.
 *
 *   512 records ──encode (timed)──► bytes ──decode (timed)──► records ──► sum over every field
 *
 * Kinds: `numbers` two int32 and two doubles; `dictionary` one text of 1 000; `distinct` three texts of 20
 * to 80 characters, hardly two alike; `nested` an object in an object; `lists` two arrays; `any` fields
 * whose type changes from record to record, a Map and a Date among them. The answer is the sum over all
 * fields of what came out; JSON gets no kind that it would change.
 *
 * The last two cases show what proving the shape of a record literal is worth (records/record-literal.ts).
 *
 * `npm run bench -- --micro codecs`.
 */
import {deserialize, serialize} from 'node:v8';
import {Packr} from 'msgpackr';
import {systemClock} from '../../src/base/clock.ts';
import {Random} from '../../src/base/random.ts';
import {Arena, ArenaPlan} from '../../src/memory/arena.ts';
import {BatchReader} from '../../src/records/batch-reader.ts';
import {APPENDED, APPENDED_FULL, BatchWriter, NO_ROOM} from '../../src/records/batch-writer.ts';
import {compileFactory} from '../../src/records/compiler.ts';
import {inferSchema} from '../../src/records/infer-schema.ts';
import type {MicroBench, MicroCase, MicroRun} from '../lib/micro.ts';

type Kind = 'numbers' | 'dictionary' | 'distinct' | 'nested' | 'lists' | 'any';

const SEGMENT_SIZE_BYTES = 32 * 1024;
/** Records of one call of the codecs that know no segments. */
const BATCH = 512;
/** Records that are made beforehand, and encoded again and again. */
const POOL = 8 * BATCH;
const SEED = 20260101;

const WORDS = 'amber basin cedar delta ember fjord grove heath inlet jetty knoll ledge'.split(' ');

function textOf(random: Random, length: number): string {
  let text = '';
  while (text.length < length) text += `${WORDS[random.below(WORDS.length)]}${random.below(1000)} `;
  // Flat, as a text is that was read from somewhere.
  return Buffer.from(text.slice(0, length), 'latin1').toString('latin1');
}

function recordOf(kind: Kind, index: number, random: Random, names: readonly string[]): object {
  const id = random.below(1 << 20);
  const price = random.below(1 << 20) / 8;
  switch (kind) {
    case 'numbers':
      return {id, flags: random.below(8), price, time: 1.7e12 + index};
    case 'dictionary':
      return {id, name: names[random.below(names.length)], price};
    case 'distinct': {
      const text = () => textOf(random, 20 + random.below(61));
      return {id, channel: text(), url: text(), extra: text()};
    }
    case 'nested':
      return {id, at: {x: price, y: price + 1}, owner: {name: names[index & 63], age: id & 127}};
    case 'lists':
      return {
        id,
        scores: Array.from({length: 6}, () => random.below(1000)),
        tags: [names[index & 63], names[(index + 1) & 63]],
      };
    case 'any': {
      const value = [id, names[index & 63], {x: id}, [id, price], index % 2 === 0][index % 5];
      return {id, value, seen: new Map([[names[index & 7], id]]), at: new Date(index * 1000)};
    }
  }
}

function recordsOf(kind: Kind): object[] {
  const random = new Random(SEED);
  const names = Array.from({length: 1000}, () => textOf(random, 8 + random.below(13)));
  return Array.from({length: POOL}, (_, index) => recordOf(kind, index, random, names));
}

/** A number that depends on every field; exact, because the parts are small multiples of 1/8. */
function sumOf(value: unknown): number {
  switch (typeof value) {
    case 'number':
      return value;
    case 'string':
      return value.length + value.charCodeAt(0) + value.charCodeAt(value.length - 1);
    case 'boolean':
      return value ? 1 : 2;
    case 'object':
      if (value instanceof Date) return value.getTime() % 1009;
      if (value instanceof Map) return sumOf([...value]);
      if (Array.isArray(value)) return value.reduce((sum: number, part) => sum + sumOf(part), 3);
      return Object.values(value!).reduce((sum: number, part) => sum + sumOf(part), 5);
    default:
      throw new Error(`nobody made a ${typeof value}`);
  }
}

/** Encodes some records from `from` on, and decodes what it has just encoded. */
interface Codec {
  /** Returns how many records were encoded. */
  encode(from: number): number;
  decode(): readonly unknown[];
  /** Bytes of the last batch. */
  readonly sizeBytes: number;
}

function columnCodec(records: readonly object[]): Codec {
  const plan = new ArenaPlan();
  const segment = plan.reserve('segment', SEGMENT_SIZE_BYTES).offsetBytes;
  const arena = plan.create();
  const options = {
    segmentSizeBytes: SEGMENT_SIZE_BYTES,
    schema: inferSchema(records),
    timestamps: false,
  };
  const writer = new BatchWriter(arena, {...options, targetCount: 1, schemaVersion: 1});
  const reader = new BatchReader(arena, options);
  let sizeBytes = 0;
  return {
    encode(from) {
      writer.open(0, segment);
      let result = APPENDED;
      for (let index = from; result === APPENDED; index += 1) {
        result = writer.append(0, records[index & (POOL - 1)], NaN);
      }
      if (result !== APPENDED_FULL && result !== NO_ROOM) throw new Error(`append said ${result}`);
      const closed = writer.close(0);
      sizeBytes = closed.usedBytes;
      return closed.rowCount;
    },
    decode() {
      reader.attach(segment);
      const {rowCount} = reader;
      const decoded: unknown[] = [];
      for (let row = 0; row < rowCount; row += 1) decoded.push(reader.read(row));
      return decoded;
    },
    get sizeBytes() {
      return sizeBytes;
    },
  };
}

/** A codec that takes arrays of records. */
function arrayCodec<T>(
  records: readonly object[],
  encode: (batch: readonly object[]) => T,
  decode: (encoded: T) => unknown,
  sizeOf: (encoded: T) => number,
): Codec {
  const batches = Array.from({length: POOL / BATCH}, (_, index) =>
    records.slice(index * BATCH, (index + 1) * BATCH),
  );
  let encoded: T;
  return {
    encode(from) {
      encoded = encode(batches[(from / BATCH) % batches.length]!);
      return BATCH;
    },
    decode: () => decode(encoded) as unknown[],
    get sizeBytes() {
      return sizeOf(encoded);
    },
  };
}

const CODECS: Readonly<Record<string, (records: readonly object[]) => Codec>> = {
  columns: columnCodec,
  JSON: records =>
    arrayCodec(
      records,
      batch => Buffer.from(JSON.stringify(batch)),
      bytes => JSON.parse(bytes.toString()),
      bytes => bytes.length,
    ),
  'v8.serialize': records => arrayCodec(records, serialize, deserialize, bytes => bytes.length),
  msgpackr: records => {
    const packr = new Packr({moreTypes: true});
    return arrayCodec(
      records,
      batch => packr.pack(batch),
      bytes => packr.unpack(bytes),
      bytes => bytes.length,
    );
  },
  // Both at once: there are no bytes in between.
  structuredClone: records =>
    arrayCodec(
      records,
      batch => structuredClone(batch),
      clone => clone,
      () => 0,
    ),
};

/** Times one half of the way, and goes the other half as well, for the answer. */
function codecCase(kind: Kind, codecName: string, half: 'encode' | 'decode'): MicroCase {
  let codec: Codec | undefined;
  const run = (operations: number): MicroRun => {
    codec ??= CODECS[codecName]!(recordsOf(kind));
    let ms = 0;
    let done = 0;
    let bytes = 0;
    let answer = 0;
    while (done < operations) {
      const startMs = systemClock.monotonicNow();
      const count = codec.encode(done);
      const encodedMs = systemClock.monotonicNow();
      const decoded = codec.decode();
      const decodedMs = systemClock.monotonicNow();
      ms += half === 'encode' ? encodedMs - startMs : decodedMs - encodedMs;
      bytes += codec.sizeBytes;
      for (let index = 0; index < count && done + index < operations; index += 1) {
        answer += sumOf(decoded[index]);
      }
      done += count;
    }
    // The last batch may reach beyond the operations.
    const share = operations / done;
    return {ms: ms * share, answer, notes: bytes === 0 ? {} : {bytes: bytes / done}};
  };
  return {
    operations: {full: 64 * BATCH, smoke: 2 * BATCH},
    // Either half goes the other as well, so one of them is enough to know that both work.
    isInSmoke: half === 'encode' && (codecName === 'columns' || kind === 'nested'),
    run,
    answer: operations => {
      const sums = recordsOf(kind).map(sumOf);
      let answer = 0;
      for (let index = 0; index < operations; index += 1) answer += sums[index & (POOL - 1)]!;
      return answer;
    },
  };
}

/** A loop that makes records by a literal and appends them at once, as a compiled chain does. */
function literalCase(isShapeProven: boolean): MicroCase {
  const plan = new ArenaPlan();
  const segment = plan.reserve('segment', SEGMENT_SIZE_BYTES).offsetBytes;
  const arena = plan.create();
  const schema = inferSchema([{key: 1, value: 0.5, time: 0.5}]);
  const make = '({key: $row & 1023, value: $row + 0.5, time: $row * 0.5})';
  const options = {segmentSizeBytes: SEGMENT_SIZE_BYTES, schema, timestamps: false};

  return {
    operations: {full: 4_000_000, smoke: 5_000},
    run(operations) {
      const writer = new BatchWriter(arena, {...options, targetCount: 1, schemaVersion: 1});
      const append = writer.appendText({
        value: '$value',
        target: '0',
        timestamp: 'NaN',
        result: '$result',
        prefix: 'out_',
        isShapeProven,
      });
      const body = `return function loop($from, $to) {
let $result = 0;
${append.prologue}
for (let $row = $from; $row < $to; $row += 1) {
const $value = ${make};
${append.statements}
if ($result !== ${APPENDED}) return $row + 1;
}
return $to;
};`;
      const loop = compileFactory<(from: number, to: number) => number>(
        'bench/literal',
        Object.keys(append.bindings),
        body,
      )(...Object.values(append.bindings));
      let answer = 0;
      const startMs = systemClock.monotonicNow();
      for (let row = 0; row < operations;) {
        writer.open(0, segment);
        row = loop(row, operations);
        answer += writer.close(0).rowCount;
      }
      return {ms: systemClock.monotonicNow() - startMs, answer};
    },
    answer: operations => operations,
  };
}

const KINDS: readonly Kind[] = ['numbers', 'dictionary', 'distinct', 'nested', 'lists', 'any'];

/** JSON knows neither Map nor Date. */
const carries = (codec: string, kind: Kind): boolean => codec !== 'JSON' || kind !== 'any';

export const bench: MicroBench = {
  unit: 'record',
  cases: {
    ...Object.fromEntries(
      KINDS.flatMap(kind =>
        Object.keys(CODECS)
          .filter(codec => carries(codec, kind))
          .flatMap(codec =>
            (codec === 'structuredClone'
              ? (['encode'] as const)
              : (['encode', 'decode'] as const)
            ).map(half => [`${kind}, ${codec}, ${half}`, codecCase(kind, codec, half)]),
          ),
      ),
    ),
    'literal, fields counted': literalCase(false),
    'literal, shape proven': literalCase(true),
  },
};
