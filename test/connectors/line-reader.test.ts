/** Lines of splits, byte by byte. The oracle decodes and splits the whole file at once. */
import assert from 'node:assert/strict';
import {isStringOneByteRepresentation} from 'node:v8';
import fc from 'fast-check';
import test from 'ava';
import type {FileSplit} from '../../src/connectors/file-split.ts';
import {LineReader, type LineReaderOptions} from '../../src/connectors/line-reader.ts';
import {ConnectorContext} from '../support/connector-context.ts';
import {MemoryFiles} from '../support/memory-files.ts';

const PATH = 'file.txt';

interface Read {
  readonly lines: string[];
  readonly invalid: number;
}

/** What the Encoding Standard and the definition of a line say about a whole file. */
function oracle(content: Buffer): Read {
  const text = new TextDecoder().decode(content);
  const lines = text.split('\n');
  const last = lines.pop()!;
  const ended = lines.map(line => (line.endsWith('\r') ? line.slice(0, -1) : line));
  if (last !== '') ended.push(last);
  return {lines: ended, invalid: replacements(content)};
}

/** How many U+FFFD a decoder adds: it would refuse to, sequence by sequence. */
function replacements(content: Buffer): number {
  let count = 0;
  const decoder = new TextDecoder('utf-8', {fatal: true, ignoreBOM: true});
  const isValid = (bytes: Buffer) => {
    try {
      decoder.decode(bytes);
      return true;
    } catch {
      return false;
    }
  };
  for (let at = 0; at < content.length;) {
    const size = [1, 2, 3, 4].find(
      n => at + n <= content.length && isValid(content.subarray(at, at + n)),
    );
    if (size !== undefined) {
      at += size;
      continue;
    }
    count += 1;
    // The longest begin of some valid sequence is replaced as one.
    let length = 1;
    while (length < 3 && at + length < content.length) {
      const begin = content.subarray(at, at + length + 1);
      if (![0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf].some(next => completes(begin, next, isValid)))
        break;
      length += 1;
    }
    at += length;
  }
  return count;
}

function completes(begin: Buffer, next: number, isValid: (bytes: Buffer) => boolean): boolean {
  return (
    isValid(Buffer.from([...begin, next])) ||
    isValid(Buffer.from([...begin, next, 0x80])) ||
    isValid(Buffer.from([...begin, next, 0xbf]))
  );
}

function split(content: Buffer, start = 0, end = content.length): FileSplit {
  return {splitId: `${PATH}:${start}`, path: PATH, start, end, fileSizeBytes: content.length};
}

/** Cuts a file into splits of a size. */
function splitsOf(content: Buffer, sizeBytes: number): FileSplit[] {
  const splits: FileSplit[] = [];
  for (let start = 0; start < content.length; start += sizeBytes) {
    splits.push(split(content, start, Math.min(start + sizeBytes, content.length)));
  }
  return splits;
}

type Sizes = Pick<LineReaderOptions, 'bufferSizeBytes' | 'blockSizeBytes' | 'keepsCarriageReturns'>;

function createReader(files: MemoryFiles, sizes: Sizes = {}) {
  const context = new ConnectorContext();
  const invalidUtf8 = context.counter('invalidUtf8');
  return {reader: new LineReader({...sizes, fileSystem: files, invalidUtf8}), invalidUtf8};
}

function readSplit(reader: LineReader, each: FileSplit, countMax: number): string[] {
  const lines: string[] = [];
  const batch: unknown[] = [];
  reader.open(each);
  while (reader.isOpen) {
    const count = reader.read(batch, countMax);
    lines.push(...(batch.slice(0, count) as string[]));
  }
  return lines;
}

function readAll(
  content: Buffer,
  {
    splitSizeBytes = content.length,
    countMax = 1000,
    readSizeMax = Infinity,
    ...sizes
  }: Sizes & {
    splitSizeBytes?: number;
    countMax?: number;
    readSizeMax?: number;
  } = {},
): Read {
  const files = new MemoryFiles({[PATH]: content});
  files.readSizeMax = () => readSizeMax;
  const {reader, invalidUtf8} = createReader(files, sizes);
  const splits = splitsOf(content, Math.max(1, splitSizeBytes));
  const lines = splits.flatMap(each => readSplit(reader, each, countMax));
  reader.close();
  return {lines, invalid: invalidUtf8.value};
}

const bytes = (...values: Array<number | string>) =>
  Buffer.concat(
    values.map(value => (typeof value === 'string' ? Buffer.from(value) : Buffer.of(value))),
  );

for (const [name, content, lines] of [
  ['an empty file has no line', '', []],
  ['a line feed ends a line', 'a\nb\n', ['a', 'b']],
  ['the last line may lack its line feed', 'a\nb', ['a', 'b']],
  ['a line feed alone is an empty line', '\n', ['']],
  ['empty lines are lines', '\n\na\n\n', ['', '', 'a', '']],
  ['a carriage return before a line feed belongs to the line end', 'a\r\nb\r\n', ['a', 'b']],
  ['a carriage return alone is a character', 'a\rb\r\rc\n', ['a\rb\r\rc']],
  ['only one carriage return belongs to the line end', 'a\r\r\n\r\n', ['a\r', '']],
  ['a carriage return at the end of the file is a character', 'a\nb\r', ['a', 'b\r']],
  ['other line separators are characters', 'a\u2028b\u0085c\vd\fe\n', ['a\u2028b\u0085c\vd\fe']],
  ['a byte-order mark at the begin is dropped', '\ufeffa\n\ufeffb\n', ['a', '\ufeffb']],
  ['only one byte-order mark is dropped', '\ufeff\ufeffa', ['\ufeffa']],
  ['a byte-order mark alone is an empty file', '\ufeff', []],
  ['a byte-order mark may stand before an empty line', '\ufeff\n', ['']],
  ['characters of two, three and four bytes are one', 'aäé\n€\n😀𐍈\n', ['aäé', '€', '😀𐍈']],
  ['a NUL is a character', 'a\0b\n', ['a\0b']],
] as const) {
  test(`${name}`, t => {
    const content_ = Buffer.from(content);

    for (const splitSizeBytes of [1, 2, 3, 5, 100]) {
      for (const bufferSizeBytes of [1, 2, 4, 7, 1024]) {
        const read = readAll(content_, {splitSizeBytes, bufferSizeBytes, blockSizeBytes: 4});
        t.deepEqual(read, {lines: [...lines], invalid: 0});
      }
    }
    t.deepEqual(oracle(content_).lines, [...lines]);
  });
}

for (const [name, content, line, invalid] of [
  ['a continuation byte alone', bytes('a', 0x80, 'b'), 'a\ufffdb', 1],
  ['two continuation bytes', bytes(0x80, 0xbf), '\ufffd\ufffd', 2],
  ['a sequence that ends early counts once', bytes(0xe2, 0x82, 'x'), '\ufffdx', 1],
  ['a sequence cut by the end of the line', bytes(0xf0, 0x9f, 0x98, '\n', 'a'), '\ufffd\na', 1],
  ['a sequence cut by the end of the file', bytes('a', 0xf0, 0x9f, 0x98), 'a\ufffd', 1],
  ['a surrogate in three bytes', bytes(0xed, 0xa0, 0x80), '\ufffd\ufffd\ufffd', 3],
  ['an overlong form', bytes(0xc0, 0xaf), '\ufffd\ufffd', 2],
  ['a code point above the last', bytes(0xf4, 0x90, 0x80, 0x80), '\ufffd\ufffd\ufffd\ufffd', 4],
  ['bytes that are never UTF-8', bytes(0xff, 0xfe), '\ufffd\ufffd', 2],
  ['a genuine replacement character does not count', bytes('\ufffd'), '\ufffd', 0],
  [
    'genuine and replaced ones are told apart',
    bytes('\ufffd', 0xff, '\ufffd'),
    '\ufffd\ufffd\ufffd',
    1,
  ],
  ['a replaced one in front of a genuine one', bytes(0xef, 0xbf, '\ufffd'), '\ufffd\ufffd', 1],
  ['half of a byte-order mark', bytes(0xef, 0xbb), '\ufffd', 1],
] as const) {
  test(`invalid UTF-8 is replaced and counted: ${name}`, t => {
    for (const [splitSizeBytes, bufferSizeBytes] of [
      [1, 1],
      [2, 3],
      [100, 100],
    ]) {
      const read = readAll(content, {splitSizeBytes, bufferSizeBytes, blockSizeBytes: 4});
      t.deepEqual(read, {lines: line.split('\n'), invalid});
    }
    t.deepEqual(oracle(content), {lines: line.split('\n'), invalid});
  });
}

/** Bytes at which decoders and readers have their edges. */
const INTERESTING = [
  0x0a, 0x0a, 0x0d, 0x0d, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbb, 0xbd, 0xbf, 0xc0, 0xc2,
  0xdf, 0xe0, 0xe2, 0xed, 0xef, 0xf0, 0xf4, 0xff,
];
const pieces = fc.oneof(
  {weight: 4, arbitrary: fc.constantFrom(...INTERESTING).map(byte => Buffer.of(byte))},
  {
    weight: 3,
    arbitrary: fc
      .constantFrom('\n', '\r\n', 'word ', 'é', '€', '😀', '\ufffd', '\ufeff', '\0')
      .map(text => Buffer.from(text)),
  },
  {weight: 1, arbitrary: fc.string({unit: 'binary', maxLength: 6}).map(text => Buffer.from(text))},
);
const contents = fc.array(pieces, {maxLength: 60}).map(parts => Buffer.concat(parts));
const small = fc.integer({min: 1, max: 20});

test('any bytes, splits, buffers, blocks, reads and polls give what the oracle gives (seed 1)', t => {
  fc.assert(
    fc.property(
      contents,
      fc.record({
        splitSizeBytes: small,
        bufferSizeBytes: small,
        blockSizeBytes: small,
        readSizeMax: small,
        countMax: fc.integer({min: 1, max: 4}),
      }),
      (content, sizes) => {
        assert.deepEqual(readAll(content, sizes), oracle(content));
      },
    ),
    {seed: 1, numRuns: 3000},
  );
  t.pass();
});

test('the rest of a split, at any time, holds exactly the lines that are left (seed 2)', t => {
  fc.assert(
    fc.property(
      contents,
      small,
      small,
      fc.integer({min: 1, max: 3}),
      (content, splitSizeBytes, bufferSizeBytes, countMax) => {
        const files = new MemoryFiles({[PATH]: content});
        const sizes = {bufferSizeBytes, blockSizeBytes: 5};
        for (const each of splitsOf(content, splitSizeBytes)) {
          const {reader} = createReader(files, sizes);
          const wanted = readSplit(createReader(files, sizes).reader, each, 100);
          const lines: string[] = [];
          const batch: unknown[] = [];
          reader.open(each);
          for (;;) {
            const rest = reader.rest();
            if (rest !== undefined) assert.ok(rest.start < rest.end);
            const left =
              rest === undefined ? [] : readSplit(createReader(files, sizes).reader, rest, 100);
            assert.deepEqual([...lines, ...left], wanted);
            if (!reader.isOpen) break;
            const count = reader.read(batch, countMax);
            lines.push(...(batch.slice(0, count) as string[]));
          }
          assert.equal(reader.rest(), undefined);
        }
      },
    ),
    {seed: 2, numRuns: 300},
  );
  t.pass();
});

test('the position of a line is the place of its first byte (seed 3)', t => {
  fc.assert(
    fc.property(
      contents,
      small,
      fc.integer({min: 1, max: 5}),
      (content, bufferSizeBytes, countMax) => {
        const {reader} = createReader(new MemoryFiles({[PATH]: content}), {
          bufferSizeBytes,
          blockSizeBytes: 6,
        });
        const batch: unknown[] = [];
        const positions: number[] = [];
        if (content.length > 0) reader.open(split(content));
        while (reader.isOpen) {
          const count = reader.read(batch, countMax);
          // In any order: a position is computed when somebody asks.
          const found = Array.from({length: count}, (_, at) => reader.linePosition(count - 1 - at));
          positions.push(...found.reverse());
        }

        const hasMark = content.subarray(0, 3).equals(Buffer.from('\ufeff'));
        const wanted: number[] = [];
        for (let at = hasMark ? 3 : 0; at < content.length;) {
          wanted.push(at);
          const lineFeed = content.indexOf(10, at);
          if (lineFeed < 0) break;
          at = lineFeed + 1;
        }
        assert.deepEqual(positions, wanted);
      },
    ),
    {seed: 3, numRuns: 1000},
  );
  t.pass();
});

test('carriage returns are kept where that is asked for', t => {
  const content = Buffer.from('a\r\n\r\nb\r\r\nc');

  t.deepEqual(readAll(content, {keepsCarriageReturns: true}).lines, ['a\r', '\r', 'b\r\r', 'c']);
});

test('a block that is not ASCII is taken apart, and the ASCII in it is one byte per character', t => {
  const plain = `${'x'.repeat(99)}\n`.repeat(100);
  const content = Buffer.from(`${plain}${'é'.repeat(50)}€\n${plain}`);

  const {lines, invalid} = readAll(content);

  t.is(lines.length, 201);
  t.is(lines[100], `${'é'.repeat(50)}€`);
  t.deepEqual(
    [lines[0], lines[100], lines[200]].map(line => isStringOneByteRepresentation(line!)),
    [true, false, true],
  );
  t.is(invalid, 0);
  t.deepEqual(readAll(content), oracle(content));
});

test('what is appended after the file was listed is not read', t => {
  const files = new MemoryFiles({[PATH]: 'a\nb\nc'});
  const listed = split(files.files.get(PATH)!);
  files.files.set(PATH, Buffer.from('a\nb\ncd\ne\n'));
  const {reader} = createReader(files);

  t.deepEqual(readSplit(reader, listed, 10), ['a', 'b', 'c']);
});

test('a line that goes on behind its split ends where the file ended when it was listed', t => {
  const listed = splitsOf(Buffer.from('a\nbcdef'), 2);
  const files = new MemoryFiles({[PATH]: 'a\nbcdefgh\ni\n'});
  const {reader} = createReader(files);

  t.deepEqual(
    listed.map(each => readSplit(reader, each, 10)),
    [['a'], ['bcdef'], [], []],
  );
});

test('the bytes of the file before do not show through in a short file', t => {
  const files = new MemoryFiles({[PATH]: '\ufeffa\n', other: bytes(0xef, 0xbb)});
  const {reader, invalidUtf8} = createReader(files);

  t.deepEqual(readSplit(reader, split(files.files.get(PATH)!), 10), ['a']);
  const other = {...split(files.files.get('other')!), path: 'other'};
  t.deepEqual(readSplit(reader, other, 10), ['\ufffd']);
  t.is(invalidUtf8.value, 1);
});

test('splits read hardly more than their own bytes', t => {
  const content = Buffer.from(`${'x'.repeat(99)}\n`.repeat(10_000));
  const files = new MemoryFiles({[PATH]: content});
  let readBytes = 0;
  const read = files.readSync.bind(files);
  files.readSync = (...args) => {
    const count = read(...args);
    readBytes += count;
    return count;
  };
  const {reader} = createReader(files);

  for (const each of splitsOf(content, 100_050)) readSplit(reader, each, 1000);

  t.true(readBytes >= content.length);
  t.true(readBytes < content.length * 1.05);
});

test('a file stays open from split to split, and is closed with the reader', t => {
  const content = Buffer.from('a\nb\nc\nd\n');
  const files = new MemoryFiles({[PATH]: content});
  let opened = 0;
  files.onAccess = operation => {
    if (operation === 'open') opened += 1;
  };
  const {reader} = createReader(files);

  for (const each of splitsOf(content, 2)) readSplit(reader, each, 10);
  t.is(opened, 1);
  t.is(files.openCount, 1);

  reader.close();
  reader.close();
  t.is(files.openCount, 0);
});

test('a long line grows the buffer, and the buffer shrinks again behind it', t => {
  const content = Buffer.from(`${'ab'.repeat(5000)}\n${'c\n'.repeat(5000)}`);
  const files = new MemoryFiles({[PATH]: content});
  const sizes: number[] = [];
  const read = files.readSync.bind(files);
  files.readSync = (descriptor, target, offset, sizeBytes, position) => {
    sizes.push(target.length);
    return read(descriptor, target, offset, sizeBytes, position);
  };
  const {reader} = createReader(files, {bufferSizeBytes: 64, blockSizeBytes: 32});

  const lines = readSplit(reader, split(content), 100);

  t.is(lines[0], 'ab'.repeat(5000));
  t.is(lines.length, 5001);
  t.is(Math.max(...sizes), 16_384);
  t.is(sizes.at(-1), 64);
});

test('a poll reads one piece, however long the line is', t => {
  const content = Buffer.from(`${'a'.repeat(1000)}\n`);
  const files = new MemoryFiles({[PATH]: content});
  let reads = 0;
  files.onAccess = operation => {
    if (operation === 'read') reads += 1;
  };
  const {reader} = createReader(files, {bufferSizeBytes: 16});
  reader.open(split(content));
  const batch: unknown[] = [];

  for (let polls = 1; reader.isOpen; polls += 1) {
    const count = reader.read(batch, 10);
    t.true(reads <= polls);
    t.true(count <= 1);
  }

  t.true(reads > 5);
});

test('splits in the middle of a line of 3 MB have no lines', t => {
  const line = 'x'.repeat(3_000_000);
  const content = Buffer.from(`${line}\nend\n`);
  const files = new MemoryFiles({[PATH]: content});

  const found = splitsOf(content, 500_000).map(each =>
    readSplit(createReader(files).reader, each, 10).map(text => text.length),
  );

  t.deepEqual(found, [[3_000_000], [], [], [], [], [], [3]]);
});
