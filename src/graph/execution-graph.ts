/**
 * The fourth graph: every vertex as its subtasks, every edge as its channels, and where each subtask
 * runs. Plain data in flat arrays that refer to each other by index, so that it can be cloned to other
 * threads (it holds no functions), printed, and summed before anything is allocated.
 *
 *   task      one subtask of a vertex
 *   channel   from one producing task to one consuming task
 *   writer    the channels of one outgoing edge of a task, in the order of its partitioner's answers
 *   gate      the channels that feed one input of a task; a union puts several edges into one gate
 *   slot      holds at most one subtask of each vertex of a slot sharing group; runs in a worker
 *
 * Invariant: each channel is in exactly one writer and one gate, at the positions that it names.
 */
import {assert} from '../base/assert.ts';
import {StreamError} from '../base/errors.ts';
import {keyGroupRange, type KeyGroupRange} from '../base/key-group.ts';
import type {JobEdge, JobGraph, JobVertex} from './job-graph.ts';

export interface ExecutionTask {
  /** Position in `ExecutionGraph.tasks`. */
  readonly index: number;
  readonly vertex: number;
  readonly subtask: number;
  /** As shown to users: `Map (2/4)`. */
  readonly name: string;
  readonly slot: number;
  readonly worker: number;
  readonly keyGroups: KeyGroupRange;
  /** Gates by input index; none for sources. */
  readonly gates: readonly number[];
  /** Writers in the order of the vertex's `outEdges`. */
  readonly writers: readonly number[];
}

export interface ExecutionChannel {
  /** Position in `ExecutionGraph.channels`. */
  readonly index: number;
  /** Index of the job edge. */
  readonly edge: number;
  readonly producer: number;
  readonly consumer: number;
  readonly writer: number;
  /** Position in the writer: what the partitioner answers. */
  readonly writerPosition: number;
  readonly gate: number;
  readonly gatePosition: number;
  /** Both ends are in the same worker: batches are handed over by reference. */
  readonly isLocal: boolean;
}

export interface ExecutionWriter {
  readonly index: number;
  readonly task: number;
  readonly edge: number;
  readonly channels: readonly number[];
}

export interface ExecutionGate {
  readonly index: number;
  readonly task: number;
  readonly inputIndex: number;
  readonly channels: readonly number[];
}

export interface ExecutionSlot {
  readonly index: number;
  readonly slotSharingGroup: string;
  /** From 0 within its group. */
  readonly position: number;
  readonly worker: number;
  readonly tasks: readonly number[];
}

/** Sums that a memory budget is made of. */
export interface ExecutionTotals {
  readonly workers: number;
  readonly slots: number;
  readonly tasks: number;
  readonly gates: number;
  readonly writers: number;
  readonly channels: number;
  readonly localChannels: number;
}

/** What a gate or a writer adds to the memory budget, with the name that a user knows it by. */
export interface BudgetCount {
  readonly name: string;
  /** How many gates (of one vertex's input), or writers (of one edge). */
  readonly count: number;
  readonly channels: number;
}

export interface ExecutionGraph {
  readonly tasks: readonly ExecutionTask[];
  readonly channels: readonly ExecutionChannel[];
  readonly writers: readonly ExecutionWriter[];
  readonly gates: readonly ExecutionGate[];
  readonly slots: readonly ExecutionSlot[];
  readonly workerCount: number;
  readonly totals: ExecutionTotals;
}

export interface ExecutionOptions {
  /** Worker threads to use at most; default: the parallelism of the job. */
  readonly workers?: number | undefined;
}

/**
 * Expands a job graph into tasks and channels.
 *
 * Slots:   as many per slot sharing group as the largest parallelism in it. Slot i holds subtask i of
 *          each vertex of the group, and goes to worker i mod workers.
 * Errors:  `E_GRAPH_WORKERS` if `workers` is not a positive whole number.
 */
export function buildExecutionGraph(job: JobGraph, options: ExecutionOptions = {}): ExecutionGraph {
  const workersMax = options.workers ?? job.settings.parallelism;
  if (!Number.isInteger(workersMax) || workersMax < 1) {
    throw new StreamError(
      'E_GRAPH_WORKERS',
      'a job needs at least one worker',
      {workers: String(workersMax)},
      {remedy: 'give a whole number from 1'},
    );
  }
  const {slots, slotOf} = assignSlots(job, workersMax);
  const tasks = new TaskTable(job);
  const writers: Mutable<ExecutionWriter>[] = [];
  const gates: Mutable<ExecutionGate>[] = [];
  const channels: ExecutionChannel[] = [];

  const taskWriters = tasks.list.map(({vertex}, task) =>
    job.vertices[vertex]!.outEdges.map(edge => {
      return writers.push({index: writers.length, task, edge: edge.index, channels: []}) - 1;
    }),
  );
  const taskGates = tasks.list.map(({vertex}, task) =>
    inputIndexes(job.vertices[vertex]!).map(inputIndex => {
      return gates.push({index: gates.length, task, inputIndex, channels: []}) - 1;
    }),
  );
  const workerOf = tasks.list.map(
    ({vertex, subtask}) => slots[slotOf(job.vertices[vertex]!, subtask)]!.worker,
  );

  for (const edge of job.edges) {
    const source = job.vertices[edge.sourceVertex]!;
    const target = job.vertices[edge.targetVertex]!;
    for (let subtask = 0; subtask < target.parallelism; subtask += 1) {
      const consumer = tasks.indexOf(target.index, subtask);
      const gate = gates[taskGates[consumer]![edge.inputIndex]!]!;
      const {first, last} = producersOf(edge, subtask, source.parallelism, target.parallelism);
      for (let each = first; each <= last; each += 1) {
        const producer = tasks.indexOf(source.index, each);
        const writer = writers[taskWriters[producer]![edge.writerIndex]!]!;
        const index = channels.length;
        channels.push({
          index,
          edge: edge.index,
          producer,
          consumer,
          writer: writer.index,
          // Consumers are visited in order, so positions are what the partitioner answers.
          writerPosition: writer.channels.push(index) - 1,
          gate: gate.index,
          gatePosition: gate.channels.push(index) - 1,
          isLocal: workerOf[producer] === workerOf[consumer],
        });
      }
    }
  }

  const executionTasks = tasks.list.map(({vertex: vertexIndex, subtask}, index): ExecutionTask => {
    const vertex = job.vertices[vertexIndex]!;
    const {parallelism, maxParallelism} = vertex;
    const slot = slotOf(vertex, subtask);
    slots[slot]!.tasks.push(index);
    return {
      index,
      vertex: vertexIndex,
      subtask,
      name: `${vertex.name} (${subtask + 1}/${parallelism})`,
      slot,
      worker: workerOf[index]!,
      keyGroups: keyGroupRange(subtask, maxParallelism, parallelism),
      gates: taskGates[index]!,
      writers: taskWriters[index]!,
    };
  });
  const workerCount = Math.min(workersMax, slots.length);
  return {
    tasks: executionTasks,
    channels,
    writers,
    gates,
    slots,
    workerCount,
    totals: {
      workers: workerCount,
      slots: slots.length,
      tasks: executionTasks.length,
      gates: gates.length,
      writers: writers.length,
      channels: channels.length,
      localChannels: channels.filter(channel => channel.isLocal).length,
    },
  };
}

/** Gates by the input that they feed, for a memory budget with a line for each. */
export function countGates(job: JobGraph, execution: ExecutionGraph): BudgetCount[] {
  return job.vertices.flatMap(vertex => {
    return inputIndexes(vertex).map((inputIndex, _, all) => {
      const gates = execution.gates.filter(
        gate =>
          gate.inputIndex === inputIndex && execution.tasks[gate.task]!.vertex === vertex.index,
      );
      return {
        name: all.length === 1 ? vertex.name : `${vertex.name} [input ${inputIndex + 1}]`,
        count: gates.length,
        channels: gates.reduce((sum, gate) => sum + gate.channels.length, 0),
      };
    });
  });
}

/** Writers by the edge that they serve, for a memory budget with a line for each. */
export function countWriters(job: JobGraph, execution: ExecutionGraph): BudgetCount[] {
  return job.edges.map(edge => {
    const writers = execution.writers.filter(writer => writer.edge === edge.index);
    return {
      name: `${job.vertices[edge.sourceVertex]!.name} => ${job.vertices[edge.targetVertex]!.name}`,
      count: writers.length,
      channels: writers.reduce((sum, writer) => sum + writer.channels.length, 0),
    };
  });
}

/**
 * The producers that feed subtask `consumer`, both ends included. Pointwise: consumer j of T reads the
 * producers from ⌊jS/T⌋ to ⌊(j+1)S/T⌋ - 1 if there are at least as many as consumers, else ⌊jS/T⌋ alone.
 */
export function producersOf(
  edge: Pick<JobEdge, 'pattern'>,
  consumer: number,
  producerCount: number,
  consumerCount: number,
): {first: number; last: number} {
  if (edge.pattern === 'ALL_TO_ALL') return {first: 0, last: producerCount - 1};
  const first = Math.floor((consumer * producerCount) / consumerCount);
  if (producerCount < consumerCount) return {first, last: first};
  return {first, last: Math.floor(((consumer + 1) * producerCount) / consumerCount) - 1};
}

type Mutable<T extends {channels: readonly number[]}> = Omit<T, 'channels'> & {channels: number[]};

/** Subtasks of all vertices in one row. */
class TaskTable {
  readonly list: Array<{readonly vertex: number; readonly subtask: number}> = [];
  readonly #firstOfVertex: number[] = [];

  constructor(job: JobGraph) {
    for (const {index, parallelism} of job.vertices) {
      this.#firstOfVertex.push(this.list.length);
      for (let subtask = 0; subtask < parallelism; subtask += 1) {
        this.list.push({vertex: index, subtask});
      }
    }
  }

  indexOf(vertex: number, subtask: number): number {
    return this.#firstOfVertex[vertex]! + subtask;
  }
}

/** The inputs that a vertex has, from 0. */
function inputIndexes(vertex: JobVertex): number[] {
  const indexes = [...new Set(vertex.inEdges.map(edge => edge.inputIndex))].sort((a, b) => a - b);
  assert(
    indexes.every((inputIndex, position) => inputIndex === position),
    'the inputs of a vertex are numbered from 0',
  );
  return indexes;
}

function assignSlots(job: JobGraph, workersMax: number) {
  const sizes = new Map<string, number>();
  for (const {slotSharingGroup, parallelism} of job.vertices) {
    sizes.set(slotSharingGroup, Math.max(sizes.get(slotSharingGroup) ?? 0, parallelism));
  }
  const firstOfGroup = new Map<string, number>();
  const slots: Array<Omit<ExecutionSlot, 'tasks'> & {tasks: number[]}> = [];
  for (const [slotSharingGroup, size] of sizes) {
    firstOfGroup.set(slotSharingGroup, slots.length);
    for (let position = 0; position < size; position += 1) {
      const index = slots.length;
      slots.push({index, slotSharingGroup, position, worker: index % workersMax, tasks: []});
    }
  }
  const slotOf = (vertex: JobVertex, subtask: number) =>
    firstOfGroup.get(vertex.slotSharingGroup)! + subtask;
  return {slots, slotOf};
}
