/** Drives a harness through the steps of a vector, and writes down what comes out of each. */
import {isRecord, type OperatorHarness, type HarnessOutput} from '../../src/testing/index.ts';
import {Unsupported, plain, timeOf, type Outcome, type Output, type Step} from './vector.ts';

/** A record as the stream's operators get it: the step's own fields. */
export function elementOf(step: Step): Record<string, unknown> {
  const {key, tag, value} = step;
  return {
    ...(key === undefined ? {} : {key}),
    ...(tag === undefined ? {} : {tag}),
    ...('value' in step ? {value} : {}),
    ...extraFieldsOf(step),
  };
}

const KNOWN = new Set(['input', 'ts', 'key', 'tag', 'value']);

/** Fields of a record that only some operators read, such as the gap of a dynamic session. */
function extraFieldsOf(step: Step): Record<string, unknown> {
  return Object.fromEntries(Object.entries(step).filter(([name]) => !KNOWN.has(name)));
}

export interface StepOptions {
  /** Makes a record of a step; default: its own fields. */
  readonly element?: (step: Step) => unknown;
  /** What an action does. */
  readonly action?: (action: string) => void;
  /** Wait for promises behind each step. */
  readonly settles?: boolean;
  /** Side outputs by the names that the vector gives them. */
  readonly sides?: Readonly<Record<string, string>>;
}

/** Runs all steps. */
export async function runSteps(
  harness: OperatorHarness<any, any, any>,
  steps: readonly Step[],
  options: StepOptions = {},
): Promise<Outcome> {
  const expected: Output[] = [];
  const side: Record<string, Output[]> = {};
  const read = new Map<string, number>();
  for (const [index, step] of steps.entries()) {
    runStep(harness, step, options);
    if (options.settles === true) await harness.settle();
    expected.push(...harness.takeOutput().map(output => outputOf(index, output)));
    for (const [name, tag] of Object.entries(options.sides ?? {})) {
      const records = harness.sideOutput(tag);
      for (const record of records.slice(read.get(name) ?? 0)) {
        (side[name] ??= []).push(outputOf(index, record));
      }
      read.set(name, records.length);
    }
  }
  harness.close();
  return {expected, side};
}

function runStep(
  harness: OperatorHarness<any, any, any>,
  step: Step,
  {element = elementOf, action}: StepOptions,
): void {
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
  } else if (step.endOfInput !== undefined) {
    harness.endInput();
  } else if (step.action !== undefined) {
    if (action === undefined) throw new Unsupported(`action ${step.action}`);
    action(step.action);
  } else {
    const timestamp = typeof step.ts === 'number' ? step.ts : undefined;
    if (input === 2) harness.processElement2(element(step), timestamp);
    else harness.processElement(element(step), timestamp);
  }
}

export function outputOf(step: number, output: HarnessOutput<unknown>): Output {
  if (!isRecord(output)) return plain({step, ...output}) as Output;
  return plain({step, ts: output.timestamp ?? null, value: output.value}) as Output;
}
