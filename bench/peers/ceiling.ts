/**
 * The ceiling: for each job with two threads, the most direct program on shared memory that we could
 * write. No engine features: one job, fixed columns, no errors, no metrics, no cancel. What Millrace
 * is compared with to see what generality costs.
 */
import type {Runners} from '../lib/engines.ts';

export const runners: Runners = {
  j2x: async () => (await import('./ceiling/j2x.ts')).runJ2x,
  latency: async () => (await import('./ceiling/j2x.ts')).runLatency,
  tumbling: async () => (await import('./ceiling/tumbling.ts')).runTumbling,
  bids: async () => (await import('./ceiling/bids.ts')).runBids,
  handoff: async () => (await import('./ceiling/handoff.ts')).runHandoff,
  wordcount: async () => (await import('./ceiling/wordcount.ts')).runWordcount,
};
