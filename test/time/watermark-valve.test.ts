/** The valve over the channels of an input: what it lets through, by hand and against a slow model. */
import assert from 'node:assert/strict';
import test from 'ava';
import fc from 'fast-check';
import {InvariantError} from '../../src/base/assert.ts';
import {StatusWatermarkValve} from '../../src/time/watermark-valve.ts';
import {RecordingOutput} from '../support/recording-output.ts';

function valveOf(channels: number) {
  const output = new RecordingOutput();
  return {output, valve: new StatusWatermarkValve(channels, output)};
}

test('the output is the smallest watermark over all channels', t => {
  const {valve, output} = valveOf(3);

  valve.inputWatermark(5, 0);
  valve.inputWatermark(7, 1);
  t.deepEqual(output.take(), []);
  valve.inputWatermark(6, 2);
  t.deepEqual(output.take(), [5]);
  valve.inputWatermark(9, 0);
  t.deepEqual(output.take(), [6]);
  t.is(valve.watermark, 6);
});

test('a watermark that is not larger than the last one of its channel is ignored', t => {
  const {valve, output} = valveOf(1);

  for (const watermark of [5, 5, 3, 6]) valve.inputWatermark(watermark, 0);

  t.deepEqual(output.take(), [5, 6]);
});

test('an idle channel holds nobody back, and its watermarks are ignored', t => {
  const {valve, output} = valveOf(2);
  valve.inputWatermark(5, 0);
  valve.inputStatus(true, 1);
  t.deepEqual(output.take(), [5]);

  valve.inputWatermark(8, 0);
  t.deepEqual(output.take(), [8]);
  valve.inputWatermark(100, 1);
  valve.inputStatus(false, 1);
  valve.inputWatermark(9, 0);
  // The channel is behind the output: it does not count, and what it said while idle was not heard.
  t.deepEqual(output.take(), [9]);
  t.is(valve.channelWatermark(1), -Infinity);
});

test('a channel that becomes idle lets the others go on if it held them back', t => {
  const {valve, output} = valveOf(3);
  for (const [channel, watermark] of [3, 8, 9].entries()) valve.inputWatermark(watermark, channel);
  t.deepEqual(output.take(), [3]);

  valve.inputStatus(true, 0);

  t.deepEqual(output.take(), [8]);
});

test('a channel that comes back behind the output counts when it has caught up', t => {
  const {valve, output} = valveOf(2);
  valve.inputWatermark(4, 1);
  valve.inputStatus(true, 1);
  valve.inputWatermark(10, 0);
  t.deepEqual(output.take(), [10]);

  valve.inputStatus(false, 1);
  t.false(valve.isChannelAligned(1));
  valve.inputWatermark(7, 1);
  valve.inputWatermark(12, 0);
  t.deepEqual(output.take(), [12]);
  valve.inputWatermark(12, 1);
  t.true(valve.isChannelAligned(1));
  valve.inputWatermark(20, 0);
  t.deepEqual(output.take(), []);
  valve.inputWatermark(15, 1);
  t.deepEqual(output.take(), [15]);
});

test('when the last channel becomes idle the largest watermark goes out before the status', t => {
  const {valve, output} = valveOf(2);
  valve.inputWatermark(5, 0);
  valve.inputWatermark(3, 1);
  t.deepEqual(output.take(), [3]);

  valve.inputStatus(true, 0);
  valve.inputStatus(true, 1);

  t.deepEqual(output.take(), [5, 'idle']);
});

test('only changes of status are told', t => {
  const {valve, output} = valveOf(1);

  for (const isIdle of [false, true, true, false, false]) valve.inputStatus(isIdle, 0);

  t.deepEqual(output.take(), ['idle', 'active']);
});

test('the end of all channels is the end of the input', t => {
  const {valve, output} = valveOf(2);

  valve.inputWatermark(Infinity, 0);
  valve.inputWatermark(3, 1);
  valve.inputWatermark(Infinity, 1);

  t.deepEqual(output.take(), [3, Infinity]);
});

test('a channel that the valve does not have is a bug of the caller', t => {
  const {valve} = valveOf(2);

  t.throws(() => valve.inputWatermark(1, 2), {instanceOf: InvariantError});
  t.throws(() => valve.inputStatus(true, -1), {instanceOf: InvariantError});
});

const step = fc.oneof(
  fc.record({channel: fc.nat(2), watermark: fc.integer({min: 0, max: 30})}),
  fc.record({channel: fc.nat(2), isIdle: fc.boolean()}),
);

test('the output never goes back, says nothing while idle, and never passes an aligned channel', t => {
  fc.assert(
    fc.property(fc.array(step, {maxLength: 60}), steps => {
      const {valve, output} = valveOf(3);
      let last = -Infinity;
      let isIdle = false;
      for (const each of steps) {
        if ('watermark' in each) valve.inputWatermark(each.watermark, each.channel);
        else valve.inputStatus(each.isIdle, each.channel);
        for (const out of output.take()) {
          if (typeof out === 'number') {
            assert.ok(out > last && !isIdle);
            last = out;
          } else {
            assert.equal(out === 'idle', !isIdle);
            isIdle = out === 'idle';
          }
        }
        const channels = [0, 1, 2];
        assert.equal(
          channels.every(channel => valve.isChannelIdle(channel)),
          isIdle,
        );
        for (const channel of channels) {
          if (valve.isChannelAligned(channel)) assert.ok(valve.channelWatermark(channel) >= last);
        }
      }
    }),
    {seed: 7, numRuns: 500},
  );
  t.pass();
});
