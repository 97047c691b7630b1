/** How watermarks are made and merged: generators, the multiplexer of splits, the valve of channels. */
import {WatermarkStrategy, type DataStream} from '../../../src/index.ts';
import {ManualClock} from '../../../src/testing/index.ts';
import {PausableClock} from '../../../src/time/activity-clock.ts';
import {WatermarkOutputMultiplexer} from '../../../src/time/watermark-multiplexer.ts';
import {StatusWatermarkValve} from '../../../src/time/watermark-valve.ts';
import {runOne} from '../steps.ts';
import {
  Unsupported,
  plain,
  timeOf,
  type Operator,
  type Outcome,
  type Output,
  type Step,
  type Vector,
} from '../vector.ts';

function strategyOf({strategy, bound, idleness}: Operator): WatermarkStrategy<any> {
  const made =
    strategy === 'monotonous'
      ? WatermarkStrategy.forMonotonousTimestamps<any>()
      : WatermarkStrategy.forBoundedOutOfOrderness<any>(Number(bound ?? 0));
  return idleness === undefined ? made : made.withIdleness(Number(idleness));
}

/** Writes down what is emitted, with the step that it belongs to. */
class Recorder {
  readonly outputs: Output[] = [];
  step = 0;

  emitWatermark(watermark: number): void {
    this.outputs.push(plain({step: this.step, watermark}) as Output);
  }

  markIdle(): void {
    this.outputs.push({step: this.step, status: 'idle'});
  }

  markActive(): void {
    this.outputs.push({step: this.step, status: 'active'});
  }

  run(steps: readonly Step[], action: (step: Step) => void): Outcome {
    for (const [index, step] of steps.entries()) {
      this.step = index;
      action(step);
    }
    return {expected: this.outputs, side: {}};
  }
}

export function runWatermarkGenerator({operator, input}: Vector): Outcome {
  const clock = new ManualClock();
  const generator = strategyOf(operator).createWatermarkGenerator({
    activityClock: new PausableClock(clock),
  });
  const recorder = new Recorder();
  return recorder.run(input, step => {
    if (step.clock !== undefined) clock.set(Number(step.clock));
    else if (step.periodic === true) generator.onPeriodicEmit(recorder);
    else if (step.ts !== undefined) generator.onEvent(step, timeOf(step.ts), recorder);
    else throw new Unsupported(`step ${JSON.stringify(step)}`);
  });
}

export async function runTimestampsAndWatermarks(vector: Vector): Promise<Outcome> {
  const {operator, input} = vector;
  const strategy = strategyOf(operator).withTimestampAssigner((element, previous) =>
    // The time is the value, where the record comes without one.
    previous === undefined || previous === -Infinity ? Number(element.value) : previous,
  );
  const intervalMs = Number(operator.interval ?? 200);
  const build = (elements: DataStream<any>) => elements.assignTimestampsAndWatermarks(strategy);
  return await runOne({...vector, input: inProcessingTime(input, intervalMs)}, build, {
    config: {autoWatermarkIntervalMs: intervalMs},
  });
}

/** Steps that set a clock, or let an interval pass, as what they mean for processing time. */
function inProcessingTime(steps: readonly Step[], intervalMs: number): Step[] {
  let nowMs = 0;
  return steps.map(step => {
    if (step.processingTime !== undefined) nowMs = step.processingTime;
    else if (step.clock !== undefined) nowMs = Number(step.clock);
    else if (step.periodic === true) nowMs += intervalMs;
    else return step;
    return {processingTime: nowMs};
  });
}

export function runWatermarkValve({operator, input}: Vector): Outcome {
  const recorder = new Recorder();
  const valve = new StatusWatermarkValve(Number(operator.channels), recorder);
  return recorder.run(input, step => {
    const channel = Number(step.channel);
    if (step.watermark !== undefined) valve.inputWatermark(timeOf(step.watermark), channel);
    else if (step.status !== undefined) valve.inputStatus(step.status === 'idle', channel);
    else throw new Unsupported(`step ${JSON.stringify(step)}`);
  });
}

const SPLIT_ACTIONS = ['unreg', 'reg', 'imm', 'def', 'idle', 'active', 'periodic'];

/** An action on a split, in whichever way it is written down: `{action: 'imm:a=5'}`, `{imm: 'a', watermark: 5}`. */
function splitAction(step: Step): {name: string; id: string; watermark: unknown} {
  const {action, ...fields} = step;
  const words = String(action ?? '')
    .split(/[:=,() ]+/)
    .filter(word => word !== '');
  const name =
    words.length > 0 ? words.shift()! : SPLIT_ACTIONS.find(each => step[each] !== undefined);
  if (name === undefined || !SPLIT_ACTIONS.includes(name)) {
    throw new Unsupported(`step ${JSON.stringify(step)}`);
  }
  const own = step[name];
  if (typeof own === 'string') words.push(...own.split(/[:=,() ]+/));
  if (typeof own === 'number' && (name === 'imm' || name === 'def')) fields.watermark ??= own;
  else if (typeof own === 'number') words.push(String(own));
  if (Array.isArray(own)) words.push(...own.map(String));
  const nested = typeof own === 'object' && own !== null && !Array.isArray(own) ? own : {};
  const all: Record<string, unknown> = {...fields, ...nested};
  const idField = ['id', 'output', 'split', 'channel', 'key'].find(each => all[each] !== undefined);
  const id = idField === undefined ? words.shift() : all[idField];
  const watermark = all.watermark ?? all.ts ?? all.value ?? words.shift();
  return {name, id: String(id), watermark};
}

export function runWatermarkMultiplexer({input}: Vector): Outcome {
  const recorder = new Recorder();
  const multiplexer = new WatermarkOutputMultiplexer(recorder);
  return recorder.run(input, step => {
    const {name, id, watermark} = splitAction(step);
    const time = () =>
      timeOf(
        typeof watermark === 'string' && /^-?\d/.test(watermark) ? Number(watermark) : watermark,
      );
    if (name === 'reg') multiplexer.registerNewOutput(id);
    else if (name === 'unreg') multiplexer.unregisterOutput(id);
    else if (name === 'imm') multiplexer.getImmediateOutput(id).emitWatermark(time());
    else if (name === 'def') multiplexer.getDeferredOutput(id).emitWatermark(time());
    else if (name === 'idle') multiplexer.getImmediateOutput(id).markIdle();
    else if (name === 'active') multiplexer.getImmediateOutput(id).markActive();
    else multiplexer.onPeriodicEmit();
  });
}
