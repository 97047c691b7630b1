/** What the workers of a job leave behind, put together. */
import type {WorkerResults} from './runtime-contract.ts';

/** Sums accumulators over workers and joins what their sinks have collected. */
export function mergeResults(results: readonly (WorkerResults | undefined)[]): WorkerResults {
  const accumulators: Record<string, number> = {};
  const collected: Record<string, readonly unknown[]> = {};
  for (const result of results) {
    for (const [name, amount] of Object.entries(result?.accumulators ?? {})) {
      accumulators[name] = (accumulators[name] ?? 0) + amount;
    }
    for (const [name, values] of Object.entries(result?.collected ?? {})) {
      const others = collected[name];
      collected[name] = others === undefined ? values : others.concat(values);
    }
  }
  return {accumulators, collected};
}
