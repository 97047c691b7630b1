/** From a vector to what the engine makes of it: which translation belongs to which kind of operator. */
import {firstDifference} from './compare.ts';
import {Unsupported, type Outcome, type Vector} from './vector.ts';

/** `pass`, or why not. */
export interface Verdict {
  readonly status: 'pass' | 'fail' | 'unsupported';
  readonly reason?: string;
}

type Run = (vector: Vector) => Outcome | Promise<Outcome>;

/** Loaded when a vector needs it: one part that is missing must not take the others with it. */
const LOADERS: Readonly<Record<string, () => Promise<Run>>> = {
  window: async () => (await import('./kinds/windows.ts')).runWindow,
  windowAll: async () => (await import('./kinds/windows.ts')).runWindow,
  countWindow: async () => (await import('./kinds/windows.ts')).runCountWindow,
  windowJoin: async () => (await import('./kinds/window-joins.ts')).runWindowJoin,
  coGroup: async () => (await import('./kinds/window-joins.ts')).runCoGroup,
  intervalJoin: async () => (await import('./kinds/interval-join.ts')).runIntervalJoin,
  reduce: rolling,
  sum: rolling,
  min: rolling,
  max: rolling,
  minBy: rolling,
  maxBy: rolling,
  keyedProcess: async () => (await import('./kinds/process.ts')).runKeyedProcess,
  ttl: async () => (await import('./kinds/process.ts')).runTtl,
  rescale: async () => (await import('./kinds/process.ts')).runRescale,
  operatorState: async () => (await import('./kinds/process.ts')).runOperatorState,
  keyedCoProcess: async () => (await import('./kinds/two-inputs.ts')).runKeyedCoProcess,
  keyedBroadcastProcess: async () =>
    (await import('./kinds/two-inputs.ts')).runKeyedBroadcastProcess,
  twoInputWatermark: async () => (await import('./kinds/two-inputs.ts')).runTwoInputWatermark,
  asyncWait: async () => (await import('./kinds/async.ts')).runAsyncWait,
  partition: async () => (await import('./kinds/keys.ts')).runPartition,
  keyGroups: async () => (await import('./kinds/keys.ts')).runKeyGroups,
  keyGroupRanges: async () => (await import('./kinds/keys.ts')).runKeyGroupRanges,
  defaultMaxParallelism: async () => (await import('./kinds/keys.ts')).runDefaultMaxParallelism,
  watermarkGenerator: async () => (await import('./kinds/watermarks.ts')).runWatermarkGenerator,
  timestampsAndWatermarks: async () =>
    (await import('./kinds/watermarks.ts')).runTimestampsAndWatermarks,
  watermarkValve: async () => (await import('./kinds/watermarks.ts')).runWatermarkValve,
  watermarkMultiplexer: async () => (await import('./kinds/watermarks.ts')).runWatermarkMultiplexer,
};

async function rolling(): Promise<Run> {
  return (await import('./kinds/rolling.ts')).runRolling;
}

export async function runVector(vector: Vector): Promise<Verdict> {
  const {kind} = vector.operator;
  const load = LOADERS[kind];
  if (load === undefined) return {status: 'unsupported', reason: `kind ${kind}`};
  try {
    const run = await load();
    const difference = firstDifference(vector, await run(vector));
    if (difference === undefined) return {status: 'pass'};
    return {status: 'fail', reason: difference};
  } catch (thrown) {
    const cause = unsupportedIn(thrown);
    if (cause !== undefined) return {status: 'unsupported', reason: cause.message};
    return {status: 'fail', reason: thrown instanceof Error ? thrown.message : String(thrown)};
  }
}

/** What a function of a vector throws comes out wrapped. */
function unsupportedIn(thrown: unknown): Unsupported | undefined {
  for (let each = thrown; each instanceof Error; each = each.cause) {
    if (each instanceof Unsupported) return each;
  }
  return undefined;
}
