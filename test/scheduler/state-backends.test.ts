/** The state of operators where the configuration says. */
import {mkdtempSync, readdirSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {ManualClock} from '../../src/base/clock.ts';
import {resolveConfig} from '../../src/graph/config.ts';
import type {StateBackendRequest} from '../../src/operators/state-backends.ts';
import {stateBackends} from '../../src/scheduler/state-backends.ts';
import {LmdbBackend} from '../../src/state/lmdb-backend.ts';
import {MemoryBackend} from '../../src/state/memory-backend.ts';
import {ValueStateDescriptor} from '../../src/state/state-descriptors.ts';

const directory = mkdtempSync(join(tmpdir(), 'millrace-state-test-'));
test.after.always('the directory is removed', () => {
  rmSync(directory, {recursive: true, force: true});
});

function request(counts: Record<string, number> = {}): StateBackendRequest<'keyed'> {
  return {
    context: {
      jobName: 'job',
      operatorName: 'operator',
      uid: 'uid',
      subtaskIndex: 1,
      parallelism: 4,
      maxParallelism: 128,
      attemptNumber: 0,
      clock: new ManualClock(),
      addToAccumulator() {},
      counter: name => ({
        get value() {
          return counts[name]!;
        },
        add: (amount: number) => {
          counts[name] = (counts[name] ?? 0) + amount;
        },
      }),
    },
    restored: undefined,
  } as StateBackendRequest<'keyed'>;
}

test('state is in memory unless the configuration says otherwise', t => {
  const backend = stateBackends(resolveConfig()).createKeyed(request());
  t.true(backend instanceof MemoryBackend);
  t.deepEqual(backend.keyGroupRange, {first: 32, last: 63});
});

test("Flink's option name puts state on disk, where it is asked for, and counts look-ups", t => {
  const counts: Record<string, number> = {};
  const config = resolveConfig({'state.backend.type': 'lmdb', stateDirectory: directory});
  const backend = stateBackends(config).createKeyed(request(counts));
  t.true(backend instanceof LmdbBackend);
  t.deepEqual(backend.keyGroupRange, {first: 32, last: 63});
  t.is(readdirSync(directory).length, 1);

  const value = backend.getState(new ValueStateDescriptor<number>('v'));
  for (let n = 0; n < 10; n += 1) {
    backend.setCurrentKey(1);
    value.update(n);
  }
  backend.close();

  t.deepEqual(counts, {stateCacheHits: 9, stateCacheMisses: 1});
  t.deepEqual(readdirSync(directory), []);
});
