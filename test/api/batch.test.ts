/** Batch mode in threads: results, and what is left of temporary files. */
import {readdirSync, readlinkSync} from 'node:fs';
import test from 'ava';
import type {JobMetrics} from '../../src/index.ts';
import {eventually} from '../support/eventually.ts';
import {runJob} from '../support/run-job.ts';
import {temporaryDirectory} from '../support/temporary-directory.ts';

/** Files of sorts that the process has open, named or not; none where the system does not tell. */
function openSorts(directory: string): string[] {
  try {
    return readdirSync('/proc/self/fd').flatMap(file => {
      try {
        const path = readlinkSync(`/proc/self/fd/${file}`);
        return path.startsWith(directory) ? path : [];
      } catch {
        return [];
      }
    });
  } catch {
    return [];
  }
}

function spilledBytes({tasks}: JobMetrics): number {
  return tasks.reduce((sum, {counters}) => sum + (counters['sortSpilledBytes'] ?? 0), 0);
}

test.serial('a job gives the same results in batch mode, from files that nobody sees', async t => {
  const directory = temporaryDirectory(t);
  const results = async (config: Record<string, unknown>) => {
    const run = await runJob(t, 'api/jobs/visits.ts', {
      parallelism: 2,
      args: {count: 6000, users: 900} as never,
      config: {name: 'visits', temporaryDirectory: directory, ...config},
    });
    const {collected, metrics} = await run.done;
    const visits = collected['visits'] as Array<{user: number}>;
    return {visits: visits.sort((a, b) => a.user - b.user), spilled: spilledBytes(metrics)};
  };

  const streaming = await results({});
  const batch = await results({runtimeMode: 'automatic', batchSortMemory: '64KB'});

  t.is(streaming.visits.length, 900);
  t.deepEqual(batch.visits, streaming.visits);
  t.is(streaming.spilled, 0);
  t.true(batch.spilled > 6000 * 10);
  t.deepEqual(readdirSync(directory), []);
  t.deepEqual(openSorts(directory), []);
});

test.serial('a job that is cancelled in the middle of a sort leaves no file', async t => {
  const directory = temporaryDirectory(t);
  const run = await runJob(t, 'api/jobs/visits.ts', {
    parallelism: 2,
    args: {count: 1e9, users: 1e6} as never,
    config: {
      runtimeMode: 'batch',
      batchSortMemory: '64KB',
      temporaryDirectory: directory,
    },
  });
  await eventually('a sort has a file', () => spilledBytes(run.metrics()) > 0);
  if (process.platform === 'linux') t.true(openSorts(directory).length > 0);

  await run.cancel();

  t.deepEqual(readdirSync(directory), []);
  t.deepEqual(openSorts(directory), []);
});
