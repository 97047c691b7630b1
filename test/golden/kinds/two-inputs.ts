/** Operators with two inputs that keep state: pairing, rules that are broadcast, watermarks of both. */
import {
  MapStateDescriptor,
  ValueStateDescriptor,
  type Collector,
  type DataStream,
  type KeyedBroadcastContext,
  type KeyedBroadcastProcessFunction,
  type KeyedCoProcessFunction,
  type KeyedProcessContext,
  type KeyedReadOnlyBroadcastContext,
  type OnTimerContext,
  type RuntimeContext,
  type ValueState,
} from '../../../src/index.ts';
import {shapeOf, type Meanings} from '../shape.ts';
import {runTwo} from '../steps.ts';
import {type Outcome, type Vector} from '../vector.ts';

interface Element {
  readonly key: string;
  readonly tag?: string;
  readonly value: number;
}

type Result = Record<string, unknown>;

export async function runTwoInputWatermark(vector: Vector): Promise<Outcome> {
  const build = (a: DataStream<unknown>, b: DataStream<unknown>) =>
    a.connect(b).map({map1: value => value, map2: value => value});
  return await runTwo(vector, build);
}

/** How long an element waits for its partner, if the vector does not say. */
const WAIT_MS = 10;

export async function runKeyedCoProcess(vector: Vector): Promise<Outcome> {
  const build = (left: DataStream<Element>, right: DataStream<Element>) =>
    left.connect(right).keyBy('key', 'key').process<Result>(new Pairing(vector));
  return await runTwo(vector, build, {sides: ['side']});
}

/** Pairs elements of both inputs; one that waits too long goes out alone. */
class Pairing implements KeyedCoProcessFunction<string, Element, Element, Result> {
  readonly #shape: (meanings: Meanings) => Result;
  readonly #waitMs: number;
  #left!: ValueState<number>;
  #right!: ValueState<number>;
  #timer!: ValueState<number>;

  constructor(vector: Vector) {
    this.#shape = shapeOf(vector);
    this.#waitMs = Number(/(?:ts|timestamp) ?\+ ?(\d+)/.exec(vector.description)?.[1] ?? WAIT_MS);
  }

  open(context: RuntimeContext): void {
    this.#left = context.getState(new ValueStateDescriptor<number>('left'));
    this.#right = context.getState(new ValueStateDescriptor<number>('right'));
    this.#timer = context.getState(new ValueStateDescriptor<number>('timer'));
  }

  processElement1(
    {value}: Element,
    context: KeyedProcessContext<string>,
    out: Collector<Result>,
  ): void {
    this.#meet(value, this.#left, this.#right.value(), context, out);
  }

  processElement2(
    {value}: Element,
    context: KeyedProcessContext<string>,
    out: Collector<Result>,
  ): void {
    this.#meet(value, this.#right, this.#left.value(), context, out);
  }

  onTimer(timestamp: number, context: OnTimerContext<string>, out: Collector<Result>): void {
    const left = this.#left.value();
    const right = this.#right.value();
    this.#forget();
    if (left === undefined && right === undefined) return;
    out.collect(
      this.#shape([
        ['key', () => context.currentKey],
        [/^(unpaired|unmatched|alone|single|timeout|expired|value)/i, () => left ?? right],
        ['left', () => left],
        ['right', () => right],
        [/side|from/i, () => (left === undefined ? 'right' : 'left')],
        [/input/i, () => (left === undefined ? 2 : 1)],
        [/timer|timestamp|^ts$/i, () => timestamp],
        ['currentWatermark', () => context.timerService.currentWatermark],
      ]),
    );
  }

  #meet(
    value: number,
    own: ValueState<number>,
    other: number | undefined,
    {currentKey, timerService, timestamp}: KeyedProcessContext<string>,
    out: Collector<Result>,
  ): void {
    if (other === undefined) {
      own.update(value);
      if (timestamp === undefined) return;
      this.#timer.update(timestamp + this.#waitMs);
      timerService.registerEventTimeTimer(timestamp + this.#waitMs);
      return;
    }
    const timer = this.#timer.value();
    if (timer !== undefined) timerService.deleteEventTimeTimer(timer);
    const pair = own === this.#left ? [value, other] : [other, value];
    this.#forget();
    out.collect(
      this.#shape([
        ['key', () => currentKey],
        [/pair/i, () => pair],
        ['left', () => pair[0]],
        ['right', () => pair[1]],
        [/sum/i, () => pair[0]! + pair[1]!],
        ['currentWatermark', () => timerService.currentWatermark],
      ]),
    );
  }

  #forget(): void {
    for (const state of [this.#left, this.#right, this.#timer]) state.clear();
  }
}

const RULES = new MapStateDescriptor<string, number>('rules');

export async function runKeyedBroadcastProcess(vector: Vector): Promise<Outcome> {
  const build = (elements: DataStream<Element>, rules: DataStream<Element>) =>
    elements.keyBy('key').connect(rules.broadcast(RULES)).process<Result>(new Rules(vector));
  return await runTwo(vector, build, {sides: ['side']});
}

/** Rules come by broadcast, by name; elements say which of them they meet. */
class Rules implements KeyedBroadcastProcessFunction<string, Element, Element, Result> {
  readonly #shape: (meanings: Meanings) => Result;
  readonly #sums = new ValueStateDescriptor<number>('sum');
  #sum!: ValueState<number>;

  constructor(vector: Vector) {
    this.#shape = shapeOf(vector);
  }

  open(context: RuntimeContext): void {
    this.#sum = context.getState(this.#sums);
  }

  processElement(
    {value}: Element,
    context: KeyedReadOnlyBroadcastContext<string>,
    out: Collector<Result>,
  ): void {
    const rules = [...context.getBroadcastState(RULES).entries()];
    const sum = (this.#sum.value() ?? 0) + value;
    this.#sum.update(sum);
    out.collect(
      this.#shape([
        ['key', () => context.currentKey],
        ['value', () => value],
        [/^rules$/i, () => Object.fromEntries(rules)],
        [/match|rule/i, () => rules.filter(([, least]) => value >= least).map(([name]) => name)],
        [/sum|state|count/i, () => sum],
        ['currentWatermark', () => context.currentWatermark],
      ]),
    );
  }

  processBroadcastElement(
    {key, tag, value}: Element,
    context: KeyedBroadcastContext<string>,
    out: Collector<Result>,
  ): void {
    const rules = context.getBroadcastState(RULES);
    if (tag === 'remove' || value === null) rules.remove(key);
    else rules.put(key, value);
    if (tag !== 'apply' && tag !== 'visit') return;
    context.applyToKeyedState(this.#sums, (visited, state) => {
      out.collect(
        this.#shape([
          ['key', () => visited],
          [/sum|state|value|count/i, () => state.value()],
          [/rule/i, () => key],
        ]),
      );
    });
  }
}
