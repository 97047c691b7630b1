/** Printing: what lines look like, what a slow reader and a reader that has gone do; also for real. */
import {spawnSync} from 'node:child_process';
import {join} from 'node:path';
import test from 'ava';
import {PRINT_TO_HOST, printSink, type PrintTarget} from '../../src/connectors/print-sink.ts';
import {ConnectorContext} from '../support/connector-context.ts';
import {declare} from '../support/declare.ts';
import {systemError} from '../support/memory-files.ts';
import {SinkDriver, sinkContract} from '../support/sink-contract.ts';
import {temporaryDirectory} from '../support/temporary-directory.ts';

/** Stands in for a pipe: takes some bytes, or none, or has nobody at the other end. */
class FakePipe implements PrintTarget {
  text = '';
  sizes: number[] = [];
  /** How many bytes the next write takes; 0 says that the pipe is full. */
  room: () => number = () => Infinity;
  closed = 0;
  error: string | undefined;

  write(source: Uint8Array, offset: number, sizeBytes: number): number {
    if (this.error !== undefined) throw systemError(this.error);
    const size = Math.min(sizeBytes, this.room());
    if (size === 0) throw systemError('EAGAIN');
    this.sizes.push(size);
    this.text += Buffer.from(source.subarray(offset, offset + size)).toString('latin1');
    return size;
  }

  close(): void {
    this.closed += 1;
  }

  get lines(): string[] {
    return Buffer.from(this.text, 'latin1').toString('utf8').split('\n').slice(0, -1);
  }
}

const LONG = 'x'.repeat(20_000);
const VALUES = ['a', {word: '€', count: 1}, 5n, {at: new Date(0), x: NaN}, LONG, ''];
const LINES = [
  'a',
  '{"word":"€","count":1}',
  '5',
  '{"at":1970-01-01T00:00:00.000Z,"x":NaN}',
  LONG,
  '',
];

sinkContract(declare, 'printing', {
  create: () => {
    const pipe = new FakePipe();
    const received = () => pipe.lines.map(line => line.replace(/^\d> /, ''));
    return {sink: printSink(() => pipe), received};
  },
  values: VALUES,
  expected: () => LINES,
});
sinkContract(declare, 'printing to a slow reader', {
  create: () => {
    const pipe = new FakePipe();
    let attempt = 0;
    pipe.room = () => ((attempt += 1) % 3 === 0 ? 4096 : 0);
    const received = () => pipe.lines.map(line => line.replace(/^\d> /, ''));
    return {sink: printSink(() => pipe), received};
  },
  // A longer line than a pipe takes at once may be torn by other subtasks.
  values: VALUES.filter(value => value !== LONG),
  expected: () => LINES.filter(value => value !== LONG),
});

test('a pipe that takes a part of a line is given the rest', t => {
  const pipe = new FakePipe();
  let attempt = 0;
  pipe.room = () => ((attempt += 1) % 3 === 0 ? 7 : 0);
  const driver = new SinkDriver(printSink(() => pipe));

  for (const value of VALUES) driver.write(value);
  driver.finish();

  t.deepEqual(pipe.lines, LINES);
});

test('a target that has enough for now is left alone for a while', t => {
  const pipe = Object.assign(new FakePipe(), {isFull: (): boolean => true});
  const {writer} = new SinkDriver(printSink(() => pipe));

  t.false(writer.isWritable!());
  t.is(writer.writableAtMs, 2);
  pipe.isFull = () => false;
  t.true(writer.isWritable!());
});

test('with several subtasks a line begins with the number of its own, from 1', t => {
  const pipe = new FakePipe();
  const driver = new SinkDriver(
    printSink(() => pipe),
    new ConnectorContext({subtaskIndex: 2, parallelism: 4}),
  );

  driver.write('a');
  driver.write({b: 1});
  driver.finish();

  t.is(pipe.text, '3> a\n3> {"b":1}\n');
});

test('lines are written together, when there are enough, when time has passed, when it is idle', t => {
  const pipe = new FakePipe();
  const driver = new SinkDriver(printSink(() => pipe));

  driver.write('a');
  driver.write('b');
  t.is(pipe.text, '');
  driver.writer.flush?.(false);
  t.is(pipe.text, 'a\nb\n');

  driver.write('c');
  driver.context.clock.advance(100);
  t.is(pipe.text, 'a\nb\n');
  driver.write('d');
  t.is(pipe.text, 'a\nb\nc\nd\n');

  driver.write('e');
  t.is(pipe.lines.length, 4);
  driver.write('f'.repeat(16_384));
  t.is(pipe.lines.length, 6);
});

test('writes are whole lines of at most 4096 bytes, which pipes never tear', t => {
  const pipe = new FakePipe();
  const driver = new SinkDriver(printSink(() => pipe));

  for (let line = 0; line < 1000; line += 1) driver.write(`${line} ${'€'.repeat(line % 50)}`);
  driver.finish();

  t.true(Math.max(...pipe.sizes) <= 4096);
  t.true(pipe.sizes.length < 60);
  let offset = 0;
  for (const size of pipe.sizes) {
    offset += size;
    t.is(pipe.text[offset - 1], '\n');
  }
});

test('a full pipe makes the sink refuse records, and says when to look again', t => {
  const pipe = new FakePipe();
  pipe.room = () => 0;
  const context = new ConnectorContext();
  context.clock.set(5000);
  const {writer} = new SinkDriver(
    printSink(() => pipe),
    context,
  );
  t.true(writer.isWritable!());

  writer.write('x'.repeat(20_000), NaN);

  t.false(writer.isWritable!());
  t.is(writer.writableAtMs, 5002);
  pipe.room = () => 19_000;
  t.true(writer.isWritable!());
  t.is(writer.writableAtMs, Infinity);
  t.is(pipe.text.length, 20_001);
});

test('the end waits until everything is written', t => {
  const pipe = new FakePipe();
  pipe.room = () => 0;
  const {writer} = new SinkDriver(printSink(() => pipe));
  writer.write('a', NaN);
  writer.flush!(true);

  t.false(writer.isFlushed!());
  pipe.room = () => Infinity;
  t.true(writer.isFlushed!());
  t.is(pipe.text, 'a\n');
});

test('after a failure `close` still prints what was gathered, but does not wait for ever', t => {
  const pipe = new FakePipe();
  const {writer} = new SinkDriver(printSink(() => pipe));
  writer.write('a', NaN);
  writer.close!();
  writer.close!();
  t.is(pipe.text, 'a\n');
  t.is(pipe.closed, 1);

  const slow = new FakePipe();
  let attempts = 0;
  slow.room = () => ((attempts += 1) < 3 ? 0 : 100);
  const second = new SinkDriver(printSink(() => slow)).writer;
  second.write('a', NaN);
  second.close!();
  t.is(slow.text, 'a\n');

  const stuck = new FakePipe();
  stuck.room = () => 0;
  const other = new SinkDriver(printSink(() => stuck)).writer;
  other.write('a', NaN);
  other.close!();
  t.is(stuck.text, '');
  t.is(stuck.closed, 1);
});

test('a reader that has gone is not an error: lines are dropped and counted', t => {
  const pipe = new FakePipe();
  const driver = new SinkDriver(printSink(() => pipe));
  driver.write('a');
  driver.writer.flush?.(false);
  driver.write('b');
  driver.write('c');
  pipe.error = 'EPIPE';
  driver.writer.flush?.(false);

  pipe.error = undefined;
  driver.write('d');
  driver.finish();

  t.is(pipe.text, 'a\n');
  t.is(driver.context.counted('linesDropped'), 3);
});

test('an output that fails is named', t => {
  const pipe = new FakePipe();
  const driver = new SinkDriver(printSink(() => pipe));
  driver.write('a');
  pipe.error = 'ENOSPC';

  t.throws(() => driver.writer.flush?.(true), {
    code: 'E_SINK_PRINT',
    message: /does not take what is printed: reason=ENOSPC; check where/,
  });
});

/** A program whose worker thread prints `count` lines and ends at once, if not told otherwise. */
function program(count: number, end = 'process.exit();'): string[] {
  const path = (name: string) => JSON.stringify(new URL(`../../${name}`, import.meta.url).href);
  const worker = `
    import {writeSync} from 'node:fs';
    import {printSink} from ${path('src/connectors/print-sink.ts')};
    import {ConnectorContext} from ${path('test/support/connector-context.ts')};
    import {SinkDriver} from ${path('test/support/sink-contract.ts')};
    const driver = new SinkDriver(printSink());
    const pause = new Int32Array(new SharedArrayBuffer(4));
    const {writer} = driver;
    let isRefused = false;
    for (let line = 0; line < ${count}; line += 1) {
      while (!writer.isWritable()) {
        isRefused = true;
        Atomics.wait(pause, 0, 0, 1);
      }
      writer.write(String(line), NaN);
    }
    writer.flush(true);
    while (!writer.isFlushed()) Atomics.wait(pause, 0, 0, 1);
    if (isRefused) writeSync(2, 'was refused');
    ${end}`;
  const url = `data:text/javascript,${encodeURIComponent(worker)}`;
  return [
    '--input-type=module',
    '-e',
    `import {Worker} from 'node:worker_threads';
    const worker = new Worker(new URL(${JSON.stringify(url)}));
    worker.on('error', error => { console.error(error); process.exitCode = 1; });
    // The host has no time to print for anybody.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);`,
  ];
}

const LINES_REAL = 50_000;
const expectedText = Array.from({length: LINES_REAL}, (_, line) => `${line}\n`).join('');

test('a worker that ends at once loses no line, into a socket', t => {
  const {stdout, stderr} = spawnSync(process.execPath, program(LINES_REAL), {
    encoding: 'utf8',
    maxBuffer: 1 << 24,
  });

  t.regex(stderr, /^(was refused)?$/);
  t.is(stdout.length, expectedText.length);
  t.true(stdout === expectedText);
});

/** Runs the program through a shell, whose pipes are real pipes. */
function shell(command: string) {
  const script = `"$NODE" "$@" ${command}`;
  return spawnSync('sh', ['-c', script, 'sh', ...program(LINES_REAL)], {
    encoding: 'utf8',
    env: {...process.env, NODE: process.execPath},
    maxBuffer: 1 << 24,
  });
}

test('a worker that ends at once loses no line, into a slow pipe', t => {
  const {stdout, stderr} = shell('| (sleep 1; cat)');

  // It was told to wait, instead of being blocked.
  t.is(stderr, 'was refused');
  t.true(stdout === expectedText);
});

test('a pipe that `head` closes is not an error', t => {
  const {stdout, stderr} = shell('| head -n 3');

  t.regex(stderr, /^(was refused)?$/);
  t.is(stdout, '0\n1\n2\n');
});

test('a worker prints through the host where that is asked for', t => {
  const {stdout, stderr} = spawnSync(process.execPath, program(1000, ''), {
    encoding: 'utf8',
    env: {...process.env, [PRINT_TO_HOST]: '1'},
  });

  t.is(stderr, '');
  t.is(stdout, expectedText.slice(0, expectedText.indexOf('1000\n')));
});

test('a worker appends to a file behind what is there', t => {
  const file = join(temporaryDirectory(t), 'out');
  const {stdout, stderr} = shell(`>> '${file}'; (echo before; cat '${file}')`);

  t.regex(stderr, /^(was refused)?$/);
  t.true(stdout === `before\n${expectedText}`);
});
