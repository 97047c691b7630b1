/**
 * Whole jobs, drawn from seeds, in the simulator: whatever the order of steps, whoever stalls, everything
 * arrives once, nothing waits for ever, no wake-up is forgotten, and there are never more segments in
 * use than the budget has. The simulator throws for the last three.
 */
import test from 'ava';
import {Random} from '../../src/base/random.ts';
import {simulate, type SimulatedFault} from '../../src/testing/index.ts';
import {bag, buildRandomJob, drawJob, oracle} from '../support/random-job.ts';

const SEEDS = Number(process.env['MILLRACE_SEEDS'] ?? 400);
const PER_TEST = 50;

/** Small segments and few credits, so that everything is full all the time. */
function drawConfig(random: Random) {
  return {
    segmentSize: 1024 << random.below(3),
    exclusiveCredits: 1 + random.below(3),
    floatingCredits: random.below(5),
    bufferTimeoutMs: [0, 1, 100, -1][random.below(4)],
    debloat: random.below(3) === 0,
    codeGeneration: random.below(4) !== 0,
    debug: random.below(2) === 0,
  };
}

function drawStalls(random: Random, workers: number): SimulatedFault[] {
  return Array.from({length: random.below(4)}, () => ({
    kind: 'stall' as const,
    atStep: random.below(400),
    worker: random.below(workers),
    steps: random.below(200),
  }));
}

for (let first = 0; first < SEEDS; first += PER_TEST) {
  test(`random jobs give what the oracle gives, seeds ${first} to ${first + PER_TEST - 1}`, async t => {
    for (let seed = first; seed < first + PER_TEST; seed += 1) {
      const random = new Random(seed ^ 0x5eed);
      const drawn = drawJob(seed);
      const workers = 1 + random.below(3);
      const config = drawConfig(random);

      const result = await simulate(env => buildRandomJob(env, drawn), {
        seed,
        workers,
        parallelism: 2,
        config,
        faults: drawStalls(random, workers),
      });

      for (const [end, expected] of oracle(drawn)) {
        if (bag(result.collected[end] ?? []) !== bag(expected)) {
          t.fail(`seed ${seed}, end ${end}: ${JSON.stringify({config, workers, drawn}, null, 1)}`);
          return;
        }
      }
    }
    t.pass();
  });
}

test('a job that is stopped processes everything that its sources have given', async t => {
  for (let seed = 0; seed < 40; seed += 1) {
    const result = await simulate(
      env => {
        env
          .generate(i => ({k: i % 5, v: i}), {count: 1_000_000})
          .keyBy('k')
          .sum('v')
          .collect('out');
      },
      {
        seed,
        config: {segmentSize: '1KB', exclusiveCredits: 1, floatingCredits: 1},
        faults: [{kind: 'stop', atStep: 10 * seed}],
      },
    );

    const given = result.metrics.tasks
      .filter(task => task.name.startsWith('Source'))
      .reduce((sum, task) => sum + task.recordsOut, 0);
    t.is(result.status, 'FINISHED');
    t.is(result.collected['out']!.length, given, `seed ${seed}`);
    t.true(given < 1_000_000);
  }
});

for (const kind of ['cancel', 'fail'] as const) {
  test(`a job that meets the fault ${kind} at any step ends at once`, async t => {
    for (let seed = 0; seed < 40; seed += 1) {
      const drawn = drawJob(seed);
      const faults: SimulatedFault[] = [{kind, atStep: 7 * seed, task: 0} as SimulatedFault];

      const result = await simulate(env => buildRandomJob(env, drawn), {seed, faults});

      // A short job may have ended before the fault.
      if (result.steps < 7 * seed) continue;
      t.is(result.status, kind === 'cancel' ? 'CANCELED' : 'FAILED');
      t.is(result.steps, 7 * seed, `seed ${seed}`);
    }
  });
}
