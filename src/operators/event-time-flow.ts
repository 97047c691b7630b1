/**
 * How watermarks and idleness go through the operators of a chain. A chain is a tree, and they take the
 * way of the records: an operator fires what is due, then the writers of its outputs get the watermark,
 * then its children in the chain, each with everything behind it.
 *
 *   inputs ──► combined ──► queue ──► head ──► its writers, child, its writers, …
 *
 * An operator may stop in the middle of its timers, because outputs are full. So what is left to do is a
 * stack, not recursion: `proceed` goes on where it stopped. What an operator emits by itself
 * (`context.emitWatermark`) goes on top of the stack: it was emitted before whatever still waits there.
 *
 * Invariant: while anything waits here the task reads no record, so nothing is overtaken.
 */
import {assert} from '../base/assert.ts';
import type {RecordWriter, StopFlag} from '../network/record-writer.ts';
import {MAX_WATERMARK} from '../time/watermark.ts';
import {CombinedWatermark, type PartialWatermark} from '../time/combined-watermark.ts';
import type {ChainPlan} from './chain-plan.ts';
import type {OperatorRuntime} from './operator-runtime.ts';

/** A watermark, or that the stream is idle or active. */
type TimeEvent =
  | {readonly kind: 'watermark'; readonly timestamp: number}
  | {readonly kind: 'status'; readonly isIdle: boolean};

/** An event on its way: into an operator, or out of it. */
interface Delivery {
  readonly node: number;
  readonly isOut: boolean;
  readonly event: TimeEvent;
}

const FORCED_ROUNDS_MAX = 1_000_000;

export interface EventTimeFlowOptions {
  readonly plan: ChainPlan;
  readonly operators: readonly OperatorRuntime[];
  readonly writers: readonly RecordWriter[];
  readonly inputCount: number;
  /** Raised by writers that have no room: what comes next has to wait. */
  readonly stop: StopFlag;
  /** Whether all operators behind a node take records. */
  readonly isWritableBehind: (node: number) => boolean;
  /** Calls code of an operator, so that what it throws names it. */
  readonly guard: <T>(node: number, action: () => T) => T;
}

export class EventTimeFlow {
  readonly #options: EventTimeFlowOptions;
  readonly #combined: CombinedWatermark;
  readonly #inputs: readonly PartialWatermark[];
  /** Of the inputs, oldest first; taken up when the stack is empty. */
  readonly #queue: TimeEvent[] = [];
  /** What is under way; the last one is next. */
  readonly #stack: Delivery[] = [];
  /** What operators have emitted since the last look, in their order. */
  #emitted: Delivery[] = [];
  /** How many calls of `handOn` are under way. */
  #forced = 0;
  /** By node: the last watermark into and out of the operator. */
  readonly #watermarks: Float64Array;
  /** By node: whether its outputs are idle. Watermarks are no news then, save the last one. */
  readonly #isOutIdle: Uint8Array;

  constructor(options: EventTimeFlowOptions) {
    this.#options = options;
    this.#combined = new CombinedWatermark(options.inputCount);
    this.#inputs = this.#combined.parts;
    this.#watermarks = new Float64Array(options.plan.nodes.length * 2).fill(-Infinity);
    this.#isOutIdle = new Uint8Array(options.plan.nodes.length);
  }

  /** Whether nothing waits to be handed on. */
  get isSettled(): boolean {
    return this.#stack.length === 0 && this.#queue.length === 0 && this.#emitted.length === 0;
  }

  /** The last watermark that came to operator `node`, and that left it. */
  inputWatermark(node: number): number {
    return this.#watermarks[2 * node]!;
  }

  outputWatermark(node: number): number {
    return this.#watermarks[2 * node + 1]!;
  }

  /** Input `inputIndex` of the head has come to `timestamp`. */
  watermark(timestamp: number, inputIndex: number): void {
    if (this.#inputs.length === 1) {
      this.#queue.push({kind: 'watermark', timestamp});
      return;
    }
    this.#inputs[inputIndex]!.advance(timestamp);
    this.#combine();
  }

  /** Input `inputIndex` of the head has become idle, or active again. */
  status(isIdle: boolean, inputIndex: number): void {
    if (this.#inputs.length === 1) {
      this.#queue.push({kind: 'status', isIdle});
      return;
    }
    const wasIdle = this.#combined.isIdle;
    this.#inputs[inputIndex]!.isIdle = isIdle;
    this.#combine();
    if (this.#combined.isIdle !== wasIdle) this.#queue.push({kind: 'status', isIdle});
  }

  /** The operator `node` emits by itself. */
  emit(node: number, event: TimeEvent): void {
    this.#emitted.push({node, isOut: true, event});
  }

  /** Whether operators have to go on although outputs are full. */
  get isForced(): boolean {
    return this.#forced > 0;
  }

  /** Whether operator `node` has seen nothing yet of what is under way. */
  isBefore(node: number): boolean {
    return (
      this.#stack.every(delivery => delivery.node < node) &&
      this.#emitted.every(delivery => delivery.node < node)
    );
  }

  /** Hands on what waits; false if an operator has to go on later. */
  proceed(): boolean {
    return this.#run(0);
  }

  /** Hands on what operators have emitted since the last look, without a stop. */
  handOn(): void {
    if (this.#emitted.length === 0) return;
    const depth = this.#stack.length;
    this.#forced += 1;
    try {
      let rounds = 0;
      while (!this.#run(depth)) {
        rounds += 1;
        assert(rounds < FORCED_ROUNDS_MAX, 'an operator does not go on though it may emit');
      }
    } finally {
      this.#forced -= 1;
    }
  }

  /** Goes on until the stack is as high as `depth`; at the bottom it takes up what inputs have said. */
  #run(depth: number): boolean {
    const stack = this.#stack;
    for (;;) {
      this.#takeUpEmitted();
      if (this.isForced) {
        if (stack.length === depth) return true;
      } else if (this.#options.stop.requested && !this.isSettled) {
        return false;
      }
      const delivery = stack.at(-1);
      if (delivery === undefined) {
        const event = this.#queue.shift();
        if (event === undefined) return true;
        stack.push({node: 0, isOut: false, event});
      } else if (delivery.isOut) {
        stack.pop();
        this.#leave(delivery);
      } else {
        const isDone = this.#enter(delivery);
        if (isDone) {
          // Not the last any more if the operator has emitted, but that is still in `#emitted`.
          stack.pop();
          const {node, event} = delivery;
          if (this.#options.operators[node]!.forwardsWatermarks) {
            stack.push({node, isOut: true, event});
          }
        }
        this.#takeUpEmitted();
        if (!isDone && stack.at(-1) === delivery) return false;
      }
    }
  }

  #combine(): void {
    if (this.#combined.update()) {
      this.#queue.push({kind: 'watermark', timestamp: this.#combined.watermark});
    }
  }

  /** What was emitted last is done last, so it lies below what was emitted before. */
  #takeUpEmitted(): void {
    if (this.#emitted.length === 0) return;
    this.#stack.push(...this.#emitted.reverse());
    this.#emitted = [];
  }

  #enter({node, event}: Delivery): boolean {
    const {operators, guard, isWritableBehind} = this.#options;
    if (!this.isForced && !isWritableBehind(node)) return false;
    const operator = operators[node]!;
    if (event.kind === 'watermark') {
      this.#watermarks[2 * node] = event.timestamp;
      return guard(node, () => operator.processWatermark(event.timestamp));
    }
    guard(node, () => operator.processStatus(event.isIdle));
    return true;
  }

  #leave(delivery: Delivery): void {
    const {node, event} = delivery;
    const isIdle = this.#isOutIdle[node] === 1;
    if (event.kind === 'watermark') {
      if (isIdle) {
        if (event.timestamp !== MAX_WATERMARK) return;
        // The end comes, whoever slept.
        this.#stack.push(delivery);
        this.#leave({node, isOut: true, event: {kind: 'status', isIdle: false}});
        return;
      }
      this.#watermarks[2 * node + 1] = event.timestamp;
    } else {
      if (event.isIdle === isIdle) return;
      this.#isOutIdle[node] = event.isIdle ? 1 : 0;
    }
    const {plan, writers} = this.#options;
    const {outputs} = plan.nodes[node]!;
    for (const {target} of outputs) {
      if (target.kind !== 'writer') continue;
      if (event.kind === 'watermark') writers[target.index]!.emitWatermark(event.timestamp);
      else writers[target.index]!.emitStatus(event.isIdle);
    }
    for (const {target} of outputs.toReversed()) {
      if (target.kind === 'operator') this.#stack.push({node: target.index, isOut: false, event});
    }
  }
}
