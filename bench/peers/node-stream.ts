/** node:stream in object mode with default buffers: a Transform per operator, a Writable as sink. */
import {Readable, Transform, Writable} from 'node:stream';
import {pipeline} from 'node:stream/promises';
import type {J1Parameters} from '../jobs/j1.ts';
import {j2Record, type J2Parameters, type J2Record} from '../jobs/j2.ts';
import {checksumOf, type Outcome} from '../jobs/job.ts';
import type {Runners} from '../lib/engines.ts';

/** A source of `make(0)`, `make(1)`, … that respects backpressure. */
function source(records: number, make: (i: number) => unknown): Readable {
  let next = 0;
  return new Readable({
    objectMode: true,
    read() {
      while (next < records) {
        next += 1;
        if (!this.push(make(next - 1))) return;
      }
      this.push(null);
    },
  });
}

async function runJ1({records}: J1Parameters): Promise<Outcome> {
  let sum = 0;
  await pipeline(
    source(records, i => ({value: i})),
    new Transform({
      objectMode: true,
      transform(record: {value: number}, _, done) {
        done(null, {value: 2 * record.value + 1});
      },
    }),
    new Transform({
      objectMode: true,
      transform(record: {value: number}, _, done) {
        if (record.value % 3 !== 0) this.push(record);
        done();
      },
    }),
    new Writable({
      objectMode: true,
      write(record: {value: number}, _, done) {
        sum += record.value;
        done();
      },
    }),
  );
  return {records, checksum: checksumOf(sum)};
}

async function runJ2({records}: J2Parameters): Promise<Outcome> {
  const states = new Map<number, number>();
  let updates = 0;
  let counts = 0;
  await pipeline(
    source(records, j2Record),
    new Transform({
      objectMode: true,
      transform({k}: J2Record, _, done) {
        const count = (states.get(k) ?? 0) + 1;
        states.set(k, count);
        done(null, {key: k, count});
      },
    }),
    new Writable({
      objectMode: true,
      write(update: {count: number}, _, done) {
        updates += 1;
        counts += update.count;
        done();
      },
    }),
  );
  return {records, checksum: checksumOf(updates, counts)};
}

export const runners: Runners = {j1: async () => runJ1, j2: async () => runJ2};
