/** Waiting for what threads have printed: with streams instead of threads. */
import {PassThrough, Writable} from 'node:stream';
import test from 'ava';
import {outputPassedOn} from '../../src/scheduler/drain-output.ts';

/** An output that takes a chunk only when `release` is called. */
class SlowOutput extends Writable {
  taken = '';
  #release: (() => void) | undefined;

  constructor() {
    super({highWaterMark: 1});
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.taken += chunk.toString();
    this.#release = done;
  }

  release(): void {
    const release = this.#release;
    this.#release = undefined;
    release?.();
  }
}

/** What a thread has printed before it ended, on its way into `output`. */
function printed(
  output: Writable,
  ...chunks: string[]
): {stdout: PassThrough; stderr: PassThrough} {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  stdout.pipe(output, {end: false});
  stderr.pipe(output, {end: false});
  for (const chunk of chunks) stdout.write(chunk);
  stdout.end();
  stderr.end();
  return {stdout, stderr};
}

const turn = () => new Promise<void>(resolve => setImmediate(resolve));

test('it resolves when the last chunk has been passed on, and not before', async t => {
  const output = new SlowOutput();
  const threads = [printed(output, 'a', 'b', 'c')];
  let isPassedOn = false;
  const passedOn = outputPassedOn(threads).then(() => {
    isPassedOn = true;
  });

  await turn();
  output.release();
  await turn();
  t.false(isPassedOn, output.taken);
  for (let turns = 0; turns < 100 && !isPassedOn; turns += 1) {
    output.release();
    await turn();
  }

  await passedOn;
  t.is(output.taken, 'abc');
});

test('it does not wait for an output that has been closed before', async t => {
  const output = new SlowOutput();
  const threads = [printed(output, 'a')];
  await turn();
  output.destroy();
  await turn();

  await outputPassedOn(threads);

  t.pass();
});

test('it gives up when its patience is at an end', async t => {
  const output = new SlowOutput();

  await outputPassedOn([printed(output, 'a', 'b')], 5);

  t.is(output.taken, 'a');
});

test('a thread that has printed nothing needs no wait', async t => {
  await outputPassedOn([printed(new SlowOutput())]);

  t.pass();
});
