/**
 * From a planned graph to something that threads can run: places the subtasks, plans and allocates the
 * arena, and lists the splits of the sources. Done once, by the coordinator; the result is plain data
 * and one shared buffer.
 */
import {StreamError, showValue} from '../base/errors.ts';
import type {Config} from '../graph/config.ts';
import {fingerprintGraph} from '../graph/graph-hash.ts';
import type {JobOperator, JobVertex} from '../graph/job-graph.ts';
import type {JobPlan} from '../graph/plan.ts';
import type {Arena} from '../memory/arena.ts';
import type {ChannelLayout} from '../network/channel.ts';
import type {OperatorSpec} from '../operators/operator.ts';
import type {SourceSplit} from '../operators/source.ts';
import {TIMESTAMPS_AND_WATERMARKS} from '../operators/timestamps-and-watermarks.ts';
import type {RecordSchema} from '../records/schema.ts';
import {planArena, producersOf, type ArenaLayout} from './arena-layout.ts';
import type {Deployment, DeploymentPlan} from './runtime-contract.ts';

/** A vertex as those need it who have no graph: the host and the metrics. */
export interface VertexDescription {
  readonly id: string;
  readonly name: string;
  readonly parallelism: number;
  readonly maxParallelism: number;
  readonly operators: ReadonlyArray<{
    readonly uid: string;
    readonly name: string;
    /** Whether watermarks begin here: at sources, and where a job assigns its own. */
    readonly makesWatermarks: boolean;
  }>;
  /** Indexes of the vertices that it reads. */
  readonly inputs: readonly number[];
}

/** What every thread of a job knows of it. */
export interface EngineDeploymentPlan extends DeploymentPlan {
  readonly layout: ArenaLayout;
  readonly vertices: readonly VertexDescription[];
  /** By task index: the channels that it reads, and those that it writes; the host's included. */
  readonly inputChannels: ReadonlyArray<readonly ChannelLayout[]>;
  readonly outputChannels: ReadonlyArray<readonly ChannelLayout[]>;
  /** By task index: the tasks that write its channels, in the order in which it counts them. */
  readonly inputProducers: ReadonlyArray<readonly number[]>;
  /** By task index: batches that may be on their way to it; 0 for sources. */
  readonly inputCreditsMax: readonly number[];
  /** Declared shapes of host inputs, by name. */
  readonly hostSchemas: Readonly<Record<string, RecordSchema>>;
  readonly config: Config;
}

export interface EngineDeployment extends Deployment {
  readonly plan: EngineDeploymentPlan;
  /** By vertex index; empty for vertices without a source. */
  readonly splits: ReadonlyArray<readonly SourceSplit[]>;
}

/**
 * Errors: `E_MEMORY_BUDGET`, `E_MEMORY_ALLOCATION`, what a source throws that lists its splits, and what a
 * sink throws that prepares itself.
 */
export async function deploy(
  plan: JobPlan,
  config: Config,
  jobId: string,
): Promise<EngineDeployment> {
  const {jobGraph} = plan;
  const planned = planArena(plan, config);
  const splits = await Promise.all(jobGraph.vertices.map(vertex => splitsOf(vertex, plan)));
  // Sinks last: what they make ready is worth it only if everything else is in order.
  await Promise.all(jobGraph.vertices.map(vertex => prepareSinks(vertex, plan)));
  const arena = planned.allocate();
  return {
    plan: deploymentPlan(plan, config, jobId, planned.layout),
    buffer: arena.buffer,
    splits,
  };
}

/** A deployment on which no source and no sink has been called: to look at, not to run. */
export function describeDeployment(
  plan: JobPlan,
  config: Config,
  jobId: string,
): {readonly deployment: EngineDeployment; readonly arena: Arena} {
  const planned = planArena(plan, config);
  const arena = planned.allocate();
  const deployment = {
    plan: deploymentPlan(plan, config, jobId, planned.layout),
    buffer: arena.buffer,
    splits: plan.jobGraph.vertices.map(() => []),
  };
  return {deployment, arena};
}

function deploymentPlan(
  plan: JobPlan,
  config: Config,
  jobId: string,
  layout: ArenaLayout,
): EngineDeploymentPlan {
  const {executionGraph, jobGraph} = plan;
  return {
    jobId,
    jobName: jobGraph.settings.jobName,
    workerCount: executionGraph.workerCount,
    graphHash: fingerprintGraph(jobGraph).hash,
    arenaSizeBytes: layout.sizeBytes,
    hostInputs: layout.hostInputs.map(({name}) => name),
    hostOutputs: layout.hostOutputs.map(({name}) => name),
    tasks: executionGraph.tasks.map(({index, vertex, name, subtask, worker}) => ({
      taskIndex: index,
      vertexId: jobGraph.vertices[vertex].id,
      name,
      subtaskIndex: subtask,
      workerIndex: worker,
    })),
    layout,
    vertices: jobGraph.vertices.map(vertex => ({
      id: vertex.id,
      name: vertex.name,
      parallelism: vertex.parallelism,
      maxParallelism: vertex.maxParallelism,
      operators: vertex.operators.map(({uid, name, node}) => ({
        uid,
        name,
        makesWatermarks: makesWatermarks(node.spec),
      })),
      inputs: [...new Set(vertex.inEdges.map(edge => edge.sourceVertex))],
    })),
    ...channelsOfTasks(plan, layout),
    inputProducers: executionGraph.tasks.map(task => producersOf(plan, task)),
    inputCreditsMax: inputCreditsMax(plan, layout, config),
    hostSchemas: hostSchemas(plan),
    config,
  };
}

async function splitsOf(vertex: JobVertex, plan: JobPlan): Promise<readonly SourceSplit[]> {
  const [head] = vertex.operators;
  const {spec} = head.node;
  if (spec.type !== 'source') return [];
  return await located(head, plan, 'a source could not list its splits', () =>
    spec.source.enumerateSplits({parallelism: vertex.parallelism}),
  );
}

async function prepareSinks(vertex: JobVertex, plan: JobPlan): Promise<void> {
  for (const operator of vertex.operators) {
    const {spec} = operator.node;
    if (spec.type !== 'sink') continue;
    await located(operator, plan, 'a sink could not be prepared', () =>
      spec.sink.prepare?.({parallelism: vertex.parallelism}),
    );
  }
}

/** Runs a connector's code and says where it was when it throws. */
async function located<T>(
  {name, uid}: JobOperator,
  plan: JobPlan,
  what: string,
  action: () => T | Promise<T>,
): Promise<T> {
  try {
    return await action();
  } catch (thrown) {
    const place = {job: plan.jobGraph.settings.jobName, operator: name, uid};
    if (thrown instanceof StreamError) throw thrown.at(place);
    const shown = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : showValue(thrown);
    throw new StreamError('E_CONNECTOR', what, {...place, thrown: shown}, {cause: thrown});
  }
}

function makesWatermarks(spec: OperatorSpec): boolean {
  if (spec.type === 'source' || spec.type === 'hostSource') return true;
  return spec.type === 'custom' && spec.kind === TIMESTAMPS_AND_WATERMARKS;
}

function channelsOfTasks({executionGraph}: JobPlan, layout: ArenaLayout) {
  const inputChannels: ChannelLayout[][] = executionGraph.tasks.map(() => []);
  const outputChannels: ChannelLayout[][] = executionGraph.tasks.map(() => []);
  for (const {index, producer, consumer} of executionGraph.channels) {
    inputChannels[consumer].push(layout.channels[index]);
    outputChannels[producer].push(layout.channels[index]);
  }
  for (const {tasks, channels} of layout.hostInputs) {
    tasks.forEach((task, index) => inputChannels[task].push(channels[index]));
  }
  for (const {tasks, channels} of layout.hostOutputs) {
    tasks.forEach((task, index) => outputChannels[task].push(channels[index]));
  }
  return {inputChannels, outputChannels};
}

function inputCreditsMax(
  {executionGraph}: JobPlan,
  {channels, hostInputs}: ArenaLayout,
  {floatingCredits}: Config,
): number[] {
  const credits = executionGraph.tasks.map(({gates}) => {
    const fromTasks = gates.flatMap(gate => executionGraph.gates[gate].channels);
    const exclusive = fromTasks.reduce((sum, index) => sum + channels[index].exclusiveCredits, 0);
    return exclusive + floatingCredits * gates.length;
  });
  for (const {tasks, channels: fromHost} of hostInputs) {
    tasks.forEach((task, index) => {
      credits[task] += fromHost[index].exclusiveCredits + floatingCredits;
    });
  }
  return credits;
}

function hostSchemas({jobGraph}: JobPlan): Record<string, RecordSchema> {
  const schemas: Record<string, RecordSchema> = {};
  for (const {operators} of jobGraph.vertices) {
    for (const {node} of operators) {
      if (node.spec.type === 'hostSource' && node.outputSchema !== undefined) {
        schemas[node.spec.channel] = node.outputSchema;
      }
    }
  }
  return schemas;
}
