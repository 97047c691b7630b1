/**
 * Shows backpressure: a sink that is slower than its source slows the source down to its own rate.
 *
 *   millrace run examples/backpressure.ts
 *   millrace run examples/backpressure.ts -- --source-rate 500000 --sink-rate 2000 --seconds 60
 *
 * What there is to see in the progress display:
 *
 * - The source is meant to emit 200 000 records per second. It emits 20 000: as many as the sink takes.
 * - The sink is busy all the time. Source and map are backpressured most of it (▓): they have no credit for
 *   another batch, do nothing, and use no CPU. Go down the list: the first task that is not backpressured
 *   is the bottleneck.
 * - The queues are full and stay full, and so memory stays as it is. Nothing is dropped to get there:
 *   the records in and out of all operators agree at the end.
 * - With --sink-rate 400000 all of this is gone: now the source is the slowest, and the others idle.
 */
import {parseArgs} from 'node:util';
import {job, type Sink} from '../src/index.ts'; // in a project of your own: from 'millrace'

export default job((env, args) => {
  const {values} = parseArgs({
    args: [...args],
    options: {
      'source-rate': {type: 'string', default: '200000'},
      'sink-rate': {type: 'string', default: '20000'},
      seconds: {type: 'string', default: '30'},
    },
  });
  const sourceRate = Number(values['source-rate']);
  const sinkRate = Number(values['sink-rate']);
  const count = Math.round(Math.min(sourceRate, sinkRate) * Number(values.seconds));

  // Three tasks instead of one chain, so that backpressure has a way to go.
  env
    .generate(index => ({index, reading: Math.sin(index / 1000)}), {
      count,
      ratePerSecond: sourceRate,
      name: 'Sensor',
    })
    .map(({index, reading}) => ({index, celsius: 20 + 5 * reading}))
    .name('To degrees')
    .startNewChain()
    .sinkTo(slowSink(sinkRate))
    .startNewChain();
});

/** Takes `ratePerSecond` records per second in all, like a device that answers only so fast. */
function slowSink(ratePerSecond: number): Sink<unknown> {
  return {
    name: 'Slow device',
    createWriter({clock, parallelism}) {
      const msPerRecord = (1000 * parallelism) / ratePerSecond;
      let readyAtMs = clock.monotonicNow();
      return {
        write() {
          const nowMs = clock.monotonicNow();
          readyAtMs = Math.max(readyAtMs, nowMs - 1) + msPerRecord;
          // Waits for the device, as a call that blocks would. Timers are exact to a millisecond or so.
          if (readyAtMs - nowMs > 1) Atomics.wait(NEVER_CHANGES, 0, 0, readyAtMs - nowMs);
        },
      };
    },
  };
}

const NEVER_CHANGES = new Int32Array(new SharedArrayBuffer(4));
