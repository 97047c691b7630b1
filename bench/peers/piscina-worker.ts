/** The task of the piscina peer: counts a batch into the state that this worker keeps. */

export interface KeyedRecord {
  readonly key: number;
  readonly value: number;
  readonly ts: number;
}

export interface HandoffRecord extends KeyedRecord {
  readonly flags: number;
}

export type Task =
  | {readonly kind: 'reset'; readonly records: KeyedRecord[]}
  | {readonly kind: 'count'; readonly records: KeyedRecord[]}
  | {readonly kind: 'handoff'; readonly records: HandoffRecord[]};

export interface TaskResult {
  readonly updates: number;
  readonly counts: number;
  readonly fields: number;
}

const states = new Map<number, {count: number; sum: number}>();

function add(key: number, value: number): number {
  let state = states.get(key);
  if (state === undefined) states.set(key, (state = {count: 0, sum: 0}));
  state.sum += value;
  return (state.count += 1);
}

export default function run(task: Task): TaskResult {
  let counts = 0;
  let fields = 0;
  if (task.kind === 'reset') states.clear();
  else if (task.kind === 'count') {
    for (const record of task.records) counts += add(record.key, record.value);
  } else {
    for (const record of task.records) {
      counts += add(record.key, record.value);
      fields += record.flags + record.value + record.ts;
    }
  }
  return {updates: task.records.length, counts, fields};
}
