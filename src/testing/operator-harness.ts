/**
 * Runs a piece of a job by hand, in the calling thread: a test pushes records, watermarks, idleness and
 * processing time into it, and reads what comes out after each of them.
 *
 *   processElement ──► input ──► whatever the test has built on it with the public API ──► output
 *
 * The piece is planned as a job would be, and its chains are the engine's own: what is tested is what runs.
 * Only the exchange between tasks is left out. The harness is one subtask; a record or a watermark goes
 * through all of its tasks before the call returns.
 */
import {ManualClock} from '../base/clock.ts';
import {StreamError, showValue} from '../base/errors.ts';
import {hashKey, keyGroupOf, subtaskOf} from '../base/key-group.ts';
import type {DataStream} from '../api/data-stream.ts';
import type {StreamExecutionEnvironment} from '../api/environment.ts';
import {job} from '../api/job.ts';
import {planJob} from '../api/plan-job.ts';
import {resolveConfig, type Config, type ConfigInput} from '../graph/config.ts';
import type {JobEdge, JobGraph, JobVertex} from '../graph/job-graph.ts';
import type {Counter} from '../metrics/counter.ts';
import type {ChainNode} from '../operators/chain-plan.ts';
import type {OutputTag, TaskContext} from '../operators/functions.ts';
import {keyReader} from '../operators/key.ts';
import type {StateBackends} from '../operators/state-backends.ts';
import {memoryBackends} from '../scheduler/memory-backends.ts';
import type {
  AggregatingState,
  ListState,
  MapState,
  ReducingState,
  ValueState,
} from '../state/keyed-state.ts';
import type {
  AggregatingStateDescriptor,
  ListStateDescriptor,
  MapStateDescriptor,
  ReducingStateDescriptor,
  ValueStateDescriptor,
} from '../state/state-descriptors.ts';
import {StatusWatermarkValve} from '../time/watermark-valve.ts';
import {HarnessState, type HarnessSnapshot} from './harness-state.ts';
import {HarnessTask} from './harness-task.ts';
import {isRecord, outputRecord, type HarnessOutput, type OutputRecord} from './harness-output.ts';
import {probe, withSideOutputs, type Receiver} from './probe.ts';

export interface HarnessOptions {
  /** Which subtask the harness is; default 0. Only records whose keys it owns may be pushed. */
  readonly subtask?: number;
  /** Subtasks of each operator; default 1. */
  readonly parallelism?: number;
  /** Key groups; default: the job's. */
  readonly maxParallelism?: number;
  /** Processing time at the start; default 0. */
  readonly startMs?: number;
  /** Makes the state of operators; default: in memory. */
  readonly stateBackends?: StateBackends;
  /** Options of the job, such as the interval of watermarks. */
  readonly config?: ConfigInput | Readonly<Record<string, unknown>>;
}

/** Builds what is tested on one input. */
export type HarnessBuilder<A, O> = (
  input: DataStream<A>,
  env: StreamExecutionEnvironment,
) => DataStream<O>;

/** Builds what is tested on two inputs. */
export type TwoInputHarnessBuilder<A, B, O> = (
  first: DataStream<A>,
  second: DataStream<B>,
  env: StreamExecutionEnvironment,
) => DataStream<O>;

type AnyBuilder = (...args: any[]) => DataStream<any>;

const INPUTS = ['harness input 1', 'harness input 2'];
const OUTPUT = 'harness output';

/** Turns of the event loop without news after which nothing more is expected. */
const QUIET_TURNS = 5;

/**
 * A piece of a job with one input of `A`, or with two of `A` and `B`, that emits records of `O`.
 *
 *     const harness = OperatorHarness.of((orders: DataStream<Order>) =>
 *       orders.keyBy('city').process(new Totals()));
 *     harness.processElement({city: 'Oslo', amount: 3}, 10);
 *     harness.processWatermark(20);
 *     harness.takeOutput();   // [{value: …, timestamp: 10}, {watermark: 20}]
 *
 * Errors: what the builder throws; `E_HARNESS_…` for what a harness cannot do; what operators throw comes
 *         out of the call that made them throw, as a job would report it.
 * Source: Flink's OneInputStreamOperatorTestHarness and its relatives.
 */
export class OperatorHarness<A = any, O = any, B = never> {
  /** Processing time. Prefer `setProcessingTime`, which fires timers. */
  readonly clock: ManualClock;
  /** Sums of the accumulators that functions have added to. */
  readonly accumulators: Record<string, number> = {};
  readonly #subtask: number;
  readonly #parallelism: number;
  readonly #tasks: readonly HarnessTask[];
  readonly #inputs: ReadonlyArray<HarnessTask>;
  readonly #state: HarnessState;
  readonly #counters = new Map<string, {value: number; add(amount?: number): void}>();
  readonly #sides = new Map<string, Array<OutputRecord<unknown>>>();
  #output: Array<HarnessOutput<O>> = [];
  #watermark = -Infinity;
  #wakeUps = 0;
  #isClosed = false;

  /** A harness with one input. */
  static of<A = any, O = any>(
    build: HarnessBuilder<A, O>,
    options: HarnessOptions = {},
  ): OperatorHarness<A, O> {
    return new OperatorHarness<A, O>(1, build, [], options);
  }

  /** A harness with two inputs. */
  static ofTwo<A = any, B = any, O = any>(
    build: TwoInputHarnessBuilder<A, B, O>,
    options: HarnessOptions = {},
  ): OperatorHarness<A, O, B> {
    return new OperatorHarness<A, O, B>(2, build, [], options);
  }

  /**
   * A harness that goes on from snapshots: one of each subtask that there was, in their order. The new
   * parallelism may be another; keyed state and operator state are dealt out as on a restart.
   */
  static restore<A = any, O = any>(
    build: HarnessBuilder<A, O>,
    snapshots: readonly HarnessSnapshot[],
    options: HarnessOptions = {},
  ): OperatorHarness<A, O> {
    return new OperatorHarness<A, O>(1, build, snapshots, options);
  }

  /** As `restore`, with two inputs. */
  static restoreTwo<A = any, B = any, O = any>(
    build: TwoInputHarnessBuilder<A, B, O>,
    snapshots: readonly HarnessSnapshot[],
    options: HarnessOptions = {},
  ): OperatorHarness<A, O, B> {
    return new OperatorHarness<A, O, B>(2, build, snapshots, options);
  }

  private constructor(
    inputCount: 1 | 2,
    build: AnyBuilder,
    snapshots: readonly HarnessSnapshot[],
    options: HarnessOptions,
  ) {
    this.#subtask = options.subtask ?? 0;
    this.#parallelism = options.parallelism ?? 1;
    this.clock = new ManualClock(options.startMs ?? 0);
    if (!(this.#subtask >= 0 && this.#subtask < this.#parallelism)) {
      throw new StreamError('E_HARNESS_SUBTASK', 'there is no such subtask', {
        subtask: this.#subtask,
        parallelism: this.#parallelism,
      });
    }
    const config = resolveConfig({...options.config, parallelism: this.#parallelism});
    const graph = planPiece(inputCount, build, config, options.maxParallelism);
    this.#state = new HarnessState(snapshots, options.stateBackends ?? memoryBackends);
    const tasks: HarnessTask[] = [];
    // From the end to the inputs: a task hands what it emits to tasks that exist.
    for (const vertex of graph.vertices.toReversed()) {
      tasks[vertex.index] = this.#createTask(graph, vertex, tasks, config);
    }
    this.#tasks = tasks;
    this.#inputs = INPUTS.slice(0, inputCount).map(name => {
      const vertex = graph.vertices.find(({operators}) => readsHost(operators[0]!.node.spec, name));
      if (vertex !== undefined) return tasks[vertex.index]!;
      throw new StreamError(
        'E_HARNESS_INPUT',
        'nothing reads an input of the harness',
        {input: name},
        {remedy: 'build on each of the streams that the builder is given'},
      );
    });
    for (const task of tasks.toReversed()) task.open();
  }

  /** Pushes a record into the first input; without `timestamp` it has none. */
  processElement(value: A, timestamp?: number): void {
    this.#push(0, value, timestamp);
  }

  /** The same as `processElement`. */
  processElement1(value: A, timestamp?: number): void {
    this.#push(0, value, timestamp);
  }

  /** Pushes a record into the second input. */
  processElement2(value: B, timestamp?: number): void {
    this.#push(1, value, timestamp);
  }

  /** Lets event time come to `timestamp` on every input, first to last. */
  processWatermark(timestamp: number): void {
    for (const input of this.#inputs.keys()) this.#inputAt(input).watermark(timestamp, 0);
  }

  processWatermark1(timestamp: number): void {
    this.#inputAt(0).watermark(timestamp, 0);
  }

  processWatermark2(timestamp: number): void {
    this.#inputAt(1).watermark(timestamp, 0);
  }

  /** Makes an input (1 or 2; default: all) idle, or active again. */
  processStatus(status: 'idle' | 'active', input?: 1 | 2): void {
    const inputs = input === undefined ? [...this.#inputs.keys()] : [input - 1];
    for (const each of inputs) this.#inputAt(each).status(status === 'idle', 0);
  }

  /** Sets the clock and fires the timers that are due, in the order of their times. */
  setProcessingTime(nowMs: number): void {
    this.clock.set(nowMs);
    this.#fireTimers();
  }

  /** Moves the clock on, as `setProcessingTime` does. */
  advanceProcessingTime(ms: number): void {
    this.setProcessingTime(this.clock.now() + ms);
  }

  /**
   * All inputs have ended: operators emit what is left. Says whether all of it is out; if not, they wait for
   * promises: `await harness.settle()`. Event time does not move; push a watermark of Infinity before.
   */
  endInput(): boolean {
    return this.#tasks.every(task => task.finish());
  }

  /**
   * Waits until promises that operators wait for have settled and what they gave has been emitted: until
   * nothing has happened for a few turns of the event loop.
   */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < QUIET_TURNS; quiet += 1) {
      await new Promise(resolve => {
        setImmediate(resolve);
      });
      if (this.#isClosed) return;
      const before = this.#wakeUps;
      for (const task of this.#tasks) task.idle();
      this.#fireTimers();
      if (this.#wakeUps !== before) quiet = -1;
      this.#wakeUps = before;
    }
  }

  /** Whether operators take more records; an async operator in which one waits for room does not. */
  isWritable(): boolean {
    return this.#tasks.every(task => task.isWritable());
  }

  /** All that has come out since the start, or since `takeOutput`, in order. */
  get output(): ReadonlyArray<HarnessOutput<O>> {
    return this.#output;
  }

  /** What has come out since the last call; `output` begins anew. */
  takeOutput(): Array<HarnessOutput<O>> {
    const output = this.#output;
    this.#output = [];
    return output;
  }

  /** The values of all records of `output`. */
  get values(): O[] {
    return this.#output.filter(isRecord<O>).map(({value}) => value);
  }

  /** The last watermark that has come out; -Infinity before the first. */
  get watermark(): number {
    return this.#watermark;
  }

  /** What has come out of the side output of a tag, by any operator, if the builder does not read it. */
  sideOutput<S>(tag: OutputTag<S> | string): ReadonlyArray<OutputRecord<S>> {
    const id = typeof tag === 'string' ? tag : tag.id;
    return (this.#sides.get(id) ?? []) as Array<OutputRecord<S>>;
  }

  /** Event-time timers that are registered, over all keys and operators. */
  get eventTimeTimerCount(): number {
    return this.#state.timerCount('event');
  }

  /** Processing-time timers that are registered, over all keys and operators. */
  get processingTimeTimerCount(): number {
    return this.#state.timerCount('processing');
  }

  /**
   * The state of a key, as the operator sees it: a handle that is about `key` until the next record. With
   * several keyed operators it is the first that has a state of the descriptor's name.
   */
  keyedState<T>(key: unknown, descriptor: ValueStateDescriptor<T>): ValueState<T>;
  keyedState<T>(key: unknown, descriptor: ListStateDescriptor<T>): ListState<T>;
  keyedState<K, V>(key: unknown, descriptor: MapStateDescriptor<K, V>): MapState<K, V>;
  keyedState<T>(key: unknown, descriptor: ReducingStateDescriptor<T>): ReducingState<T>;
  keyedState<I, A, R>(
    key: unknown,
    descriptor: AggregatingStateDescriptor<I, A, R>,
  ): AggregatingState<I, R>;
  keyedState(key: unknown, descriptor: any): any {
    const {keyed} = this.#state;
    const {name} = descriptor as {name: string};
    const backend = keyed.find(each => each.stateNames().includes(name)) ?? keyed[0];
    if (backend === undefined) {
      throw new StreamError('E_HARNESS_STATE', 'no operator has keyed state', {state: name});
    }
    backend.setCurrentKey(key);
    return backend.getState(descriptor as ValueStateDescriptor<unknown>);
  }

  /** How often a function has counted `name`, over all operators. */
  counter(name: string): number {
    return this.#counters.get(name)?.value ?? 0;
  }

  /** The state of the piece as plain data, for `restore`. */
  snapshot(): HarnessSnapshot {
    return this.#state.snapshot(this.#tasks);
  }

  /** Closes all operators. A harness is also closed by `using`. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    let failure: unknown;
    for (const task of this.#tasks) {
      try {
        task.close();
      } catch (thrown) {
        failure ??= thrown;
      }
    }
    if (failure !== undefined) throw failure;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #push(input: number, value: unknown, timestamp: number | undefined): void {
    this.#inputAt(input).record(value, timestamp ?? NaN, 0);
  }

  #inputAt(input: number): HarnessTask {
    const task = this.#inputs[input];
    if (task === undefined) {
      throw new StreamError(
        'E_HARNESS_INPUT',
        'the harness has no such input',
        {input: input + 1, inputs: this.#inputs.length},
        {remedy: 'make a harness for two inputs with OperatorHarness.ofTwo()'},
      );
    }
    if (this.#isClosed) throw new StreamError('E_HARNESS_CLOSED', 'the harness has been closed');
    return task;
  }

  #fireTimers(): void {
    for (const task of this.#tasks) task.processTime();
  }

  #createTask(
    graph: JobGraph,
    vertex: JobVertex,
    tasks: readonly HarnessTask[],
    config: Config,
  ): HarnessTask {
    const isMany = vertex.parallelism > 1;
    const nodes = this.#nodesOf(graph, vertex, tasks);
    const contexts = nodes.map(({name, uid}): TaskContext => ({
      jobName: graph.settings.jobName,
      operatorName: name,
      uid,
      subtaskIndex: isMany ? this.#subtask : 0,
      parallelism: vertex.parallelism,
      maxParallelism: vertex.maxParallelism,
      attemptNumber: 0,
      clock: this.clock,
      addToAccumulator: (accumulator, amount) => {
        this.accumulators[accumulator] = (this.accumulators[accumulator] ?? 0) + amount;
      },
      counter: counterName => this.#counter(counterName),
    }));
    return new HarnessTask({
      vertex,
      nodes,
      contexts,
      clock: this.clock,
      inputCount: Math.max(1, ...vertex.inEdges.map(({inputIndex}) => inputIndex + 1)),
      config,
      isBatch: graph.runtimeMode === 'batch',
      stateBackends: this.#state.backends,
      restored: contexts.map(context => this.#state.restoredFor(context)),
      wakeUp: () => {
        this.#wakeUps += 1;
      },
    });
  }

  /** The vertex's chain; where it leads out of the task there are probes. */
  #nodesOf(graph: JobGraph, vertex: JobVertex, tasks: readonly HarnessTask[]): ChainNode[] {
    const probes: ChainNode[] = [];
    const nodes = vertex.chain.nodes.map((node): ChainNode => {
      const {spec} = node;
      if (spec.type === 'source') {
        throw new StreamError(
          'E_HARNESS_SOURCE',
          'a harness has no sources but its inputs',
          {source: node.name},
          {remedy: 'build on the streams that the builder is given; runInThread() runs whole jobs'},
        );
      }
      if (spec.type === 'hostSink') return {...node, spec: probe(this.#receiver(spec.channel))};
      const read = new Set(node.outputs.flatMap(({sideOutput}) => sideOutput ?? []));
      const outputs = node.outputs.map(edge => {
        if (edge.target.kind === 'operator') return edge;
        const {index: writer} = edge.target;
        const jobEdge = vertex.outEdges[writer]!;
        const index = vertex.chain.nodes.length + probes.length;
        probes.push({
          name: `to ${graph.vertices[jobEdge.targetVertex]!.name}`,
          uid: `probe-${writer}`,
          spec: probe(this.#hop(graph, jobEdge, tasks)),
          outputs: [],
        });
        return {...edge, target: {kind: 'operator' as const, index, inputIndex: 0}};
      });
      return {
        ...node,
        outputs,
        spec: withSideOutputs(spec, read, (tag, value, timestamp) => {
          const records = this.#sides.get(tag) ?? [];
          this.#sides.set(tag, records);
          records.push(outputRecord(value, timestamp));
        }),
      };
    });
    return [...nodes, ...probes];
  }

  /** Hands records to the task that an edge leads to, and watermarks through the valve of its input. */
  #hop(graph: JobGraph, edge: JobEdge, tasks: readonly HarnessTask[]): Receiver {
    const task = tasks[edge.targetVertex]!;
    const {inputIndex, partitioner} = edge;
    const target = graph.vertices[edge.targetVertex]!;
    const channels = target.inEdges.filter(each => each.inputIndex === inputIndex);
    const channel = channels.indexOf(edge);
    const valve = this.#valveOf(task, inputIndex, channels.length);
    const {parallelism, maxParallelism} = target;
    const key =
      partitioner.kind === 'hash' && parallelism > 1 ? keyReader(partitioner.key) : undefined;
    return {
      record: (value, timestamp) => {
        if (key !== undefined) {
          const group = keyGroupOf(hashKey(key.select(value)), maxParallelism);
          const owner = subtaskOf(group, maxParallelism, parallelism);
          if (owner !== this.#subtask) throw foreignKey(key.select(value), owner, this.#subtask);
        }
        task.record(value, timestamp, inputIndex);
      },
      watermark: timestamp => valve.watermark(timestamp, channel),
      status: isIdle => valve.status(isIdle, channel),
    };
  }

  readonly #valves = new Map<HarnessTask, Map<number, Valve>>();

  #valveOf(task: HarnessTask, inputIndex: number, channelCount: number): Valve {
    const valves = this.#valves.get(task) ?? new Map<number, Valve>();
    this.#valves.set(task, valves);
    let valve = valves.get(inputIndex);
    if (valve === undefined) {
      valve = createValve(task, inputIndex, channelCount);
      valves.set(inputIndex, valve);
    }
    return valve;
  }

  #receiver(channel: string): Receiver {
    if (channel !== OUTPUT) return {record() {}, watermark() {}, status() {}};
    return {
      record: (value, timestamp) => {
        this.#output.push(outputRecord(value as O, timestamp));
      },
      watermark: watermark => {
        this.#watermark = watermark;
        this.#output.push({watermark});
      },
      status: isIdle => {
        this.#output.push({status: isIdle ? 'idle' : 'active'});
      },
    };
  }

  #counter(name: string): Counter {
    let counter = this.#counters.get(name);
    if (counter === undefined) {
      const created = {
        value: 0,
        add(amount = 1) {
          created.value += amount;
        },
      };
      counter = created;
      this.#counters.set(name, counter);
    }
    return counter;
  }
}

/** The subtask, of `parallelism` many, that owns a key: where a harness for it must be. */
export function subtaskOfKey(key: unknown, parallelism: number, maxParallelism = 128): number {
  return subtaskOf(keyGroupOf(hashKey(key), maxParallelism), maxParallelism, parallelism);
}

/** What hands watermarks and idleness of the channels of one input to the task. */
interface Valve {
  watermark(timestamp: number, channel: number): void;
  status(isIdle: boolean, channel: number): void;
}

function createValve(task: HarnessTask, inputIndex: number, channelCount: number): Valve {
  if (channelCount === 1) {
    return {
      watermark: timestamp => task.watermark(timestamp, inputIndex),
      status: isIdle => task.status(isIdle, inputIndex),
    };
  }
  const valve = new StatusWatermarkValve(channelCount, {
    emitWatermark: timestamp => task.watermark(timestamp, inputIndex),
    markIdle: () => task.status(true, inputIndex),
    markActive: () => task.status(false, inputIndex),
  });
  return {
    watermark: (timestamp, channel) => valve.inputWatermark(timestamp, channel),
    status: (isIdle, channel) => valve.inputStatus(isIdle, channel),
  };
}

/** Builds the piece between inputs and an output, and plans it as a job. */
function planPiece(
  inputCount: 1 | 2,
  build: AnyBuilder,
  config: Config,
  maxParallelism: number | undefined,
): JobGraph {
  const piece = job((env: StreamExecutionEnvironment) => {
    if (maxParallelism !== undefined) env.setMaxParallelism(maxParallelism);
    const inputs = INPUTS.slice(0, inputCount).map(name => env.fromHost(name));
    build(...inputs, env).collect(OUTPUT);
  });
  return planJob(piece, {}, config).jobGraph;
}

function readsHost(spec: ChainNode['spec'], channel: string): boolean {
  return spec.type === 'hostSource' && spec.channel === channel;
}

function foreignKey(key: unknown, owner: number, subtask: number): StreamError {
  return new StreamError(
    'E_HARNESS_SUBTASK',
    'a record was pushed into a subtask that does not own its key',
    {key: showValue(key), owner, subtask},
    {remedy: 'push it into the harness of subtaskOfKey(key, parallelism, maxParallelism)'},
  );
}
