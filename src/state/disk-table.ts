/**
 * What a store on disk needs of a database: an ordered table from bytes to bytes. One thread.
 * lmdb-backend.ts implements it.
 */
export interface DiskTable {
  /** The value, valid until the next call; undefined if there is none. */
  get(key: Buffer): Buffer | undefined;
  /** Only within `DiskDatabase.write`. */
  put(key: Buffer, value: Buffer): void;
  remove(key: Buffer): void;
  /** All entries from `start` on, in order; do not write meanwhile. */
  range(start?: Buffer): Iterable<{key: Buffer; value: Buffer}>;
}

export interface DiskDatabase {
  table(name: string): DiskTable;
  /** Runs `write` as one transaction. */
  write(write: () => void): void;
  close(): void;
}
