/** Process functions with keyed state and timers, TTL, and snapshots that are restored elsewhere. */
import {
  AggregatingStateDescriptor,
  ListStateDescriptor,
  MapStateDescriptor,
  ReducingStateDescriptor,
  ValueStateDescriptor,
  type AggregatingState,
  type Collector,
  type DataStream,
  type KeyedProcessContext,
  type KeyedProcessFunction,
  type ListState,
  type MapState,
  type OnTimerContext,
  type ReducingState,
  type RuntimeContext,
  type StateTtlConfig,
  type StateInitializationContext,
  type TimerService,
  type ValueState,
} from '../../../src/index.ts';
import {OperatorHarness} from '../../../src/testing/index.ts';
import {runOne} from '../steps.ts';
import {
  Unsupported,
  plain,
  timeOf,
  type Outcome,
  type Output,
  type Step,
  type Vector,
} from '../vector.ts';

interface Element {
  readonly key: string;
  readonly tag: string;
  readonly value: number;
}

type Out = Collector<Record<string, unknown>>;

export async function runKeyedProcess(vector: Vector): Promise<Outcome> {
  const {operator} = vector;
  const create = () => {
    if (operator.function === 'states') return new AllStates();
    if (operator.function === undefined)
      return new TimerCommands(String(operator.onTimerRules ?? ''));
    throw new Unsupported(`function ${String(operator.function)}`);
  };
  const build = (elements: DataStream<Element>) =>
    elements.keyBy('key').process<Record<string, unknown>>(create());
  return await runOne(vector, build);
}

/** Registers and deletes timers as the tags of records, and rules for timers that fire, say. */
class TimerCommands implements KeyedProcessFunction<string, Element, Record<string, unknown>> {
  readonly #rules: ReadonlyMap<number, string>;

  constructor(rules: string) {
    this.#rules = new Map(
      rules
        .split(';')
        .filter(rule => rule !== '')
        .map(rule => {
          const [timestamp, commands] = rule.split(':', 2);
          return [Number(timestamp), commands!];
        }),
    );
  }

  processElement({tag}: Element, context: KeyedProcessContext<string>, out: Out): void {
    const {currentKey, timerService} = context;
    out.collect({key: currentKey, element: tag, currentWatermark: timerService.currentWatermark});
    this.#obey(tag, timerService);
  }

  onTimer(timestamp: number, context: OnTimerContext<string>, out: Out): void {
    const {currentKey, timerService} = context;
    out.collect({
      key: currentKey,
      timer: timestamp,
      domain: context.timeDomain,
      contextTimestamp: context.timestamp,
      currentWatermark: timerService.currentWatermark,
      processingTime: timerService.currentProcessingTime(),
    });
    this.#obey(this.#rules.get(timestamp) ?? '', timerService);
  }

  #obey(commands: string, timers: TimerService): void {
    for (const command of (commands ?? '').split('+')) {
      const timestamp = Number(command.slice(1));
      if (command.startsWith('e')) timers.registerEventTimeTimer(timestamp);
      else if (command.startsWith('x')) timers.deleteEventTimeTimer(timestamp);
      else if (command.startsWith('p')) timers.registerProcessingTimeTimer(timestamp);
      else if (command.startsWith('q')) timers.deleteProcessingTimeTimer(timestamp);
    }
  }
}

/** All kinds of state, driven by the tag of a record; shows all of it after each. */
class AllStates implements KeyedProcessFunction<string, Element, Record<string, unknown>> {
  #value!: ValueState<number | null>;
  #list!: ListState<number>;
  #map!: MapState<string, number>;
  #reducing!: ReducingState<number>;
  #aggregating!: AggregatingState<number, string>;

  open(context: RuntimeContext): void {
    this.#value = context.getState(new ValueStateDescriptor<number | null>('value'));
    this.#list = context.getListState(new ListStateDescriptor<number>('list'));
    this.#map = context.getMapState(new MapStateDescriptor<string, number>('map'));
    this.#reducing = context.getReducingState(
      new ReducingStateDescriptor<number>('reducing', (a, b) => a + b),
    );
    this.#aggregating = context.getAggregatingState(
      new AggregatingStateDescriptor<number, string, string>('aggregating', {
        createAccumulator: () => '',
        add: (value, accumulator) => `${accumulator}${value};`,
        getResult: accumulator => accumulator,
        merge: (a, b) => a + b,
      }),
    );
  }

  processElement({tag, value}: Element, {currentKey}: KeyedProcessContext<string>, out: Out): void {
    this.#obey(tag, value);
    out.collect({
      key: currentKey,
      list: [...this.#list.get()],
      map: Object.fromEntries(this.#map.entries()),
      mapEmpty: this.#map.isEmpty(),
      contains_k1: this.#map.contains('k1'),
      reducing: this.#reducing.get(),
      aggregating: this.#aggregating.get(),
      value: this.#value.value(),
    });
  }

  #obey(tag: string, value: number): void {
    switch (tag) {
      case 'add':
        this.#list.add(value);
        this.#map.put(`k${value % 3}`, value);
        this.#reducing.add(value);
        this.#aggregating.add(value);
        this.#value.update(value);
        break;
      case 'set':
        this.#list.update([value, value + 1]);
        break;
      case 'empty':
        this.#list.update([]);
        break;
      case 'addall':
        this.#list.addAll([value, value]);
        break;
      case 'remove':
        this.#map.remove(`k${value}`);
        break;
      case 'null':
        this.#value.update(null);
        break;
      case 'clear':
        for (const state of [this.#list, this.#map, this.#reducing, this.#aggregating])
          state.clear();
        this.#value.clear();
        break;
      case 'get':
        break;
      default:
        throw new Unsupported(`tag ${tag}`);
    }
  }
}

export async function runTtl(vector: Vector): Promise<Outcome> {
  const {operator} = vector;
  const ttl = {
    ttlMs: Number(operator.ttl),
    ...(operator.update === undefined ? {} : {updateType: wordOf(operator.update)}),
    ...(operator.visibility === undefined ? {} : {visibility: wordOf(operator.visibility)}),
  } as StateTtlConfig;
  const build = (elements: DataStream<Element>) =>
    elements.keyBy('key').process<Record<string, unknown>>(new ShortLivedStates(ttl));
  return await runOne(vector, build);
}

/** `OnReadAndWrite` as the engine writes it. */
function wordOf(parameter: unknown): string {
  return String(parameter).replace(/^./, first => first.toLowerCase());
}

class ShortLivedStates implements KeyedProcessFunction<string, Element, Record<string, unknown>> {
  readonly #ttl: StateTtlConfig;
  #value!: ValueState<number>;
  #list!: ListState<number>;
  #map!: MapState<string, number>;
  #reducing!: ReducingState<number>;

  constructor(ttl: StateTtlConfig) {
    this.#ttl = ttl;
  }

  open(context: RuntimeContext): void {
    const options = {ttl: this.#ttl};
    this.#value = context.getState(new ValueStateDescriptor<number>('value', options));
    this.#list = context.getListState(new ListStateDescriptor<number>('list', options));
    this.#map = context.getMapState(new MapStateDescriptor<string, number>('map', options));
    this.#reducing = context.getReducingState(
      new ReducingStateDescriptor<number>('reducing', (a, b) => a + b, options),
    );
  }

  processElement({tag, value}: Element, {currentKey}: KeyedProcessContext<string>, out: Out): void {
    if (tag === 'put') {
      this.#value.update(value);
      this.#list.add(value);
      this.#map.put(`k${value}`, value);
      this.#reducing.add(value);
      out.collect({key: currentKey, put: value});
      return;
    }
    out.collect({
      key: currentKey,
      value: this.#value.value(),
      list: [...this.#list.get()],
      map: Object.fromEntries(this.#map.entries()),
      reducing: this.#reducing.get(),
    });
  }
}

/** Runs at one parallelism, takes snapshots of all subtasks, and goes on at another. */
export async function runRescale(vector: Vector): Promise<Outcome> {
  return await runOne(vector, (elements: DataStream<Element>) =>
    elements.keyBy('key').process<Record<string, unknown>>(new SumAndTimer()),
  );
}

class SumAndTimer implements KeyedProcessFunction<string, Element, Record<string, unknown>> {
  #sum!: ValueState<number>;

  open(context: RuntimeContext): void {
    this.#sum = context.getState(new ValueStateDescriptor<number>('sum'));
  }

  processElement({value}: Element, context: KeyedProcessContext<string>, out: Out): void {
    const {currentKey, timerService, timestamp} = context;
    const sum = (this.#sum.value() ?? 0) + value;
    this.#sum.update(sum);
    if (value > 0) timerService.registerEventTimeTimer(timestamp! + 10);
    out.collect({key: currentKey, sum, currentWatermark: timerService.currentWatermark});
  }

  onTimer(timestamp: number, {currentKey}: OnTimerContext<string>, out: Out): void {
    out.collect({key: currentKey, timer: timestamp, sum: this.#sum.value()});
  }
}

/** Operator list state: each old subtask keeps its numbers, each new one says what it was given. */
export function runOperatorState(vector: Vector): Outcome {
  const {operator, input} = vector;
  const expected = input.map((step, index): Output => {
    const old = (step.old ?? oldOf(step, operator)) as number[][];
    const isUnion = operator.redistribution === 'union';
    const build = (given: number[][], subtask: number) => (numbers: DataStream<number>) =>
      numbers.process<number>(new Numbers(isUnion, given, subtask));
    const parallelism = old.length;
    const snapshots = old.map((numbers, subtask) => {
      const harness = OperatorHarness.of(build([], 0), {parallelism, subtask});
      for (const number of numbers) harness.processElement(number);
      const snapshot = harness.snapshot();
      harness.close();
      return snapshot;
    });
    const given: number[][] = [];
    const to = Number(step.to ?? operator.to);
    for (let subtask = 0; subtask < to; subtask += 1) {
      OperatorHarness.restore(build(given, subtask), snapshots, {parallelism: to, subtask}).close();
    }
    const sorted = given.map(numbers => [...numbers].sort((a, b) => a - b));
    const shown: Record<string, unknown> = {
      new: given,
      newSorted: sorted,
      newSizes: given.map(({length}) => length),
      all: sorted.flat().sort((a, b) => a - b),
      union: [...new Set(sorted.flat())].sort((a, b) => a - b),
      total: sorted.flat().length,
    };
    const columns = Object.keys(vector.expected[index] ?? {}).filter(name => name !== 'step');
    return {
      step: index,
      ...Object.fromEntries(
        columns.map(name => {
          if (!(name in shown)) throw new Unsupported(`column ${name}`);
          return [name, plain(shown[name])];
        }),
      ),
    };
  });
  return {expected, side: {}};
}

/** `counts[i]` consecutive numbers in subtask i. */
function oldOf(step: Step, operator: Vector['operator']): number[][] {
  const counts = (step.counts ?? operator.counts) as number[] | undefined;
  if (!Array.isArray(counts)) throw new Unsupported('state of the old subtasks');
  let next = 0;
  return counts.map(count => Array.from({length: count}, () => (next += 1)));
}

class Numbers {
  readonly #isUnion: boolean;
  readonly #given: number[][];
  readonly #subtask: number;
  #state!: ListState<number>;

  constructor(isUnion: boolean, given: number[][], subtask: number) {
    this.#isUnion = isUnion;
    this.#given = given;
    this.#subtask = subtask;
  }

  initializeState(context: StateInitializationContext): void {
    const descriptor = new ListStateDescriptor<number>('numbers');
    this.#state = this.#isUnion
      ? context.getUnionListState(descriptor)
      : context.getListState(descriptor);
    this.#given[this.#subtask] = [...this.#state.get()];
  }

  processElement(number: number): void {
    this.#state.add(number);
  }
}
