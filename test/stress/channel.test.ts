/**
 * Whole exchanges between real threads, all to all, with tiny segments and few credits. Forbidden
 * outcomes: a record *lost*, seen *twice*, *out of order* or *torn*, one that overtook an event; a
 * thread that is *stuck*, because it sleeps and nobody rings; a segment that is not free at the end.
 * Set STRESS=20 or so to run that many times longer.
 */
import {Worker} from 'node:worker_threads';
import test, {type ExecutionContext} from 'ava';
import {ArenaPlan} from '../../src/memory/arena.ts';
import {Doorbell, planDoorbells} from '../../src/memory/doorbell.ts';
import {planSegmentPool, SegmentPool} from '../../src/memory/segment-pool.ts';
import {planChannel, resetChannel} from '../../src/network/channel.ts';
import {
  CHECK_WORDS,
  COMPLETE,
  ownerOfThread,
  PROGRESS,
  START,
  STOP,
  type ChannelThreadInput,
  type ChannelThreadResult,
  type ExchangeLayout,
} from '../support/channel-threads.ts';

const FACTOR = Number(process.env['STRESS'] ?? 1);

interface Setting {
  readonly threads: number;
  readonly segmentSizeBytes: number;
  readonly exclusiveCredits: number;
  readonly floatingCredits: number;
  readonly cacheMax: number;
  readonly debug: boolean;
  /** Records per thread, for each exchange; the second is among the first two threads only. */
  readonly records: readonly number[];
}

function setUp(setting: Setting) {
  const {threads, segmentSizeBytes, exclusiveCredits, floatingCredits, cacheMax} = setting;
  const plan = new ArenaPlan();
  let budget = threads * cacheMax;
  const exchanges = setting.records.map((records, index): ExchangeLayout => {
    const size = index === 0 ? threads : 2;
    budget += size * size * (1 + exclusiveCredits) + size * floatingCredits;
    const range = Array.from({length: size}, (_, n) => n);
    return {
      records,
      floatingCredits,
      channels: range.map(from =>
        range.map(to =>
          planChannel(
            plan,
            `exchange ${index}, ${from} to ${to}`,
            exclusiveCredits,
            exclusiveCredits + floatingCredits,
          ),
        ),
      ),
    };
  });
  const layout = planSegmentPool(plan, budget, segmentSizeBytes);
  const bells = planDoorbells(plan, threads);
  const check = plan.reserve('check', CHECK_WORDS * 4);
  const arena = plan.create();
  const pool = new SegmentPool(arena, layout, {debug: setting.debug});
  pool.format();
  const base = check.offsetBytes >> 2;
  const startThread = (
    thread: number,
    options: Pick<ChannelThreadInput, 'seed' | 'largeEvery' | 'isDrowsy'> & {
      exchanges?: readonly ExchangeLayout[];
    },
  ) => {
    const workerData: ChannelThreadInput = {
      buffer: arena.buffer,
      check,
      thread,
      pool: layout,
      bells,
      cacheMax,
      exchanges: exchanges.filter(({channels}) => thread < channels.length),
      ...options,
    };
    const worker = new Worker(new URL('../support/channel-worker.ts', import.meta.url), {
      workerData,
    });
    const result = new Promise<ChannelThreadResult>((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
      worker.once('exit', code => reject(new Error(`thread ${thread} ended: ${code}`)));
    });
    result.catch(() => {}); // who terminates a thread on purpose does not look at its answer
    return {worker, result};
  };
  return {
    arena,
    pool,
    exchanges,
    startThread,
    word: (index: number) => base + index,
    go() {
      Atomics.store(arena.words, base + START, 1);
      Atomics.notify(arena.words, base + START);
    },
    /** Tells all threads to end. */
    stop() {
      Atomics.store(arena.words, base + STOP, 1);
      for (let index = 0; index < threads; index += 1) new Doorbell(arena, bells, index).wake();
    },
    clear() {
      for (let index = 0; index < CHECK_WORDS; index += 1) arena.words[base + index] = 0;
    },
  };
}

function checkComplete(t: ExecutionContext, results: ChannelThreadResult[], exchange = 0): void {
  t.deepEqual(
    results.flatMap(result => result.violations),
    [],
  );
  t.true(results.every(result => result.isComplete[exchange]));
  const sum = (numbers: number[]) => numbers.reduce((a, b) => a + b, 0);
  t.is(
    sum(results.map(result => result.received[exchange])),
    sum(results.map(result => result.sent[exchange])),
  );
}

for (const {name, threads, exclusiveCredits, floatingCredits, segmentSizeBytes, debug, records} of [
  {
    name: 'two threads, one credit, no loan',
    threads: 2,
    exclusiveCredits: 1,
    floatingCredits: 0,
    segmentSizeBytes: 256,
    debug: true,
    records: 20_000,
  },
  {
    name: 'three threads, one credit and loans',
    threads: 3,
    exclusiveCredits: 1,
    floatingCredits: 2,
    segmentSizeBytes: 256,
    debug: false,
    records: 25_000,
  },
  {
    name: 'three threads, two credits, in debug mode',
    threads: 3,
    exclusiveCredits: 2,
    floatingCredits: 3,
    segmentSizeBytes: 512,
    debug: true,
    records: 20_000,
  },
]) {
  for (const seed of [1, 2]) {
    test.serial(`records arrive once, in order and whole: ${name}, seed ${seed}`, async t => {
      const {pool, startThread, go} = setUp({
        threads,
        exclusiveCredits,
        floatingCredits,
        segmentSizeBytes,
        cacheMax: seed,
        debug,
        records: [records * FACTOR],
      });
      const started = Array.from({length: threads}, (_, thread) =>
        startThread(thread, {
          seed: seed * 100 + thread,
          largeEvery: 150,
          isDrowsy: thread === 0,
        }),
      );
      go();

      const results = await Promise.all(started.map(({result}) => result));

      checkComplete(t, results);
      t.deepEqual(
        results.map(result => result.sent[0]),
        results.map(() => records * FACTOR),
      );
      t.is(pool.freeCount(), pool.segmentCount);
      t.true(
        results.some(result => result.parks > 10),
        `hardly anyone ever slept: ${results.map(result => result.parks).join()}`,
      );
    });
  }
}

test.serial(
  'a thread killed at any moment disturbs nobody else, and all can start anew',
  async t => {
    const scene = setUp({
      threads: 3,
      exclusiveCredits: 1,
      floatingCredits: 1,
      segmentSizeBytes: 256,
      cacheMax: 2,
      debug: true,
      // The first exchange comes to a stop with its third thread; the second has to go on.
      records: [2 ** 30, 5_000],
    });
    const {arena, pool, exchanges, startThread, word} = scene;
    for (let round = 0; round < 4 * FACTOR; round += 1) {
      const options = {largeEvery: 100, isDrowsy: false};
      const survivors = [0, 1].map(thread =>
        startThread(thread, {...options, seed: round * 10 + thread}),
      );
      const victim = startThread(2, {...options, seed: round * 10 + 2});
      scene.go();
      // Some hundred records later, wherever that is in its code.
      const progress = word(PROGRESS + 2);
      for (let n = 0; n < 50 + 400 * round; n = Atomics.load(arena.words, progress)) {
        if (Atomics.wait(arena.words, progress, n, 20_000) === 'timed-out') t.fail('no progress');
      }
      await victim.worker.terminate();

      // The others finish the exchange that the dead thread has no part in.
      for (const thread of [0, 1]) {
        if (Atomics.wait(arena.words, word(COMPLETE + thread), 0, 20_000) === 'timed-out') {
          t.fail(`thread ${thread} does not come to its end`);
        }
      }
      scene.stop();
      const results = await Promise.all(survivors.map(({result}) => result));
      checkComplete(t, results, 1);
      t.true(results.every(result => !result.isComplete[0]));

      // What a restart does: the living have given everything back, the dead one's is reclaimed, and so
      // is what was on its way from it to them.
      for (const thread of [2, 0, 1]) pool.reclaim(ownerOfThread(thread));
      t.is(pool.freeCount(), pool.segmentCount);
      for (const {channels} of exchanges) {
        for (const layout of channels.flat()) resetChannel(arena, layout);
      }
      scene.clear();
    }

    // A new generation on the same arena.
    const last = [0, 1, 2].map(thread =>
      startThread(thread, {
        seed: thread,
        largeEvery: 100,
        isDrowsy: false,
        exchanges: exchanges.slice(0, 1).map(each => ({...each, records: 5_000})),
      }),
    );
    scene.go();
    const results = await Promise.all(last.map(({result}) => result));
    checkComplete(t, results);
    t.is(pool.freeCount(), pool.segmentCount);
  },
);
