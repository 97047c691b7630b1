/**
 * Piscina: work that crosses threads as tasks. The main thread makes the records and hands them
 * over in arrays of 1000; the task counts them. For a keyed job each partition has a pool of one
 * worker, because a pool does not promise which worker gets a task. A few tasks are in flight per
 * pool; the next array is made when one is done. (So J2x takes three threads here.)
 */
import {Piscina} from 'piscina';
import {handoffFlags, handoffKey, handoffTime, type HandoffParameters} from '../jobs/handoff.ts';
import {keyFunction, ownerOf, WORKERS, type J2xParameters} from '../jobs/j2x.ts';
import {checksumOf, type Outcome} from '../jobs/job.ts';
import type {Runners} from '../lib/engines.ts';
import type {HandoffRecord, KeyedRecord, Task, TaskResult} from './piscina-worker.ts';

const BATCH = 1000;
const IN_FLIGHT = 4;

/** One partition: its worker, and what is on its way there. */
class Partition {
  readonly #pool = new Piscina<Task, TaskResult>({
    filename: new URL('./piscina-worker.ts', import.meta.url).href,
    minThreads: 1,
    maxThreads: 1,
  });
  readonly #running: Promise<void>[] = [];
  updates = 0;
  counts = 0;
  fields = 0;

  /** Hands `task` over; waits while too many are on their way. */
  async submit(task: Task): Promise<void> {
    if (this.#running.length >= IN_FLIGHT) await this.#running.shift();
    this.#running.push(
      this.#pool.run(task).then(result => {
        this.updates += result.updates;
        this.counts += result.counts;
        this.fields += result.fields;
      }),
    );
  }

  async drain(): Promise<void> {
    await Promise.all(this.#running.splice(0));
  }

  /** Forgets the counts of the last run, there and here. */
  async reset(): Promise<void> {
    await this.submit({kind: 'reset', records: []});
    await this.drain();
    this.updates = this.counts = this.fields = 0;
  }
}

async function loadJ2x(): Promise<(parameters: J2xParameters) => Promise<Outcome>> {
  const partitions = Array.from({length: WORKERS}, () => new Partition());
  return async ({records, keys}) => {
    const key = keyFunction(keys);
    for (const partition of partitions) await partition.reset();
    const batches: KeyedRecord[][] = partitions.map(() => []);
    for (let i = 0; i < records; i += 1) {
      const record = {key: key(i), value: i, ts: Math.floor(i / 100)};
      const owner = ownerOf(record.key);
      batches[owner].push(record);
      if (batches[owner].length === BATCH) {
        await partitions[owner].submit({kind: 'count', records: batches[owner]});
        batches[owner] = [];
      }
    }
    for (const [owner, rest] of batches.entries()) {
      await partitions[owner].submit({kind: 'count', records: rest});
      await partitions[owner].drain();
    }
    const updates = partitions.reduce((sum, partition) => sum + partition.updates, 0);
    const counts = partitions.reduce((sum, partition) => sum + partition.counts, 0);
    return {records, checksum: checksumOf(updates, counts)};
  };
}

async function loadHandoff(): Promise<(parameters: HandoffParameters) => Promise<Outcome>> {
  const partition = new Partition();
  return async ({records}) => {
    await partition.reset();
    for (let from = 0; from < records; from += BATCH) {
      const batch: HandoffRecord[] = [];
      for (let i = from; i < Math.min(from + BATCH, records); i += 1) {
        batch.push({key: handoffKey(i), flags: handoffFlags(i), value: i, ts: handoffTime(i)});
      }
      await partition.submit({kind: 'handoff', records: batch});
    }
    await partition.drain();
    const {updates, counts, fields} = partition;
    return {records, checksum: checksumOf(updates, counts, fields)};
  };
}

export const runners: Runners = {j2x: loadJ2x, handoff: loadHandoff};
