/** What a process holds: threads, handles, memory. For tests that look for leaks. */
import {readdirSync} from 'node:fs';
import {setFlagsFromString} from 'node:v8';
import {runInNewContext} from 'node:vm';

/** Threads of the process, those of the runtime included; undefined where the system does not tell. */
export function threadCount(): number | undefined {
  try {
    return readdirSync('/proc/self/task').length;
  } catch {
    return undefined;
  }
}

/** What keeps the process alive, with how often: `{MessagePort: 2}`. Timers of the test runner count too. */
export function handleCounts(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

/** MiB that are still in use when all garbage has been collected; buffers count too. */
export function heldMb(): number {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  collectGarbage();
  const {heapUsed, external} = process.memoryUsage();
  return (heapUsed + external) / 2 ** 20;
}
