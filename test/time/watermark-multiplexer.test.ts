/** Watermarks of several splits as one. */
import test from 'ava';
import {CombinedWatermark, PartialWatermark} from '../../src/time/combined-watermark.ts';
import {WatermarkOutputMultiplexer} from '../../src/time/watermark-multiplexer.ts';
import {RecordingOutput} from '../support/recording-output.ts';

function multiplexerOf(...ids: string[]) {
  const output = new RecordingOutput();
  const multiplexer = new WatermarkOutputMultiplexer(output);
  for (const id of ids) multiplexer.registerNewOutput(id);
  return {output, multiplexer};
}

test('an immediate output passes on what raises the minimum', t => {
  const {multiplexer, output} = multiplexerOf('a', 'b');
  const a = multiplexer.getImmediateOutput('a');
  const b = multiplexer.getImmediateOutput('b');

  a.emitWatermark(5);
  t.deepEqual(output.take(), []);
  b.emitWatermark(3);
  t.deepEqual(output.take(), [3]);
  b.emitWatermark(2);
  b.emitWatermark(9);
  t.deepEqual(output.take(), [5]);
});

test('a deferred output is looked at with the next periodic emit', t => {
  const {multiplexer, output} = multiplexerOf('a', 'b');
  multiplexer.getDeferredOutput('a').emitWatermark(5);
  multiplexer.getDeferredOutput('b').emitWatermark(4);
  t.deepEqual(output.take(), []);

  multiplexer.onPeriodicEmit();
  t.deepEqual(output.take(), [4]);
  multiplexer.onPeriodicEmit();
  t.deepEqual(output.take(), []);
});

test('both outputs of a split write the same watermark', t => {
  const {multiplexer, output} = multiplexerOf('a');

  multiplexer.getDeferredOutput('a').emitWatermark(8);
  multiplexer.getImmediateOutput('a').emitWatermark(6);
  t.deepEqual(output.take(), []);
  multiplexer.getImmediateOutput('a').emitWatermark(9);

  t.deepEqual(output.take(), [9]);
});

test('an idle split holds nobody back until its next watermark', t => {
  const {multiplexer, output} = multiplexerOf('a', 'b');
  const a = multiplexer.getImmediateOutput('a');
  const b = multiplexer.getImmediateOutput('b');
  a.emitWatermark(5);
  b.markIdle();
  t.deepEqual(output.take(), [5]);

  b.emitWatermark(2);
  a.emitWatermark(9);
  t.deepEqual(output.take(), []);
  b.emitWatermark(7);
  t.deepEqual(output.take(), [7]);
});

test('when all are idle the largest watermark goes out, then idleness; it makes no difference who was last', t => {
  for (const order of ['ab', 'ba']) {
    const {multiplexer, output} = multiplexerOf('a', 'b');
    multiplexer.getImmediateOutput('a').emitWatermark(5);
    multiplexer.getImmediateOutput('b').emitWatermark(4);
    output.take();

    for (const id of order) multiplexer.getImmediateOutput(id).markIdle();

    t.deepEqual(output.take(), [5, 'idle']);
    t.false(multiplexer.splits().some(({isIdle}) => !isIdle));
    multiplexer.getImmediateOutput('a').emitWatermark(6);
    t.deepEqual(output.take(), [6]);
  }
});

test('a split that has ended holds nobody back; a new one does not set the watermark back', t => {
  const {multiplexer, output} = multiplexerOf('a', 'b');
  multiplexer.getImmediateOutput('a').emitWatermark(5);

  t.true(multiplexer.unregisterOutput('b'));
  t.false(multiplexer.unregisterOutput('b'));
  t.deepEqual(output.take(), []);
  multiplexer.onPeriodicEmit();
  t.deepEqual(output.take(), [5]);

  multiplexer.registerNewOutput('c');
  multiplexer.getImmediateOutput('c').emitWatermark(3);
  t.deepEqual(output.take(), []);
});

test('without splits there is no watermark and no idleness', t => {
  const {multiplexer, output} = multiplexerOf();

  multiplexer.onPeriodicEmit();

  t.deepEqual(output.take(), []);
});

test('ids that are there already, or are not there, are refused', t => {
  const {multiplexer} = multiplexerOf('a');

  for (const action of [
    () => multiplexer.registerNewOutput('a'),
    () => multiplexer.getImmediateOutput('b'),
    () => multiplexer.getDeferredOutput('b'),
  ]) {
    t.throws(action, {code: 'E_WATERMARK_OUTPUT'});
  }
});

test('a combined watermark has no part that does not count, and never goes back', t => {
  const combined = new CombinedWatermark(2);
  const [a, b] = combined.parts as [PartialWatermark, PartialWatermark];

  t.true(a.advance(4));
  t.false(a.advance(4));
  t.false(combined.update());
  b.isIdle = true;
  t.true(combined.update());
  t.is(combined.watermark, 4);
  b.advance(1);
  t.false(b.isIdle);
  t.false(combined.update());
  t.is(combined.watermark, 4);
});
