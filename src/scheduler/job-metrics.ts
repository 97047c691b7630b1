/** Reads the numbers of all tasks of a job out of its arena: no task notices. From any thread. */
import type {Arena} from '../memory/arena.ts';
import {ringLength} from '../memory/spsc-ring.ts';
import {readNamedCounters} from '../metrics/named-counters.ts';
import {readTaskMetrics} from '../metrics/task-metrics.ts';
import {readTaskWatermarks} from '../metrics/task-watermarks.ts';
import type {ChannelLayout} from '../network/channel.ts';
import type {EngineDeploymentPlan} from './deployment.ts';
import type {JobMetrics, MetricsReader, TaskMetrics} from './runtime-contract.ts';

export class JobMetricsReader implements MetricsReader {
  readonly #arena: Arena;
  readonly #plan: EngineDeploymentPlan;

  constructor(arena: Arena, plan: EngineDeploymentPlan) {
    this.#arena = arena;
    this.#plan = plan;
  }

  read(): JobMetrics {
    return {tasks: this.#plan.tasks.map(({taskIndex}) => this.#task(taskIndex))};
  }

  #task(taskIndex: number): TaskMetrics {
    const {tasks, vertices, layout, inputChannels, outputChannels, inputCreditsMax} = this.#plan;
    const {vertexId, name, subtaskIndex, workerIndex} = tasks[taskIndex];
    const {operators: counts, ...numbers} = readTaskMetrics(
      this.#arena,
      layout.taskMetrics[taskIndex],
    );
    const {operators: watermarks} = readTaskWatermarks(
      this.#arena,
      layout.taskWatermarks[taskIndex],
    );
    return {
      taskIndex,
      vertexId,
      name,
      subtaskIndex,
      workerIndex,
      ...numbers,
      inputQueueLength: this.#queued(inputChannels[taskIndex]),
      inputQueueLengthMax: inputCreditsMax[taskIndex],
      outputQueueLength: this.#queued(outputChannels[taskIndex]),
      currentInputWatermark: watermarks[0]!.input,
      currentOutputWatermark: watermarks.at(-1)!.output,
      operators: vertices
        .find(vertex => vertex.id === vertexId)!
        .operators.map(({uid, name: operator}, index) => ({
          uid,
          name: operator,
          recordsIn: counts[2 * index],
          recordsOut: counts[2 * index + 1],
        })),
      counters: readNamedCounters(this.#arena, layout.namedCounters[taskIndex]),
    };
  }

  #queued(channels: readonly ChannelLayout[]): number {
    let length = 0;
    for (const channel of channels) length += ringLength(this.#arena, channel.ring);
    return length;
  }
}
