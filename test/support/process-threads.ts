/** How many threads this process has, and what keeps it alive: for tests that look for leaks. */
import {readdirSync} from 'node:fs';

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
