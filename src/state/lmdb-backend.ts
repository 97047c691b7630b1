/**
 * Keyed state that may be larger than memory: values lie in LMDB, in a directory of their own, behind a
 * bounded cache (disk-store.ts); keys with timers, and the timers, are in memory as in the memory
 * backend. The same contract, the same snapshots. One thread; one environment per backend, because
 * writers of one environment wait for each other.
 *
 * The directory is scratch space: it is removed when the backend is closed, and nothing in it is needed
 * after a failure. So no write waits for the disk.
 *
 * What differs from memory: values must be plain data (an instance of a class is refused when it is
 * written), and what is changed in an object without `update` is lost when the cache drops it.
 *
 * The package `lmdb` is optional and only loaded when a job asks for this backend.
 */
import {mkdirSync, mkdtempSync, rmSync} from 'node:fs';
import {createRequire} from 'node:module';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import type {Database, RootDatabase, RootDatabaseOptions} from 'lmdb';
import {StreamError} from '../base/errors.ts';
import {hashKey, keyGroupOf, type KeyGroupRange} from '../base/key-group.ts';
import {compositeKeyText} from './any-key-table.ts';
import {createHandle} from './create-handle.ts';
import {CacheBudget, DiskStore} from './disk-store.ts';
import type {DiskDatabase, DiskTable} from './disk-table.ts';
import {IdTimerQueue} from './id-timer-queue.ts';
import {KeySpace} from './key-space.ts';
import {
  KeyedSnapshotReader,
  KeyedSnapshotWriter,
  restoreState,
  toSavedValue,
} from './keyed-snapshot-data.ts';
import type {KeyedSnapshot} from './keyed-snapshot.ts';
import type {
  CreateKeyedBackend,
  KeyedBackendOptions,
  KeyedStateBackend,
} from './keyed-state-backend.ts';
import type {InternalState, StateNamespace} from './keyed-state.ts';
import {Namespaces} from './namespaces.ts';
import {refuseOtherKind, type AnyStateDescriptor} from './state-descriptors.ts';
import {checkTtl, type CheckedTtl} from './state-ttl.ts';

/** States of one operator. */
const TABLES_MAX = 256;

const CACHE_SIZE_BYTES = 64 * 1024 * 1024;

export interface LmdbOptions {
  /** Where directories are made; default: the system's for temporary files. */
  readonly directory?: string | undefined;
  /** Heap that the cached values of one backend may take, about; default 64 MB. */
  readonly cacheSizeBytes?: number | undefined;
  /** Told from time to time how many look-ups the cache has answered, and how many not. */
  readonly onLookUps?: ((hits: number, misses: number) => void) | undefined;
}

/**
 * Backends on disk.
 *
 * Errors, when one is made: `E_STATE_BACKEND` if the package `lmdb` is not there or cannot be loaded;
 * `E_STATE_DIRECTORY` if the directory cannot be written.
 */
export function lmdbBackends(options: LmdbOptions = {}): CreateKeyedBackend {
  return backendOptions => new LmdbBackend(backendOptions, options);
}

interface State {
  readonly descriptor: AnyStateDescriptor;
  readonly store: DiskStore;
  readonly ttl: CheckedTtl | undefined;
  readonly handle: InternalState;
}

export class LmdbBackend implements KeyedStateBackend {
  readonly keyGroupRange: KeyGroupRange;
  readonly maxParallelism: number;
  readonly #options: KeyedBackendOptions;
  readonly #onLookUps: ((hits: number, misses: number) => void) | undefined;
  readonly #database: LmdbDatabase;
  readonly #budget: CacheBudget;
  /** Knows the current key, and the keys that have timers. */
  readonly #keys = new KeySpace();
  readonly #namespaces = new Namespaces();
  readonly #states = new Map<string, State>();
  readonly #timers = new Map<string, {service: string; domain: Domain; queue: IdTimerQueue}>();
  readonly #restored: KeyedSnapshotReader;

  constructor(options: KeyedBackendOptions, lmdbOptions: LmdbOptions) {
    this.#options = options;
    this.#onLookUps = lmdbOptions.onLookUps;
    this.keyGroupRange = options.keyGroupRange;
    this.maxParallelism = options.maxParallelism;
    this.#restored = new KeyedSnapshotReader(options.restored, options);
    this.#budget = new CacheBudget(lmdbOptions.cacheSizeBytes ?? CACHE_SIZE_BYTES);
    this.#database = new LmdbDatabase(lmdbOptions.directory ?? tmpdir());
  }

  get currentKey(): unknown {
    return this.#keys.current;
  }

  setCurrentKey(key: unknown): void {
    this.#keys.setCurrent(key);
  }

  getState(descriptor: AnyStateDescriptor): any {
    const {name} = descriptor;
    const known = this.#states.get(name)?.descriptor.kind ?? this.#restored.kindOf(name);
    refuseOtherKind(descriptor, known);
    return (this.#states.get(name) ?? this.#createState(descriptor)).handle;
  }

  /** Reads the whole state from disk. */
  *keys(stateName: string, namespace: StateNamespace): IterableIterator<unknown> {
    const state = this.#states.get(stateName);
    yield* state === undefined
      ? this.#restored.keys(stateName, namespace)
      : state.store.keysIn(namespace);
  }

  descriptorOf(stateName: string): AnyStateDescriptor | undefined {
    return this.#states.get(stateName)?.descriptor;
  }

  stateNames(): readonly string[] {
    return [...this.#states.keys(), ...this.#restored.stateNames()];
  }

  get eventTimeTimerCount(): number {
    let count = 0;
    for (const {domain, queue} of this.#timers.values())
      if (domain === 'event') count += queue.size;
    return count;
  }

  timerQueue(service: string, domain: Domain): IdTimerQueue {
    const name = `${domain} ${service}`;
    const known = this.#timers.get(name);
    if (known !== undefined) return known.queue;
    const queue = new IdTimerQueue(this.#keys, this.#namespaces);
    this.#timers.set(name, {service, domain, queue});
    const before = this.#keys.current;
    for (const {key, namespace, timestamp} of this.#restored.takeTimers(service, domain)) {
      this.#keys.setCurrent(key);
      queue.add(namespace, timestamp);
    }
    if (before !== undefined) this.#keys.setCurrent(before);
    return queue;
  }

  /** Reads all state from disk: for tests and rare looks. */
  get keyCount(): number {
    const keys = new Set<string>();
    for (const {store} of this.#states.values()) {
      store.forEach(key => keys.add(compositeKeyText(key)));
    }
    for (const {queue} of this.#timers.values()) {
      queue.forEach(id => keys.add(compositeKeyText(this.#keys.keyOf(id))));
    }
    return keys.size;
  }

  get sizeBytes(): number {
    let sizeBytes = this.#keys.sizeBytes + this.#budget.sizeBytes;
    for (const {queue} of this.#timers.values()) sizeBytes += queue.sizeBytes;
    return sizeBytes;
  }

  /** Look-ups that the cache has answered, and those that had to go to disk. */
  get lookUps(): {readonly hits: number; readonly misses: number} {
    return {hits: this.#budget.hits, misses: this.#budget.misses};
  }

  snapshot(): KeyedSnapshot {
    const writer = new KeyedSnapshotWriter(this.maxParallelism);
    const groupOf = (key: unknown) => keyGroupOf(hashKey(key), this.maxParallelism);
    const nowMs = this.#options.clock.now();
    for (const [name, {descriptor, store, ttl}] of this.#states) {
      const {kind} = descriptor;
      store.forEach((key, namespace, value, timeMs) => {
        const saved = toSavedValue(kind, value, timeMs, ttl, nowMs);
        if (saved !== undefined) writer.addState(groupOf(key), name, kind, key, namespace, saved);
      });
    }
    for (const {service, domain, queue} of this.#timers.values()) {
      queue.forEach((id, namespace, timestamp) => {
        const key = this.#keys.keyOf(id);
        writer.addTimer(groupOf(key), service, domain, key, namespace, timestamp);
      });
    }
    this.#restored.copyRest(writer);
    return writer.finish();
  }

  close(): void {
    this.#onLookUps?.(this.#budget.hits, this.#budget.misses);
    this.#database.close();
  }

  #createState(descriptor: AnyStateDescriptor): State {
    const {name, kind, schema} = descriptor;
    const ttl = checkTtl(name, descriptor.ttl);
    const store = new DiskStore({
      name,
      kind,
      hasTime: kind !== 'list' && kind !== 'map' && ttl !== undefined,
      schema,
      keys: this.#keys,
      maxParallelism: this.maxParallelism,
      database: this.#database,
      budget: this.#budget,
      makeRoom: () => {
        this.#onLookUps?.(this.#budget.hits, this.#budget.misses);
        for (const state of this.#states.values()) state.store.evict();
      },
    });
    const handle = createHandle(descriptor, store, ttl, this.#options.clock);
    const state = {descriptor, store, ttl, handle};
    this.#states.set(name, state);
    restoreState(state, this.#keys, this.#restored, this.#options.clock.now());
    return state;
  }
}

type Domain = 'event' | 'processing';

/** An environment of LMDB in a new directory. */
class LmdbDatabase implements DiskDatabase {
  readonly #directory: string;
  readonly #environment: RootDatabase<Buffer, Buffer>;
  readonly #tables: Array<Database<Buffer, Buffer>> = [];

  constructor(parent: string) {
    const {open} = loadLmdb();
    this.#directory = createDirectory(parent);
    this.#environment = open<Buffer, Buffer>(this.#directory, {
      encoding: 'binary',
      keyEncoding: 'binary',
      cache: false,
      maxDbs: TABLES_MAX,
      noSync: true,
      overlappingSync: false,
    } as RootDatabaseOptions);
  }

  table(name: string): DiskTable {
    const database = this.#environment.openDB<Buffer, Buffer>({
      name,
      encoding: 'binary',
      keyEncoding: 'binary',
      cache: false,
    });
    this.#tables.push(database);
    return {
      get: key => database.getBinaryFast(key),
      put: (key, value) => {
        database.putSync(key, value);
      },
      remove: key => {
        database.removeSync(key);
      },
      range: start => database.getRange(start === undefined ? {} : {start}),
    };
  }

  write(write: () => void): void {
    this.#environment.transactionSync(write);
  }

  close(): void {
    void this.#environment.close();
    // The files stay readable for whoever has them mapped until the environment is gone.
    rmSync(this.#directory, {recursive: true, force: true});
  }
}

function loadLmdb(): typeof import('lmdb') {
  try {
    return createRequire(import.meta.url)('lmdb') as typeof import('lmdb');
  } catch (cause) {
    throw new StreamError(
      'E_STATE_BACKEND',
      'the package lmdb cannot be loaded',
      {stateBackend: 'lmdb'},
      {remedy: "install it (npm install lmdb), or set stateBackend to 'memory'", cause},
    );
  }
}

function createDirectory(parent: string): string {
  try {
    mkdirSync(parent, {recursive: true});
    return mkdtempSync(join(parent, 'millrace-state-'));
  } catch (cause) {
    throw new StreamError(
      'E_STATE_DIRECTORY',
      'the directory for state cannot be written',
      {stateDirectory: parent},
      {remedy: 'set stateDirectory to a directory that this process may write', cause},
    );
  }
}
