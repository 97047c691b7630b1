/**
 * What holds the watermark of each operator back: read out of shared memory, from any thread, while the
 * job runs. An operator stands where the slowest of its channels stands, so the trail goes from channel
 * to channel until it comes to where watermarks are made: a source, a split of it, or an operator that
 * assigns them.
 *
 *   Window (2/4) ◄─ channel of Map (1/2) ◄─ Source: clicks (3/4) ◄─ split file-7
 */
import type {Arena} from '../memory/arena.ts';
import {
  CHANNEL_ACTIVE,
  CHANNEL_IDLE,
  readTaskWatermarks,
  type TaskWatermarks,
} from '../metrics/task-watermarks.ts';
import type {SourceSplit} from '../operators/source.ts';
import {MAX_WATERMARK, MIN_WATERMARK} from '../time/watermark.ts';
import {FROM_HOST} from './arena-layout.ts';
import type {EngineDeployment, EngineDeploymentPlan, VertexDescription} from './deployment.ts';
import type {OperatorWatermark, WatermarkHolder, WatermarkReader} from './runtime-contract.ts';

/** A task with everything that is known about it. */
interface Task {
  readonly name: string;
  readonly subtaskIndex: number;
  readonly vertex: VertexDescription;
  readonly producers: readonly number[];
  readonly splits: readonly SourceSplit[];
  readonly now: TaskWatermarks;
}

export class WatermarkReportReader implements WatermarkReader {
  readonly #arena: Arena;
  readonly #plan: EngineDeploymentPlan;
  readonly #splits: EngineDeployment['splits'];

  constructor(arena: Arena, {plan, splits}: EngineDeployment) {
    this.#arena = arena;
    this.#plan = plan;
    this.#splits = splits;
  }

  explain(nowMs: number): OperatorWatermark[] {
    const {tasks, vertices, layout, inputProducers} = this.#plan;
    const read = tasks.map(({taskIndex, name, vertexId, subtaskIndex}): Task => {
      const vertex = vertices.findIndex(({id}) => id === vertexId);
      return {
        name,
        subtaskIndex,
        vertex: vertices[vertex]!,
        producers: inputProducers[taskIndex]!,
        splits: this.#splits[vertex]!,
        now: readTaskWatermarks(this.#arena, layout.taskWatermarks[taskIndex]!),
      };
    });
    return vertices.flatMap(vertex => {
      const subtasks = read.filter(task => task.vertex === vertex);
      return vertex.operators.map((_, operator) => {
        const slowest = subtasks.reduce((slow, task) =>
          watermarkOf(task, operator) < watermarkOf(slow, operator) ? task : slow,
        );
        return describe(read, slowest, operator, subtasks, nowMs);
      });
    });
  }
}

function describe(
  tasks: readonly Task[],
  task: Task,
  operatorIndex: number,
  subtasks: readonly Task[],
  nowMs: number,
): OperatorWatermark {
  const {uid, name} = task.vertex.operators[operatorIndex]!;
  const {sinceMs} = task.now.operators[operatorIndex]!;
  const report = {
    uid,
    operator: name,
    task: task.name,
    subtaskIndex: task.subtaskIndex,
    watermark: watermarkOf(task, operatorIndex),
    standsForMs: sinceMs === 0 ? 0 : Math.max(0, nowMs - sinceMs),
    isIdle: isIdle(task),
    hasTimers: subtasks.some(({now}) => now.operators[operatorIndex]!.hasTimers),
    heldBackBy: holderOf(tasks, task, operatorIndex, nowMs),
  };
  return {...report, text: textOf(report)};
}

/** Where an operator stands; one that makes watermarks stands where they are. */
function watermarkOf({vertex, now}: Task, operatorIndex: number): number {
  const {input, output} = now.operators[operatorIndex]!;
  return vertex.operators[operatorIndex]!.makesWatermarks ? output : input;
}

function isIdle({now: {channels}}: Task): boolean {
  return (
    channels.some(({state}) => state === CHANNEL_IDLE) &&
    channels.every(({state}) => state !== CHANNEL_ACTIVE)
  );
}

function holderOf(
  tasks: readonly Task[],
  from: Task,
  operatorIndex: number,
  nowMs: number,
): WatermarkHolder | undefined {
  const path: string[] = [];
  let task = from;
  let operator = operatorIndex;
  for (;;) {
    const maker = task.vertex.operators
      .slice(0, operator + 1)
      .findLastIndex(({makesWatermarks}) => makesWatermarks);
    if (maker >= 0) return makerOf(task, maker, path, nowMs);
    const active = [...task.now.channels.entries()].filter(
      ([, {state}]) => state === CHANNEL_ACTIVE,
    );
    if (active.length === 0) return undefined;
    const [slowest] = active.reduce((slow, each) =>
      each[1].watermark < slow[1].watermark ? each : slow,
    );
    const producer = task.producers[slowest]!;
    if (producer === FROM_HOST) return undefined;
    task = tasks[producer]!;
    operator = task.vertex.operators.length - 1;
    path.unshift(task.name);
  }
}

function makerOf(task: Task, maker: number, path: string[], nowMs: number): WatermarkHolder {
  const {uid, name} = task.vertex.operators[maker]!;
  const {sinceMs} = task.now.operators[maker]!;
  const holder = {
    uid,
    operator: name,
    task: task.name,
    subtaskIndex: task.subtaskIndex,
    path,
    watermark: watermarkOf(task, maker),
    standsForMs: sinceMs === 0 ? 0 : Math.max(0, nowMs - sinceMs),
  };
  const active = maker === 0 ? task.now.splits.filter(split => !split.isIdle) : [];
  if (active.length === 0) return holder;
  const slowest = active.reduce((slow, split) => (split.watermark < slow.watermark ? split : slow));
  return {...holder, split: task.splits[slowest.index]!.splitId};
}

function textOf(report: Omit<OperatorWatermark, 'text'>): string {
  const {task, operator, watermark, standsForMs, heldBackBy} = report;
  if (watermark === MAX_WATERMARK) return `${operator} has seen the last watermark`;
  const subtask = task.slice(task.lastIndexOf(' ('));
  const stands =
    watermark === MIN_WATERMARK
      ? `${operator}${subtask} has no watermark yet`
      : `${operator}${subtask} stands at ${showTime(watermark)}`;
  const since = `since ${showSeconds(standsForMs)}`;
  if (report.isIdle) return `${stands} ${since}: all its inputs are idle`;
  if (heldBackBy === undefined) return `${stands} ${since}`;
  const {split, path} = heldBackBy;
  const parts = [
    split === undefined ? '' : `split ${split} of `,
    heldBackBy.operator,
    heldBackBy.task.slice(heldBackBy.task.lastIndexOf(' (')),
  ];
  // The task of the holder is the first one on the way, and has been named.
  const way = path.slice(1);
  const over = way.length === 0 ? '' : `, over ${way.join(', ')}`;
  const isItself = heldBackBy.uid === report.uid && heldBackBy.task === task;
  if (isItself && split === undefined) return `${stands} ${since}`;
  return `${stands} ${since}: held back by ${parts.join('')}${over}`;
}

const TEXT_YEAR_MIN_MS = Date.UTC(1980, 0);
const TEXT_YEAR_MAX_MS = Date.UTC(2200, 0);

/** A date if it looks like one; jobs may count time from wherever they like. */
function showTime(watermark: number): string {
  const isDate = watermark > TEXT_YEAR_MIN_MS && watermark < TEXT_YEAR_MAX_MS;
  return isDate ? new Date(watermark).toISOString() : String(watermark);
}

function showSeconds(ms: number): string {
  return ms < 10_000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 1000)} s`;
}
