/** The same job with its state in memory and on disk, in threads. */
import {mkdtempSync, readdirSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {runJob} from '../support/run-job.ts';

const COUNT = 9000;
const USERS = 1500;

test.serial(
  'a job gives the same results with its state on disk, and leaves nothing there',
  async t => {
    const directory = mkdtempSync(join(tmpdir(), 'millrace-state-test-'));
    t.teardown(() => rmSync(directory, {recursive: true, force: true}));
    const results = async (config: Record<string, unknown>) => {
      const run = await runJob(t, 'api/jobs/visits.ts', {
        parallelism: 2,
        args: {count: COUNT, users: USERS} as never,
        config: {name: 'visits', ...config},
      });
      const {collected} = await run.done;
      return (collected['visits'] as Array<{user: number}>).sort((a, b) => a.user - b.user);
    };

    const inMemory = await results({});
    const onDisk = await results({
      stateBackend: 'lmdb',
      stateDirectory: directory,
      stateCacheSize: '64KB',
    });

    t.is(inMemory.length, USERS);
    t.deepEqual(inMemory[7], {
      user: 7,
      count: 6,
      sum: 6 * 7 + USERS * 15,
      first: 'page number 7,page number 1507,page number 3007',
    } as never);
    t.deepEqual(onDisk, inMemory);
    t.deepEqual(readdirSync(directory), []);
  },
);
