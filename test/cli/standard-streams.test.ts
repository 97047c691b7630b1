/** What stands for the standard streams while a job runs. */
import {EventEmitter} from 'node:events';
import test from 'ava';
import {JobOutput, writeDocument} from '../../src/cli/standard-streams.ts';

/** A stream whose reader may go away. */
class Pipe extends EventEmitter {
  text = '';
  isClosed = false;

  write(chunk: string | Buffer, callback: (error?: Error | null) => void): boolean {
    const error = this.isClosed ? Object.assign(new Error('write EPIPE'), {code: 'EPIPE'}) : null;
    if (error === null) this.text += chunk.toString();
    queueMicrotask(() => {
      if (error !== null) this.emit('error', error);
      callback(error);
    });
    return true;
  }
}

function outputTo(pipe: Pipe) {
  let gone = 0;
  const output = new JobOutput(pipe as unknown as NodeJS.WriteStream, () => {
    gone += 1;
  });
  return {output, gone: () => gone};
}

test('output is forwarded as it is, and can be waited for', async t => {
  const pipe = new Pipe();
  const {output} = outputTo(pipe);
  t.false(output.hasWritten);
  t.true(output.endsLine);

  output.write('eins\n');
  output.write('zw');
  await output.drained();

  t.is(pipe.text, 'eins\nzw');
  t.true(output.hasWritten);
  t.false(output.endsLine);
});

test('when the reader has gone that is said once, and writers do not wait for ever', async t => {
  const pipe = new Pipe();
  const {output, gone} = outputTo(pipe);
  pipe.isClosed = true;

  for (let index = 0; index < 1000; index += 1) output.write('x'.repeat(1000));
  await output.drained();

  t.is(gone(), 1);
  t.is(pipe.text, '');
  t.is(output.writableLength, 0);
});

test('an error other than a closed pipe is not swallowed', async t => {
  const pipe = new Pipe();
  const {output} = outputTo(pipe);
  const failed = new Promise(resolve => output.once('error', resolve));

  pipe.emit('error', Object.assign(new Error('no space left'), {code: 'ENOSPC'}));

  t.like(await failed, {code: 'ENOSPC'});
});

test('a display is asked before each piece of output, with whether it ends a line', async t => {
  const pipe = new Pipe();
  const {output} = outputTo(pipe);
  const turns: boolean[] = [];
  output.share({
    writeAbove(write, endsLine) {
      turns.push(endsLine);
      write();
    },
  });

  output.write('half');
  output.write(' a line\n');
  await output.drained();

  t.deepEqual(turns, [false, true]);
  t.is(pipe.text, 'half a line\n');
});

test('a document is written whole, or to nobody', async t => {
  const pipe = new Pipe();
  await writeDocument(pipe as unknown as NodeJS.WriteStream, 'text');
  t.is(pipe.text, 'text');

  pipe.isClosed = true;
  await writeDocument(pipe as unknown as NodeJS.WriteStream, 'more');
  t.is(pipe.text, 'text');
});
