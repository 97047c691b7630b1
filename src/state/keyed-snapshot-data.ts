/**
 * Writes and reads keyed snapshots entry by entry, for any backend. The form is in keyed-snapshot.ts.
 */
import {StreamError} from '../base/errors.ts';
import type {KeyGroupRange} from '../base/key-group.ts';
import {
  fromPlainNamespace,
  toPlainNamespace,
  type KeyedSnapshot,
  type PlainNamespace,
  type StateEntries,
  type TimerEntries,
} from './keyed-snapshot.ts';
import type {KeySpace} from './key-space.ts';
import type {StateNamespace} from './keyed-state.ts';
import {sameNamespace} from './keyed-state.ts';
import type {AnyStateDescriptor, StateKind} from './state-descriptors.ts';
import {StateMap} from './state-map.ts';
import type {StateStore} from './state-store.ts';
import type {CheckedTtl} from './state-ttl.ts';
import type {TimedList, TimedValue} from './ttl-handles.ts';

/** A value as it is saved, with its times if the state has a TTL. */
export interface SavedValue {
  readonly value: unknown;
  readonly time?: number | number[];
}

/**
 * What a store keeps, as plain data that later changes do not reach; undefined if nothing of it is to be
 * saved, because all of it has expired and snapshots are cleaned up.
 */
export function toSavedValue(
  kind: StateKind,
  value: unknown,
  timeMs: number,
  ttl: CheckedTtl | undefined,
  nowMs: number,
): SavedValue | undefined {
  if (ttl === undefined) {
    if (kind === 'list') return {value: (value as unknown[]).slice()};
    return {value: kind === 'map' ? [...(value as StateMap<unknown>).entries()] : value};
  }
  const isSaved = (time: number) => !ttl.dropsInSnapshot || time + ttl.ttlMs > nowMs;
  if (kind === 'list') {
    const {values, times} = value as TimedList<unknown>;
    const kept = values.filter((_, index) => isSaved(times[index]!));
    return kept.length === 0 ? undefined : {value: kept, time: times.filter(isSaved)};
  }
  if (kind === 'map') {
    const entries = [...(value as StateMap<TimedValue<unknown>>).entries()];
    const kept = entries.filter(([, timed]) => isSaved(timed.timeMs));
    if (kept.length === 0) return undefined;
    return {
      value: kept.map(([key, timed]) => [key, timed.value]),
      time: kept.map(([, timed]) => timed.timeMs),
    };
  }
  return isSaved(timeMs) ? {value, time: timeMs} : undefined;
}

/**
 * What a store keeps of a saved value. Whether the state has a TTL may have changed: what has no time was
 * updated now.
 */
export function fromSavedValue(
  kind: StateKind,
  {value, time}: SavedValue,
  ttl: CheckedTtl | undefined,
  nowMs: number,
): {value: unknown; timeMs: number} {
  if (kind === 'list') {
    const values = (value as unknown[]).slice();
    if (ttl === undefined) return {value: values, timeMs: 0};
    const times = Array.isArray(time) ? time.slice() : values.map(() => nowMs);
    return {value: {values, times} satisfies TimedList<unknown>, timeMs: 0};
  }
  if (kind === 'map') {
    const map = new StateMap<unknown>();
    for (const [index, [key, entry]] of (value as Array<[unknown, unknown]>).entries()) {
      const timeMs = Array.isArray(time) ? time[index]! : nowMs;
      map.set(
        key,
        ttl === undefined ? entry : ({value: entry, timeMs} satisfies TimedValue<unknown>),
      );
    }
    return {value: map, timeMs: 0};
  }
  return {value, timeMs: typeof time === 'number' ? time : nowMs};
}

interface GroupUnderWay {
  readonly states: Map<string, StateEntries>;
  readonly timers: Map<string, TimerEntries>;
}

type Writable<T> = {-readonly [K in keyof T]: T[K]};

export class KeyedSnapshotWriter {
  readonly #maxParallelism: number;
  readonly #groups: Array<GroupUnderWay | undefined> = [];

  constructor(maxParallelism: number) {
    this.#maxParallelism = maxParallelism;
  }

  addState(
    keyGroup: number,
    name: string,
    kind: StateKind,
    key: unknown,
    namespace: StateNamespace,
    {value, time}: SavedValue,
  ): void {
    const {states} = this.#group(keyGroup);
    let entries = states.get(name);
    if (entries === undefined) {
      entries = {name, kind, keys: [], values: [], ...(time === undefined ? {} : {times: []})};
      states.set(name, entries);
    }
    addNamespace(entries, namespace);
    entries.keys.push(key);
    entries.values.push(value);
    if (time !== undefined) entries.times!.push(time);
  }

  addTimer(
    keyGroup: number,
    service: string,
    domain: 'event' | 'processing',
    key: unknown,
    namespace: StateNamespace,
    timestamp: number,
  ): void {
    const {timers} = this.#group(keyGroup);
    const name = `${domain} ${service}`;
    let entries = timers.get(name);
    if (entries === undefined) {
      entries = {service, domain, keys: [], timestamps: []};
      timers.set(name, entries);
    }
    addNamespace(entries, namespace);
    entries.keys.push(key);
    entries.timestamps.push(timestamp);
  }

  finish(): KeyedSnapshot {
    const groups = this.#groups.flatMap((group, keyGroup) =>
      group === undefined
        ? []
        : {keyGroup, states: [...group.states.values()], timers: [...group.timers.values()]},
    );
    return {maxParallelism: this.#maxParallelism, groups};
  }

  #group(keyGroup: number): GroupUnderWay {
    return (this.#groups[keyGroup] ??= {states: new Map(), timers: new Map()});
  }
}

/** Puts what a snapshot holds of one state into its new store. */
export function restoreState(
  {
    descriptor: {name, kind},
    store,
    ttl,
  }: {
    readonly descriptor: AnyStateDescriptor;
    readonly store: StateStore;
    readonly ttl: CheckedTtl | undefined;
  },
  keys: Pick<KeySpace, 'current' | 'setCurrent'>,
  restored: KeyedSnapshotReader,
  nowMs: number,
): void {
  const before = keys.current;
  for (const {key, namespace, saved} of restored.takeState(name)) {
    keys.setCurrent(key);
    store.setNamespace(namespace);
    const {value, timeMs} = fromSavedValue(kind, saved, ttl, nowMs);
    store.put(value);
    if (ttl !== undefined && kind !== 'list' && kind !== 'map') store.setTime(timeMs);
  }
  store.setNamespace(undefined);
  if (before !== undefined) keys.setCurrent(before);
}

/** Before the key is added: entries so far are void if there is no list of namespaces. */
function addNamespace(
  entries: {namespaces?: PlainNamespace[]; readonly keys: unknown[]},
  namespace: StateNamespace,
): void {
  if (entries.namespaces === undefined) {
    if (namespace === undefined) return;
    (entries as Writable<typeof entries>).namespaces = new Array<PlainNamespace>(
      entries.keys.length,
    ).fill(undefined);
  }
  entries.namespaces!.push(toPlainNamespace(namespace));
}

/** What was restored and nobody has asked for yet. */
export class KeyedSnapshotReader {
  readonly #states = new Map<string, Array<{keyGroup: number; entries: StateEntries}>>();
  readonly #timers = new Map<string, Array<{keyGroup: number; entries: TimerEntries}>>();

  /** Errors: `E_STATE_MAX_PARALLELISM` if the number of key groups has changed. */
  constructor(
    snapshot: KeyedSnapshot | undefined,
    {keyGroupRange, maxParallelism}: {keyGroupRange: KeyGroupRange; maxParallelism: number},
  ) {
    if (snapshot === undefined) return;
    if (snapshot.maxParallelism !== maxParallelism) {
      throw new StreamError(
        'E_STATE_MAX_PARALLELISM',
        'keyed state cannot be restored into another number of key groups',
        {savedMaxParallelism: snapshot.maxParallelism, maxParallelism},
        {remedy: 'set maxParallelism to the one that the state was saved with'},
      );
    }
    for (const {keyGroup, states, timers} of snapshot.groups) {
      if (keyGroup < keyGroupRange.first || keyGroup > keyGroupRange.last) continue;
      for (const entries of states) addTo(this.#states, entries.name, {keyGroup, entries});
      for (const entries of timers) {
        addTo(this.#timers, `${entries.domain} ${entries.service}`, {keyGroup, entries});
      }
    }
  }

  kindOf(name: string): StateKind | undefined {
    return this.#states.get(name)?.[0]!.entries.kind;
  }

  stateNames(): string[] {
    return [...this.#states.keys()];
  }

  *keys(name: string, namespace: StateNamespace): IterableIterator<unknown> {
    for (const {entries} of this.#states.get(name) ?? []) {
      for (const [index, key] of entries.keys.entries()) {
        if (sameNamespace(namespace, fromPlainNamespace(entries.namespaces?.[index]))) yield key;
      }
    }
  }

  /** The entries of a state, which are no longer here afterwards. */
  *takeState(
    name: string,
  ): IterableIterator<{key: unknown; namespace: StateNamespace; saved: SavedValue}> {
    const parts = this.#states.get(name) ?? [];
    this.#states.delete(name);
    for (const {entries} of parts) {
      const {keys, values, namespaces, times} = entries;
      for (const [index, key] of keys.entries()) {
        const namespace = fromPlainNamespace(namespaces?.[index]);
        const value = values[index];
        yield {key, namespace, saved: times === undefined ? {value} : {value, time: times[index]!}};
      }
    }
  }

  *takeTimers(
    service: string,
    domain: 'event' | 'processing',
  ): IterableIterator<{key: unknown; namespace: StateNamespace; timestamp: number}> {
    const name = `${domain} ${service}`;
    const parts = this.#timers.get(name) ?? [];
    this.#timers.delete(name);
    for (const {entries} of parts) {
      for (const [index, key] of entries.keys.entries()) {
        const namespace = fromPlainNamespace(entries.namespaces?.[index]);
        yield {key, namespace, timestamp: entries.timestamps[index]!};
      }
    }
  }

  /** Hands on what is still here. */
  copyRest(writer: KeyedSnapshotWriter): void {
    for (const [name, parts] of this.#states) {
      for (const {keyGroup, entries} of parts) {
        const {kind, keys, values, namespaces, times} = entries;
        for (const [index, key] of keys.entries()) {
          const namespace = fromPlainNamespace(namespaces?.[index]);
          const value = values[index];
          const saved = times === undefined ? {value} : {value, time: times[index]!};
          writer.addState(keyGroup, name, kind, key, namespace, saved);
        }
      }
    }
    for (const parts of this.#timers.values()) {
      for (const {keyGroup, entries} of parts) {
        const {service, domain, keys, namespaces, timestamps} = entries;
        for (const [index, key] of keys.entries()) {
          const namespace = fromPlainNamespace(namespaces?.[index]);
          writer.addTimer(keyGroup, service, domain, key, namespace, timestamps[index]!);
        }
      }
    }
  }
}

function addTo<T>(map: Map<string, T[]>, name: string, value: T): void {
  const list = map.get(name);
  if (list === undefined) map.set(name, [value]);
  else list.push(value);
}
