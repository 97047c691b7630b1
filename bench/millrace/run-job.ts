/**
 * Runs a job of bench/millrace/jobs/ in threads of its own and takes its time from RUNNING to the end of
 * the last thread: the start has a row of its own (`start`). CPU seconds are those of the whole process
 * over the same time.
 */
import {start, type JobHandle, type JobResult} from '../../src/index.ts';
import type {Answer, Outcome} from '../jobs/job.ts';

export interface RunOptions {
  readonly parallelism?: number;
  readonly args: object;
  /** Does something while the job runs, such as writing into it. */
  readonly during?: (run: JobHandle) => Promise<void>;
}

/** The result of a job and what it cost. */
export async function runJob(
  name: string,
  {parallelism = 2, args, during}: RunOptions,
): Promise<{result: JobResult; seconds: number; cpuSeconds: number}> {
  const run = await start(new URL(`./jobs/${name}.ts`, import.meta.url), {
    parallelism,
    args,
    // Figures without counters: MILLRACE_BENCH_METRICS=false; without combiners: …_COMBINE=false.
    config: {
      metrics: process.env['MILLRACE_BENCH_METRICS'] !== 'false',
      batchCombine: process.env['MILLRACE_BENCH_COMBINE'] !== 'false',
    },
  });
  const cpuBefore = process.cpuUsage();
  await during?.(run);
  const result = await run.done;
  const cpu = process.cpuUsage(cpuBefore);
  return {
    result,
    seconds: result.durationMs / 1000,
    cpuSeconds: (cpu.user + cpu.system) / 1e6,
  };
}

/** The outcome of a job whose answer is in its accumulators. */
export async function runCounting(
  name: string,
  options: RunOptions,
  answer: (accumulators: Readonly<Record<string, number>>) => Answer,
): Promise<Outcome> {
  const {result, seconds, cpuSeconds} = await runJob(name, options);
  return {...answer(result.accumulators), seconds, cpuSeconds};
}
