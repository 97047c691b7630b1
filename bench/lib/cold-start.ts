/**
 * Times a command from the moment before it is started to the first byte that it prints, and to its
 * exit. A job that takes part in `start` prints as soon as the first record is at its sink.
 */
import {spawn} from 'node:child_process';
import type {Outcome} from '../jobs/job.ts';
import {childrenCpuSeconds} from './machine.ts';
import {median} from './statistics.ts';

interface ColdStart {
  readonly firstMs: number;
  readonly exitMs: number;
}

async function once(command: readonly string[], printsNothing: boolean): Promise<ColdStart> {
  const startMs = performance.now();
  const child = spawn(command[0], command.slice(1), {stdio: ['ignore', 'pipe', 'inherit']});
  let firstMs = NaN;
  child.stdout.on('data', () => {
    if (Number.isNaN(firstMs)) firstMs = performance.now() - startMs;
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  const exitMs = performance.now() - startMs;
  if (code !== 0) throw new Error(`${command[0]} ended with code ${code}`);
  if (printsNothing) firstMs = exitMs;
  if (Number.isNaN(firstMs)) throw new Error(`${command.join(' ')} printed nothing`);
  return {firstMs, exitMs};
}

/** Starts `command` several times and reports the medians as the outcome of job `start`. */
export async function coldStarts(
  command: readonly string[],
  processes: number,
  {printsNothing = false} = {},
): Promise<Outcome> {
  const cpuBefore = childrenCpuSeconds();
  const starts: ColdStart[] = [];
  for (let i = 0; i < processes; i += 1) starts.push(await once(command, printsNothing));
  const firstMs = median(starts.map(each => each.firstMs));
  return {
    records: 1,
    checksum: 'first',
    seconds: firstMs / 1000,
    cpuSeconds: Math.max((childrenCpuSeconds() - cpuBefore) / processes, 0.001),
    p50Ms: firstMs,
    p99Ms: median(starts.map(each => each.exitMs)),
  };
}
