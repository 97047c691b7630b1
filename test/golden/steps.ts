/**
 * Drives what a vector describes through the vector's steps, and writes down what comes out of each. It runs in
 * one subtask, or in several, if the vector says so; a snapshot in between may change their number.
 */
import type {DataStream} from '../../src/index.ts';
import {
  OperatorHarness,
  isRecord,
  subtaskOfKey,
  type HarnessOptions,
  type HarnessOutput,
  type HarnessSnapshot,
} from '../../src/testing/index.ts';
import {
  Unsupported,
  plain,
  timeOf,
  type Outcome,
  type Output,
  type Step,
  type Vector,
} from './vector.ts';

type AnyHarness = OperatorHarness<any, any, any>;

const DEFAULT_MAX_PARALLELISM = 128;

/** A record as the stream's operators get it: the step's own fields. */
export function elementOf(step: Step): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(step).filter(([name]) => name !== 'input' && name !== 'ts'),
  );
}

export interface StepOptions {
  /** Makes a record of a step; default: its own fields. */
  readonly element?: (step: Step) => unknown;
  /** What an action does, if it is no snapshot. */
  readonly action?: (action: string) => void;
  /** Wait for promises behind each step. */
  readonly settles?: boolean;
  /** Names of side outputs, which are those of the vector too. */
  readonly sides?: readonly string[];
  /** Options of the job. */
  readonly config?: HarnessOptions['config'];
}

/** Runs what `build` makes of one stream. */
export async function runOne(
  vector: Vector,
  build: (input: DataStream<any>) => DataStream<any>,
  options: StepOptions = {},
): Promise<Outcome> {
  return await new Run(vector, options, (snapshots, place) =>
    OperatorHarness.restore(build, snapshots, place),
  ).run();
}

/** Runs what `build` makes of two streams. */
export async function runTwo(
  vector: Vector,
  build: (first: DataStream<any>, second: DataStream<any>) => DataStream<any>,
  options: StepOptions = {},
): Promise<Outcome> {
  return await new Run(vector, options, (snapshots, place) =>
    OperatorHarness.restoreTwo(build, snapshots, place),
  ).run();
}

/** Makes the harness of a subtask. */
type Create = (snapshots: readonly HarnessSnapshot[], options: HarnessOptions) => AnyHarness;

class Run {
  readonly #vector: Vector;
  readonly #options: StepOptions;
  readonly #create: Create;
  readonly #maxParallelism: number;
  readonly #showsSubtask: boolean;
  readonly #expected: Output[] = [];
  readonly #side: Record<string, Output[]> = {};
  /** By subtask: records of a side output that have been read. */
  readonly #read = new Map<AnyHarness, Map<string, number>>();
  #harnesses: readonly AnyHarness[];
  #nowMs = 0;

  constructor(vector: Vector, options: StepOptions, create: Create) {
    const {from, parallelism, maxParallelism} = vector.operator;
    this.#vector = vector;
    this.#options = options;
    this.#create = create;
    this.#maxParallelism = Number(maxParallelism ?? DEFAULT_MAX_PARALLELISM);
    this.#showsSubtask = vector.expected.some(({subtask}) => subtask !== undefined);
    this.#harnesses = this.#start(Number(from ?? parallelism ?? 1), []);
  }

  async run(): Promise<Outcome> {
    for (const [index, step] of this.#vector.input.entries()) {
      this.#step(step);
      for (const [subtask, harness] of this.#harnesses.entries()) {
        if (this.#options.settles === true) await harness.settle();
        this.#writeDown(index, subtask, harness);
      }
    }
    for (const harness of this.#harnesses) harness.close();
    return {expected: this.#expected, side: this.#side};
  }

  #start(parallelism: number, snapshots: readonly HarnessSnapshot[]): AnyHarness[] {
    return Array.from({length: parallelism}, (_, subtask) =>
      this.#create(snapshots, {
        subtask,
        parallelism,
        maxParallelism: this.#maxParallelism,
        startMs: this.#nowMs,
        config: {...this.#vector.config, ...this.#options.config},
      }),
    );
  }

  #step(step: Step): void {
    if (step.action !== undefined) {
      this.#act(step.action);
    } else if (isElement(step)) {
      const harness = this.#harnesses[this.#subtaskOf(step)]!;
      const element = (this.#options.element ?? elementOf)(step);
      const timestamp = typeof step.ts === 'number' ? step.ts : undefined;
      if (step.input === 2) harness.processElement2(element as never, timestamp);
      else harness.processElement(element, timestamp);
    } else {
      if (step.processingTime !== undefined) this.#nowMs = step.processingTime;
      for (const harness of this.#harnesses) signal(harness, step);
    }
  }

  /** Records without key go to the only subtask. */
  #subtaskOf({key}: Step): number {
    const {length} = this.#harnesses;
    return length === 1 ? 0 : subtaskOfKey(key, length, this.#maxParallelism);
  }

  #act(action: string): void {
    if (!/snapshot|restore/i.test(action)) {
      if (this.#options.action === undefined) throw new Unsupported(`action ${action}`);
      this.#options.action(action);
      return;
    }
    const snapshots = this.#harnesses.map(harness => harness.snapshot());
    for (const harness of this.#harnesses) harness.close();
    const {to} = this.#vector.operator;
    const parallelism = /parallelism (\d+)/.exec(action)?.[1] ?? to ?? this.#harnesses.length;
    this.#harnesses = this.#start(Number(parallelism), snapshots);
  }

  #writeDown(step: number, subtask: number, harness: AnyHarness): void {
    const place = this.#showsSubtask ? {step, subtask} : {step};
    for (const output of harness.takeOutput()) {
      this.#expected.push({...place, ...outputOf(output)});
    }
    const read = this.#read.get(harness) ?? new Map<string, number>();
    this.#read.set(harness, read);
    for (const name of this.#options.sides ?? []) {
      const records = harness.sideOutput(name);
      for (const record of records.slice(read.get(name) ?? 0)) {
        (this.#side[name] ??= []).push({...place, ...outputOf(record)});
      }
      read.set(name, records.length);
    }
  }
}

/** Whether a step is a record, and not about time or the end. */
function isElement({watermark, status, processingTime, endOfInput}: Step): boolean {
  return [watermark, status, processingTime, endOfInput].every(each => each === undefined);
}

function signal(harness: AnyHarness, step: Step): void {
  const {input} = step;
  if (step.watermark !== undefined) {
    const watermark = timeOf(step.watermark);
    if (input === 1) harness.processWatermark1(watermark);
    else if (input === 2) harness.processWatermark2(watermark);
    else harness.processWatermark(watermark);
  } else if (step.status !== undefined) {
    harness.processStatus(step.status, input);
  } else if (step.processingTime !== undefined) {
    harness.setProcessingTime(step.processingTime);
  } else {
    harness.endInput();
  }
}

function outputOf(output: HarnessOutput<unknown>): object {
  if (!isRecord(output)) return plain(output) as object;
  return plain({ts: output.timestamp ?? null, value: output.value}) as object;
}
