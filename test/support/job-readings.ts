/** Metrics of a small made-up job (source and flat map, then a sink), for what shows metrics. */
import type {JobMetrics, TaskMetrics} from '../../src/scheduler/runtime-contract.ts';

export interface TaskNumbers {
  readonly lines?: number;
  readonly words?: number;
  readonly busyMs?: number;
  readonly backpressuredMs?: number;
  readonly idleMs?: number;
  readonly queue?: number;
  readonly counters?: Readonly<Record<string, number>>;
}

/** Two subtasks that read a source and cut its lines; what they did is split evenly between them. */
export function sourceTasks(numbers: TaskNumbers): TaskMetrics[] {
  const {lines = 0, words = 0} = numbers;
  return [0, 1].map(subtask =>
    task(
      subtask,
      {vertexId: 'source', name: `Lines -> Words (${subtask + 1}/2)`, subtaskIndex: subtask},
      numbers,
      [
        // The engine counts what goes into a source's chain as well.
        {uid: 'lines', name: 'Lines', recordsIn: lines / 2, recordsOut: lines / 2},
        {uid: 'words', name: 'Words', recordsIn: lines / 2, recordsOut: words / 2},
      ],
      0,
    ),
  );
}

/** The one subtask that takes the words. */
export function sinkTask(numbers: TaskNumbers): TaskMetrics {
  const {words = 0} = numbers;
  return task(
    2,
    {vertexId: 'sink', name: 'Print (1/1)', subtaskIndex: 0},
    numbers,
    [{uid: 'print', name: 'Print', recordsIn: words, recordsOut: 0}],
    12,
  );
}

export function jobMetrics(source: TaskNumbers, sink: TaskNumbers): JobMetrics {
  return {tasks: [...sourceTasks(source), sinkTask(sink)]};
}

function task(
  taskIndex: number,
  place: Pick<TaskMetrics, 'vertexId' | 'name' | 'subtaskIndex'>,
  {busyMs = 0, backpressuredMs = 0, idleMs = 0, queue = 0, counters = {}}: TaskNumbers,
  operators: TaskMetrics['operators'],
  inputQueueLengthMax: number,
): TaskMetrics {
  return {
    taskIndex,
    ...place,
    workerIndex: taskIndex % 2,
    recordsIn: operators[0]!.recordsIn,
    recordsOut: operators.at(-1)!.recordsOut,
    bytesIn: 0,
    bytesOut: 0,
    busyMs,
    idleMs,
    backpressuredMs,
    inputQueueLength: queue,
    inputQueueLengthMax,
    outputQueueLength: 0,
    currentInputWatermark: -Infinity,
    currentOutputWatermark: -Infinity,
    operators,
    counters,
  };
}
