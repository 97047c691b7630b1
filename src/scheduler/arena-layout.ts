/**
 * What lies where in the arena of a job, and how many segments it needs: decided once, by the
 * coordinator, from the execution graph alone. The layout is plain data and goes to every thread;
 * `explain` shows the same budget without allocating anything.
 *
 *   doorbells        one per worker, and one for the host's thread
 *   segment pool     exactly as many segments as the budget counts; the option `memory` is their limit
 *   channels         ring and control block of every channel, those to and from the host included
 *   metrics          numbers and named counters of every task
 *   watermarks       where event time stands in every task; and the words by which sources align
 *   split cursors    a word per vertex: how many splits of a lazy source have been taken
 */
import {StreamError} from '../base/errors.ts';
import type {Config} from '../graph/config.ts';
import {countGates, countWriters, type ExecutionTask} from '../graph/execution-graph.ts';
import type {JobPlan} from '../graph/plan.ts';
import {ArenaPlan, type Arena, type Region} from '../memory/arena.ts';
import {planDoorbells, type DoorbellLayout} from '../memory/doorbell.ts';
import {LOCAL_CACHE_MAX} from '../memory/local-pool.ts';
import {SegmentBudget} from '../memory/segment-budget.ts';
import {SegmentPool, planSegmentPool, type SegmentPoolLayout} from '../memory/segment-pool.ts';
import {planNamedCounters} from '../metrics/named-counters.ts';
import {planTaskMetrics} from '../metrics/task-metrics.ts';
import {planTaskWatermarks, type TaskWatermarksLayout} from '../metrics/task-watermarks.ts';
import {planChannel, type ChannelLayout} from '../network/channel.ts';
import {planSourceAlignment, resetSourceAlignment} from './source-alignment.ts';

/** The producer of a channel that leads from the host. */
export const FROM_HOST = -1;

/** Indexes of the tasks that write the channels of `task`, gate by gate as it reads them. */
export function producersOf({executionGraph, jobGraph}: JobPlan, task: ExecutionTask): number[] {
  const {spec} = jobGraph.vertices[task.vertex]!.operators[0]!.node;
  if (spec.type === 'hostSource') return [FROM_HOST];
  const {gates, channels} = executionGraph;
  return task.gates.flatMap(gate =>
    gates[gate]!.channels.map(channel => channels[channel]!.producer),
  );
}

/** Segments that a writer may use beyond its credits until the record at hand has been processed. */
export const OVERDRAFT_SEGMENTS_MAX = 8;

/** The channels between the host and the subtasks of a host source or host sink. */
export interface HostChannels {
  /** The name that the job gave to `fromHost` or `toHost`. */
  readonly name: string;
  readonly vertex: number;
  /** Indexes of the subtasks' tasks; `channels[i]` leads to or from `tasks[i]`. */
  readonly tasks: readonly number[];
  readonly channels: readonly ChannelLayout[];
}

/** Where everything lies. Plain data: crosses threads as it is. */
export interface ArenaLayout {
  readonly sizeBytes: number;
  /** Worker w has doorbell w, the host the one behind them. */
  readonly doorbells: DoorbellLayout;
  readonly pool: SegmentPoolLayout;
  /** By `ExecutionChannel.index`. */
  readonly channels: readonly ChannelLayout[];
  readonly hostInputs: readonly HostChannels[];
  readonly hostOutputs: readonly HostChannels[];
  /** By task index. */
  readonly taskMetrics: readonly Region[];
  readonly namedCounters: readonly Region[];
  readonly splitCursors: Region;
  /** By task index. */
  readonly taskWatermarks: readonly TaskWatermarksLayout[];
  readonly sourceAlignment: Region;
}

/** The sink of values that the job's result carries has no channel; all other host sinks have. */
function hostOperators(plan: JobPlan, type: 'hostSource' | 'hostSink') {
  return plan.jobGraph.vertices.flatMap(vertex =>
    vertex.operators.flatMap(({node: {spec}}) =>
      spec.type === type && !(spec.type === 'hostSink' && spec.collects === true)
        ? [{name: spec.channel, vertex}]
        : [],
    ),
  );
}

/** The owner word of segments that worker `workerIndex` holds. */
export function ownerOfWorker(workerIndex: number): number {
  return workerIndex + 1;
}

/** The owner word of segments that the host's thread holds. */
export function ownerOfHost(workerCount: number): number {
  return workerCount + 1;
}

/** Sums who may hold how many segments. */
export function segmentBudget(plan: JobPlan, config: Config): SegmentBudget {
  const {jobGraph, executionGraph} = plan;
  const {exclusiveCredits, floatingCredits} = config;
  const budget = new SegmentBudget();
  const addWriters = (name: string, writers: number, channels: number) => {
    budget.add(
      `open batches ${name}`,
      channels + OVERDRAFT_SEGMENTS_MAX * writers,
      `1 × ${channels} channels + ${OVERDRAFT_SEGMENTS_MAX} overdraft × ${writers} writers`,
    );
  };
  for (const {name, count, channels} of countWriters(jobGraph, executionGraph)) {
    addWriters(name, count, channels);
  }
  const addGate = (name: string, gates: number, channels: number) => {
    budget.add(
      `in flight to ${name}`,
      exclusiveCredits * channels + floatingCredits * gates,
      `${exclusiveCredits} exclusive × ${channels} channels + ${floatingCredits} floating × ${gates} gates`,
    );
  };
  for (const {name, count, channels} of countGates(jobGraph, executionGraph)) {
    addGate(name, count, channels);
  }
  for (const {name, vertex} of hostOperators(plan, 'hostSource')) {
    const {parallelism} = vertex;
    addWriters(`host input ${name}`, 1, parallelism);
    addGate(`${vertex.name} from the host`, parallelism, parallelism);
  }
  for (const {name, vertex} of hostOperators(plan, 'hostSink')) {
    const {parallelism} = vertex;
    addWriters(`host output ${name}`, parallelism, parallelism);
    addGate(`host output ${name}`, 1, parallelism);
  }
  const threads = executionGraph.workerCount + 1;
  budget.add(
    'caches of threads',
    LOCAL_CACHE_MAX * threads,
    `${LOCAL_CACHE_MAX} per thread × ${threads} threads`,
  );
  return budget;
}

/**
 * Plans the arena of a job; `allocate` makes it, with the pool ready for use.
 *
 * Errors: `E_MEMORY_BUDGET` if the option `memory` is smaller than what the budget needs, or the arena
 * would be larger than 2 GiB.
 */
export function planArena(
  plan: JobPlan,
  config: Config,
): {readonly layout: ArenaLayout; allocate(): Arena} {
  const {executionGraph, jobGraph} = plan;
  const {segmentSize, memory, exclusiveCredits, floatingCredits} = config;
  const budget = segmentBudget(plan, config);
  budget.check(memory, segmentSize);

  const arena = new ArenaPlan();
  const doorbells = planDoorbells(arena, executionGraph.workerCount + 1);
  const creditsMax = exclusiveCredits + floatingCredits;
  const channel = (name: string) => planChannel(arena, name, exclusiveCredits, creditsMax);
  const hostChannels = (type: 'hostSource' | 'hostSink'): HostChannels[] =>
    hostOperators(plan, type).map(({name, vertex}) => {
      const tasks = executionGraph.tasks.filter(task => task.vertex === vertex.index);
      return {
        name,
        vertex: vertex.index,
        tasks: tasks.map(task => task.index),
        channels: tasks.map(task => channel(`${type} ${name} ${task.subtask}`)),
      };
    });
  const regions = {
    doorbells,
    channels: executionGraph.channels.map(({index}) => channel(`channel ${index}`)),
    hostInputs: hostChannels('hostSource'),
    hostOutputs: hostChannels('hostSink'),
    taskMetrics: executionGraph.tasks.map(task =>
      planTaskMetrics(
        arena,
        `metrics ${task.index}`,
        jobGraph.vertices[task.vertex]!.operators.length,
      ),
    ),
    namedCounters: executionGraph.tasks.map(task =>
      planNamedCounters(arena, `counters ${task.index}`),
    ),
    taskWatermarks: executionGraph.tasks.map(task =>
      planTaskWatermarks(
        arena,
        `watermarks ${task.index}`,
        jobGraph.vertices[task.vertex]!.operators.length,
        producersOf(plan, task).length,
      ),
    ),
    sourceAlignment: planSourceAlignment(arena, executionGraph.tasks.length),
    splitCursors: arena.reserve('split cursors', jobGraph.vertices.length * 4),
    pool: planSegmentPool(arena, budget.total(), segmentSize),
  };
  const layout: ArenaLayout = {...regions, sizeBytes: arena.sizeBytes};
  return {
    layout,
    allocate() {
      const allocated = arena.create();
      const {debug} = config;
      new SegmentPool(allocated, layout.pool, {debug}).format();
      resetSourceAlignment(allocated, layout.sourceAlignment);
      return allocated;
    },
  };
}

/** The budget, one line per holder, and what the option `memory` leaves, for `explain`. */
export function memoryLines(plan: JobPlan, config: Config): string[] {
  const budget = segmentBudget(plan, config);
  const {segmentSize, memory} = config;
  const left = Math.floor(memory / segmentSize) - budget.total();
  return [
    ...budget.lines(segmentSize),
    `limit (option memory) ${memory} bytes: ${left} segments left`,
  ];
}

/** The channels of a host stream. Errors: `E_HOST_STREAM` if the job has none of this name. */
export function hostChannelsNamed(
  all: readonly HostChannels[],
  name: string,
  kind: 'input' | 'output',
): HostChannels {
  const found = all.find(each => each.name === name);
  if (found !== undefined) return found;
  const method = kind === 'input' ? 'env.fromHost' : 'stream.toHost';
  throw new StreamError(
    'E_HOST_STREAM',
    `the job has no host ${kind} of this name`,
    {[kind]: name, known: all.map(each => each.name).join(', ') || '(none)'},
    {remedy: `give a name that the job passed to ${method}`},
  );
}
