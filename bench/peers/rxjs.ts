/** RxJS: J1 as map–filter–reduce, J2 with groupBy, as its users write it. */
import {filter, groupBy, lastValueFrom, map, mergeMap, range, reduce, scan} from 'rxjs';
import type {J1Parameters} from '../jobs/j1.ts';
import {j2Record, type J2Parameters} from '../jobs/j2.ts';
import {checksumOf, type Outcome} from '../jobs/job.ts';
import type {Runners} from '../lib/engines.ts';

async function runJ1({records}: J1Parameters): Promise<Outcome> {
  const sum = await lastValueFrom(
    range(0, records).pipe(
      map(i => 2 * i + 1),
      filter(value => value % 3 !== 0),
      reduce((total, value) => total + value, 0),
    ),
  );
  return {records, checksum: checksumOf(sum)};
}

async function runJ2({records}: J2Parameters): Promise<Outcome> {
  let updates = 0;
  let counts = 0;
  await new Promise<void>((resolve, reject) => {
    range(0, records)
      .pipe(
        map(j2Record),
        groupBy(record => record.k),
        mergeMap(group =>
          group.pipe(
            scan(count => count + 1, 0),
            map(count => ({key: group.key, count})),
          ),
        ),
      )
      .subscribe({
        next: update => {
          updates += 1;
          counts += update.count;
        },
        complete: resolve,
        error: reject,
      });
  });
  return {records, checksum: checksumOf(updates, counts)};
}

export const runners: Runners = {j1: async () => runJ1, j2: async () => runJ2};
