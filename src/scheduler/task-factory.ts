/**
 * Puts the subtasks of one worker together: ends of channels, gates, writers with their partitioners, the
 * chain, the input. Everything is found in the deployment's layout; user functions come from the graph
 * that this thread has built. Belongs to the worker's thread.
 */
import type {Clock} from '../base/clock.ts';
import {StreamError} from '../base/errors.ts';
import type {Random} from '../base/random.ts';
import {inputOrders} from '../graph/input-order.ts';
import type {JobEdge, JobVertex} from '../graph/job-graph.ts';
import type {JobPlan} from '../graph/plan.ts';
import type {Arena} from '../memory/arena.ts';
import {Doorbell} from '../memory/doorbell.ts';
import {LOCAL_CACHE_MAX, LocalPool} from '../memory/local-pool.ts';
import {SegmentPool} from '../memory/segment-pool.ts';
import {NamedCounters} from '../metrics/named-counters.ts';
import {TaskMetricsWriter} from '../metrics/task-metrics.ts';
import {TaskWatermarksWriter} from '../metrics/task-watermarks.ts';
import {InputChannel, OutputChannel} from '../network/channel.ts';
import {InputGate} from '../network/input-gate.ts';
import {
  broadcastPartitioner,
  constantPartitioner,
  customPartitioner,
  hashPartitioner,
  roundRobinPartitioner,
  shufflePartitioner,
  type Partitioner,
} from '../network/partitioner.ts';
import {RecordWriter, type StopFlag} from '../network/record-writer.ts';
import {Chain} from '../operators/chain.ts';
import type {ChainEdge, ChainPlan} from '../operators/chain-plan.ts';
import type {TaskContext} from '../operators/functions.ts';
import {keyReader} from '../operators/key.ts';
import type {OperatorSpec} from '../operators/operator.ts';
import type {StateBackends} from '../operators/state-backends.ts';
import {TimestampsAndWatermarksOperator} from '../operators/timestamps-and-watermarks.ts';
import {SingleKeyBackend} from '../state/single-key-backend.ts';
import {PausableClock} from '../time/activity-clock.ts';
import type {WatermarkStrategy} from '../time/watermark-strategy.ts';
import {collectingSink} from '../connectors/index.ts';
import {
  OVERDRAFT_SEGMENTS_MAX,
  ownerOfHost,
  ownerOfWorker,
  type HostChannels,
} from './arena-layout.ts';
import {cloneFaultPath} from './clone-fault.ts';
import type {EngineDeployment} from './deployment.ts';
import {GateInput, type RecordConsumer} from './gate-input.ts';
import {keyedOptions} from './memory-backends.ts';
import {SortedInput} from './sorted-input.ts';
import {stateBackends} from './state-backends.ts';
import type {Tasklet} from './progress.ts';
import type {WorkerResults, WorkerRuntime} from './runtime-contract.ts';
import {SourceInput} from './source-input.ts';
import {SourceAlignment} from './source-alignment.ts';
import {StreamTask, type TimedWriter} from './stream-task.ts';
import type {TaskInput} from './task-input.ts';
import {WatermarkPublisher} from './watermark-publisher.ts';

export interface TaskFactoryOptions {
  readonly plan: JobPlan;
  /**
   * Builds and plans the job once more. Subtasks of one operator in the same worker must not share its
   * function objects: they keep state and handles in fields. Absent: they do share them.
   */
  readonly planAgain?: (() => JobPlan) | undefined;
  readonly deployment: EngineDeployment;
  readonly arena: Arena;
  readonly workerIndex: number;
  readonly clock: Clock;
  readonly random: Random;
  /** Called before user code opens a task. */
  readonly opening?: (taskIndex: number) => void;
}

/** All subtasks of one worker, opened. Errors: what a user function threw in `open`, with its place. */
export function createWorkerTasks(options: TaskFactoryOptions): WorkerRuntime {
  const factory = new TaskFactory(options);
  const tasks: StreamTask[] = [];
  const tasksByIndex = new Map<number, StreamTask>();
  try {
    for (const {index, worker} of options.plan.executionGraph.tasks) {
      if (worker !== options.workerIndex) continue;
      options.opening?.(index);
      const task = factory.createTask(index);
      tasks.push(task);
      tasksByIndex.set(index, task);
      task.open();
    }
  } catch (thrown) {
    for (const task of tasks) disposeQuietly(task);
    throw thrown;
  }
  return {
    tasklets: tasks,
    results: () => factory.results(),
    readState: ({taskIndex, operatorIndex, key}) =>
      cloned(tasksByIndex.get(taskIndex)?.readKeyState(operatorIndex, key)),
    dispose: () => factory.dispose(),
  };
}

/** What a chain needs beside its operators. */
export interface ChainParts {
  readonly chain: Chain;
  readonly writers: readonly TimedWriter[];
  readonly stop: StopFlag;
  readonly contexts: readonly TaskContext[];
  readonly activityClock: PausableClock;
}

/** Creates tasks, or only their chains, for one worker. */
export class TaskFactory {
  readonly #options: TaskFactoryOptions;
  readonly #pool: SegmentPool;
  readonly #segments: LocalPool;
  readonly #owner: number;
  readonly #bell: Doorbell;
  /** The plan, and as many copies as an operator has further subtasks in this worker. */
  readonly #plans: JobPlan[];
  readonly #accumulators: Record<string, number> = {};
  readonly #collected: Record<string, unknown[]> = {};

  constructor(options: TaskFactoryOptions) {
    const {arena, deployment, workerIndex} = options;
    const {layout, config} = deployment.plan;
    this.#options = options;
    this.#plans = [options.plan];
    this.#owner = ownerOfWorker(workerIndex);
    this.#pool = new SegmentPool(arena, layout.pool, {debug: config.debug});
    this.#segments = new LocalPool(this.#pool, this.#owner, LOCAL_CACHE_MAX);
    this.#bell = new Doorbell(arena, layout.doorbells, workerIndex);
  }

  results(): WorkerResults {
    return {accumulators: this.#accumulators, collected: this.#collected};
  }

  dispose(): void {
    this.#segments.drain();
  }

  /** A subtask whose operators have not been opened yet. */
  createTask(taskIndex: number): StreamTask {
    const {arena, deployment, clock} = this.#options;
    const {layout, config, jobName, tasks} = deployment.plan;
    const {chain, writers, stop, contexts, activityClock} = this.createChain(taskIndex);
    const metrics = config.metrics
      ? new TaskMetricsWriter(arena, layout.taskMetrics[taskIndex])
      : undefined;
    const context = {...contexts[0], wakeUp: () => this.#bell.wake()};
    const input = this.#createInput(taskIndex, chain, metrics, context, activityClock);
    const watermarks = config.metrics
      ? new WatermarkPublisher(
          new TaskWatermarksWriter(arena, layout.taskWatermarks[taskIndex]),
          chain,
          input,
          clock,
        )
      : undefined;
    return new StreamTask({
      jobName,
      name: tasks[taskIndex].name,
      chain,
      input,
      watermarks,
      writers,
      stop,
      metrics,
      clock,
      activityClock,
    });
  }

  /** The chain of a subtask and the writers behind it. */
  createChain(taskIndex: number): ChainParts {
    const {arena, deployment, plan, clock} = this.#options;
    const {layout, config, jobName} = deployment.plan;
    const task = plan.executionGraph.tasks[taskIndex];
    const vertex = this.#vertexOf(taskIndex);
    const stop: StopFlag = {requested: false};
    const counters = new NamedCounters(arena, layout.namedCounters[taskIndex]);
    const contexts = vertex.operators.map(({name, uid}): TaskContext => ({
      jobName,
      operatorName: name,
      uid,
      subtaskIndex: task.subtask,
      parallelism: vertex.parallelism,
      maxParallelism: vertex.maxParallelism,
      attemptNumber: 0,
      clock,
      addToAccumulator: (accumulator, amount) => {
        this.#accumulators[accumulator] = (this.#accumulators[accumulator] ?? 0) + amount;
      },
      counter: name_ => counters.counter(name_),
    }));
    const activityClock = new PausableClock(clock);
    const {chainPlan, hostOutputs} = this.#chainOf(vertex, taskIndex);
    const writers = [
      ...vertex.outEdges.map(edge => this.#createWriter(taskIndex, edge, stop)),
      ...hostOutputs.map(host => this.#createHostWriter(taskIndex, host, stop)),
    ];
    const chain = new Chain({
      plan: chainPlan,
      writers: writers.map(({writer}) => writer),
      stop,
      contexts,
      wakeUp: () => this.#bell.wake(),
      interpret: !config.codeGeneration,
      name: task.name,
      counts: config.metrics,
      inputCount: Math.max(1, task.gates.length),
      stateBackends: this.#stateBackends(vertex, contexts[0]!),
      time: {
        autoWatermarkIntervalMs: config.autoWatermarkIntervalMs,
        isBatch: plan.jobGraph.runtimeMode === 'batch',
        activityClock,
      },
    });
    return {chain, writers, stop, contexts, activityClock};
  }

  /** Of a head that sees one key after the other: state for one key; of all others what is configured. */
  #stateBackends(vertex: JobVertex, headContext: TaskContext): StateBackends {
    const {deployment, plan} = this.#options;
    const backends = stateBackends(deployment.plan.config);
    const orders = inputOrders(vertex, plan.jobGraph.runtimeMode);
    if (orders === undefined || orders.every(({kind}) => kind !== 'sorted')) return backends;
    return {
      createKeyed: request =>
        request.context === headContext
          ? new SingleKeyBackend(keyedOptions(request))
          : backends.createKeyed(request),
      createOperator: request => backends.createOperator(request),
    };
  }

  /** The vertex of a task, with function objects that no other subtask of this worker has. */
  #vertexOf(taskIndex: number): JobVertex {
    const {plan, planAgain, workerIndex} = this.#options;
    const {tasks} = plan.executionGraph;
    const {vertex} = tasks[taskIndex];
    let copy = 0;
    if (planAgain !== undefined) {
      for (const task of tasks) {
        if (task.index < taskIndex && task.vertex === vertex && task.worker === workerIndex)
          copy += 1;
      }
      while (this.#plans.length <= copy) this.#plans.push(planAgain());
    }
    return this.#plans[copy].jobGraph.vertices[vertex];
  }

  /** The vertex's chain, with what only this thread knows: where host sinks lead, and collecting ones. */
  #chainOf(vertex: JobVertex, taskIndex: number) {
    const {layout} = this.#options.deployment.plan;
    const hostOutputs: HostChannels[] = [];
    const nodes = vertex.chain.nodes.map(node => {
      const {spec} = node;
      if (spec.type === 'source' && spec.watermarks !== undefined) {
        return {...node, spec: {...spec, watermarks: this.#withIdleness(vertex, spec)}};
      }
      if (spec.type !== 'hostSink') return node;
      if (spec.collects === true) {
        const values = (this.#collected[spec.channel] ??= []);
        return {...node, spec: {type: 'sink' as const, sink: collectingSink(values)}};
      }
      const host = layout.hostOutputs.find(
        ({name, tasks}) => name === spec.channel && tasks.includes(taskIndex),
      )!;
      const index = vertex.outEdges.length + hostOutputs.push(host) - 1;
      const output: ChainEdge = {sideOutput: undefined, target: {kind: 'writer', index}};
      return {...node, outputs: [output]};
    });
    const chainPlan: ChainPlan = {nodes};
    return {chainPlan, hostOutputs};
  }

  /** One silent split of several must not hold a whole job back, whether somebody has thought of it or not. */
  #withIdleness(
    vertex: JobVertex,
    {source, watermarks}: Extract<OperatorSpec, {type: 'source'}>,
  ): WatermarkStrategy<any> | undefined {
    const {plan, splits} = this.#options.deployment;
    const {sourceIdleTimeoutMs} = plan.config;
    const hasSeveral = !source.isBounded && splits[vertex.index].length > 1;
    if (!hasSeveral || sourceIdleTimeoutMs === 0) return watermarks;
    return watermarks?.withDefaultIdleness(sourceIdleTimeoutMs);
  }

  #createInput(
    taskIndex: number,
    chain: Chain,
    metrics: TaskMetricsWriter | undefined,
    context: TaskContext & {wakeUp(): void},
    activityClock: PausableClock,
  ): TaskInput {
    const {arena, deployment, plan} = this.#options;
    const {layout, config} = deployment.plan;
    const task = plan.executionGraph.tasks[taskIndex];
    const vertex = this.#vertexOf(taskIndex);
    const {spec} = vertex.operators[0].node;
    const [head] = chain.operators;
    if (spec.type === 'source') {
      return new SourceInput({
        source: spec.source,
        context,
        splits: deployment.splits[vertex.index],
        arena,
        cursorWord: (layout.splitCursors.offsetBytes >> 2) + vertex.index,
        subtask: task.subtask,
        parallelism: vertex.parallelism,
        chain,
        alignment: this.#alignmentOf(taskIndex),
        activityClock,
        watermarks: head instanceof TimestampsAndWatermarksOperator ? head : undefined,
      });
    }
    const isFromHost = spec.type === 'hostSource';
    const createGates = (consumer: RecordConsumer) =>
      new GateInput({
        arena,
        gates: isFromHost
          ? [this.#createHostGate(taskIndex, spec.channel)]
          : task.gates.map(gate => this.#createGate(gate)),
        consumer,
        segmentSizeBytes: layout.pool.segmentSizeBytes,
        interpret: !config.codeGeneration,
        debloatIdleMs: config.debloat ? () => metrics?.idleMs ?? 0 : undefined,
        isFromHost,
      });
    const orders = inputOrders(vertex, plan.jobGraph.runtimeMode);
    if (orders === undefined) return createGates(chain);
    return new SortedInput({
      orders,
      chain,
      createGates,
      memoryBytes: config.batchSortMemory,
      directory: config.temporaryDirectory,
      spilledBytes: context.counter('sortSpilledBytes'),
    });
  }

  /** The group of a source that does not run ahead of others. */
  #alignmentOf(taskIndex: number): SourceAlignment | undefined {
    const {arena, deployment, plan} = this.#options;
    const {tasks} = plan.executionGraph;
    const settingsOf = (index: number) => {
      const {spec} = plan.jobGraph.vertices[tasks[index].vertex].operators[0].node;
      return spec.type === 'source' ? spec.watermarks?.alignment : undefined;
    };
    const settings = settingsOf(taskIndex);
    if (settings === undefined || plan.jobGraph.runtimeMode === 'batch') return undefined;
    const {group, maxDriftMs, updateIntervalMs} = settings;
    return new SourceAlignment({
      arena,
      region: deployment.plan.layout.sourceAlignment,
      taskIndex,
      group: tasks.map(({index}) => index).filter(index => settingsOf(index)?.group === group),
      maxDriftMs,
      updateIntervalMs,
    });
  }

  #createGate(gateIndex: number): InputGate {
    const {arena, deployment, plan} = this.#options;
    const {executionGraph} = plan;
    const {layout} = deployment.plan;
    return this.#gateOver(
      executionGraph.gates[gateIndex].channels.map((index, position) => {
        const {producer} = executionGraph.channels[index];
        const bell = this.#bellOfWorker(executionGraph.tasks[producer].worker);
        return new InputChannel(arena, layout.channels[index], position, bell);
      }),
    );
  }

  #createHostGate(taskIndex: number, name: string): InputGate {
    const {arena, deployment} = this.#options;
    const {layout, workerCount} = deployment.plan;
    const host = layout.hostInputs.find(each => each.name === name)!;
    const channel = host.channels[host.tasks.indexOf(taskIndex)];
    const bell = new Doorbell(arena, layout.doorbells, workerCount);
    return this.#gateOver([new InputChannel(arena, channel, 0, bell)]);
  }

  #gateOver(channels: readonly InputChannel[]): InputGate {
    const {config} = this.#options.deployment.plan;
    return new InputGate({
      arena: this.#options.arena,
      pool: this.#pool,
      segments: this.#segments,
      channels,
      floatingCredits: config.floatingCredits,
      debloater: {targetMs: config.debloatTargetMs},
    });
  }

  #createWriter(taskIndex: number, edge: JobEdge, stop: StopFlag): TimedWriter {
    const {arena, deployment, plan} = this.#options;
    const {executionGraph, jobGraph} = plan;
    const {layout} = deployment.plan;
    const task = executionGraph.tasks[taskIndex];
    const {channels} = executionGraph.writers[task.writers[edge.writerIndex]];
    const workers = channels.map(
      index => executionGraph.tasks[executionGraph.channels[index].consumer].worker,
    );
    const writer = this.#writerOver(
      channels.map(
        (index, position) =>
          new OutputChannel(arena, layout.channels[index], this.#bellOfWorker(workers[position])),
      ),
      workers.map(ownerOfWorker),
      this.#createPartitioner(edge, channels.length, jobGraph.vertices[edge.targetVertex]),
      stop,
      edge,
    );
    return {writer, bufferTimeoutMs: edge.bufferTimeoutMs};
  }

  #createHostWriter(taskIndex: number, host: HostChannels, stop: StopFlag): TimedWriter {
    const {arena, deployment} = this.#options;
    const {layout, workerCount, config} = deployment.plan;
    const bell = new Doorbell(arena, layout.doorbells, workerCount);
    const channel = new OutputChannel(arena, host.channels[host.tasks.indexOf(taskIndex)], bell);
    const writer = this.#writerOver(
      [channel],
      [ownerOfHost(workerCount)],
      constantPartitioner(0),
      stop,
      undefined,
    );
    return {writer, bufferTimeoutMs: config.bufferTimeoutMs};
  }

  #writerOver(
    channels: readonly OutputChannel[],
    consumerOwners: readonly number[],
    partitioner: Partitioner,
    stop: StopFlag,
    edge: JobEdge | undefined,
  ): RecordWriter {
    const {config} = this.#options.deployment.plan;
    return new RecordWriter({
      arena: this.#options.arena,
      pool: this.#pool,
      segments: this.#segments,
      recordSizeBytesMax: config.memory,
      overdraftSegments: OVERDRAFT_SEGMENTS_MAX,
      owner: this.#owner,
      channels,
      consumerOwners,
      partitioner,
      schema: edge?.schema,
      timestamps: edge === undefined ? false : this.#carriesTimestamps(edge),
      stop,
      debug: config.debug,
      interpret: !config.codeGeneration,
      // Without a buffer timeout every record leaves by itself.
      rowLimit: (edge?.bufferTimeoutMs ?? config.bufferTimeoutMs) === 0 ? 1 : Infinity,
    });
  }

  /** Whether anything in front of the edge gives timestamps; if nothing does, no column is spent on them. */
  #carriesTimestamps(edge: JobEdge): boolean {
    const {vertices} = this.#options.plan.jobGraph;
    const seen = new Set<number>();
    const visit = (index: number): boolean => {
      if (seen.has(index)) return false;
      seen.add(index);
      const {operators, inEdges} = vertices[index];
      return (
        operators.some(({node}) => givesTimestamps(node.spec)) ||
        inEdges.some(each => visit(each.sourceVertex))
      );
    };
    return visit(edge.sourceVertex);
  }

  #createPartitioner(edge: JobEdge, channelCount: number, target: JobVertex): Partitioner {
    const {random} = this.#options;
    const {partitioner} = edge;
    switch (partitioner.kind) {
      case 'forward':
      case 'global':
        return constantPartitioner(0);
      case 'hash':
        return channelCount === 1
          ? constantPartitioner(0)
          : hashPartitioner(keyReader(partitioner.key), channelCount, target.maxParallelism);
      case 'rebalance':
        // Each sender begins elsewhere, or the first records of all would go to the same subtask.
        return roundRobinPartitioner(channelCount, random.below(channelCount));
      case 'rescale':
        return roundRobinPartitioner(channelCount, 0);
      case 'shuffle':
        return shufflePartitioner(channelCount, random);
      case 'broadcast':
        return channelCount === 1 ? constantPartitioner(0) : broadcastPartitioner();
      case 'custom': {
        const {select} = keyReader(partitioner.key);
        return customPartitioner(partitioner.fn, select, channelCount);
      }
    }
  }

  /** The bell of another worker; a task of this one is stepped in the same round and needs none. */
  #bellOfWorker(workerIndex: number): Doorbell | undefined {
    const {arena, deployment} = this.#options;
    if (workerIndex === this.#options.workerIndex) return undefined;
    return new Doorbell(arena, deployment.plan.layout.doorbells, workerIndex);
  }
}

function givesTimestamps(spec: OperatorSpec): boolean {
  switch (spec.type) {
    case 'source':
      return spec.source.hasTimestamps === true || spec.watermarks?.assigner !== undefined;
    case 'hostSource':
      return spec.watermarks?.assigner !== undefined;
    case 'custom':
      return spec.timestamps !== 'kept';
    default:
      return false;
  }
}

/** State as another thread may have it. */
function cloned<T>(state: T): T {
  try {
    return structuredClone(state);
  } catch (thrown) {
    throw new StreamError(
      'E_STATE_CLONE',
      'the state of this key holds something that cannot go to another thread',
      {field: cloneFaultPath(state)},
      {remedy: 'keep plain data in state: no functions, no symbols', cause: thrown},
    );
  }
}

function disposeQuietly(task: Tasklet): void {
  try {
    task.dispose();
  } catch {
    // The failure that brought us here is the one to be told.
  }
}
