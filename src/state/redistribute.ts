/**
 * Hands the state of an operator's subtasks to another number of subtasks, as Flink does:
 *
 *   keyed        each key group goes to the subtask that owns it now; no key is looked at
 *   split list   if the number changes, all entries in the order of the old subtasks, cut into pieces that
 *                differ by one entry at most
 *   union list   each subtask gets the entries of all
 *   broadcast    subtask i gets the copy of the old subtask i mod n
 *
 * Pure functions over plain data; values are shared between the results, not copied.
 */
import {StreamError} from '../base/errors.ts';
import {keyGroupRange} from '../base/key-group.ts';
import type {KeyGroupSnapshot, KeyedSnapshot} from './keyed-snapshot.ts';
import type {OperatorStateSnapshot} from './operator-state-backend.ts';

/** All state of one operator in one subtask; plain data. */
export interface OperatorSnapshot {
  readonly keyed?: KeyedSnapshot | undefined;
  readonly operator?: OperatorStateSnapshot | undefined;
}

/**
 * What each of `newParallelism` subtasks gets of `snapshots`, which are those of all old subtasks in
 * order. Errors: `E_STATE_MAX_PARALLELISM` if the number of key groups has changed.
 */
export function redistribute(
  snapshots: ReadonlyArray<OperatorSnapshot | undefined>,
  newParallelism: number,
  maxParallelism: number,
): OperatorSnapshot[] {
  const keyed = redistributeKeyed(snapshots, newParallelism, maxParallelism);
  const operator = redistributeOperator(
    snapshots.map(snapshot => snapshot?.operator),
    newParallelism,
  );
  return keyed.map((snapshot, subtask) => ({keyed: snapshot, operator: operator[subtask]}));
}

function redistributeKeyed(
  snapshots: ReadonlyArray<OperatorSnapshot | undefined>,
  newParallelism: number,
  maxParallelism: number,
): Array<KeyedSnapshot | undefined> {
  const groups: KeyGroupSnapshot[] = [];
  for (const snapshot of snapshots) {
    if (snapshot?.keyed === undefined) continue;
    if (snapshot.keyed.maxParallelism !== maxParallelism) {
      throw new StreamError(
        'E_STATE_MAX_PARALLELISM',
        'keyed state cannot be restored into another number of key groups',
        {savedMaxParallelism: snapshot.keyed.maxParallelism, maxParallelism},
        {remedy: 'set maxParallelism to the one that the state was saved with'},
      );
    }
    groups.push(...snapshot.keyed.groups);
  }
  groups.sort((a, b) => a.keyGroup - b.keyGroup);
  return Array.from({length: newParallelism}, (_, subtask) => {
    const {first, last} = keyGroupRange(subtask, maxParallelism, newParallelism);
    const own = groups.filter(({keyGroup}) => keyGroup >= first && keyGroup <= last);
    return own.length === 0 ? undefined : {maxParallelism, groups: own};
  });
}

type List = OperatorStateSnapshot['lists'][number];
type Broadcast = OperatorStateSnapshot['broadcasts'][number];

function redistributeOperator(
  snapshots: ReadonlyArray<OperatorStateSnapshot | undefined>,
  newParallelism: number,
): Array<OperatorStateSnapshot | undefined> {
  if (snapshots.every(snapshot => snapshot === undefined)) {
    return new Array<undefined>(newParallelism).fill(undefined);
  }
  const results = Array.from({length: newParallelism}, () => ({
    lists: [] as List[],
    broadcasts: [] as Broadcast[],
  }));
  const isRescaled = snapshots.length !== newParallelism;
  /** Who gets the first of the pieces that are longer by one: moves on, so that lists even out. */
  let first = 0;
  for (const name of namesOf(snapshots.map(snapshot => snapshot?.lists))) {
    const lists = snapshots.map(snapshot => snapshot?.lists.find(list => list.name === name));
    const {distribution} = lists.find(list => list !== undefined)!;
    const all = lists.flatMap(list => list?.entries ?? []);
    if (distribution === 'union' || !isRescaled) {
      for (const [subtask, result] of results.entries()) {
        const entries = distribution === 'union' ? all : (lists[subtask]?.entries ?? []);
        result.lists.push({name, distribution, entries});
      }
      continue;
    }
    const longer = all.length % newParallelism;
    let from = 0;
    for (let piece = 0; piece < newParallelism; piece += 1) {
      const to = from + Math.floor(all.length / newParallelism) + (piece < longer ? 1 : 0);
      const {lists: own} = results[(first + piece) % newParallelism]!;
      own.push({name, distribution, entries: all.slice(from, to)});
      from = to;
    }
    first = (first + longer) % newParallelism;
  }
  const broadcasts = snapshots.filter(snapshot => snapshot !== undefined);
  for (const [subtask, result] of results.entries()) {
    result.broadcasts.push(...(broadcasts[subtask % broadcasts.length]?.broadcasts ?? []));
  }
  return results;
}

function namesOf(lists: ReadonlyArray<readonly List[] | undefined>): Set<string> {
  return new Set(lists.flatMap(own => (own ?? []).map(({name}) => name)));
}
