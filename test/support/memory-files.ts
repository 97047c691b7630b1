/** Files in memory, with the faults that a real file system has too seldom for tests. */
import type {FileStatus, ReadableFileSystem} from '../../src/connectors/file-system.ts';

/** An error as `node:fs` throws it. */
export function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: made up by a test`), {code});
}

/** A flat file system for reading. Paths are names; there are no directories. */
export class MemoryFiles implements ReadableFileSystem {
  readonly files: Map<string, Buffer>;
  /** How many bytes the next read gives at most; a short read is legal at any time. */
  readSizeMax: () => number = () => Infinity;
  /** Is called before each open and read, and may throw. */
  onAccess: (operation: 'open' | 'read', path: string) => void = () => {};
  readonly #open = new Map<number, string>();
  #nextDescriptor = 100;

  constructor(files: Record<string, Buffer | string>) {
    this.files = new Map(
      Object.entries(files).map(([path, content]) => [path, Buffer.from(content as string)]),
    );
  }

  /** How many files are open. */
  get openCount(): number {
    return this.#open.size;
  }

  statSync(path: string): FileStatus | undefined {
    const content = this.files.get(path);
    if (content === undefined) return undefined;
    return {size: content.length, isFile: () => true, isDirectory: () => false};
  }

  readdirSync(): string[] {
    throw systemError('ENOTDIR');
  }

  globSync(): string[] {
    return [];
  }

  realpathSync(path: string): string {
    return path;
  }

  openSync(path: string): number {
    this.onAccess('open', path);
    if (!this.files.has(path)) throw systemError('ENOENT');
    this.#open.set((this.#nextDescriptor += 1), path);
    return this.#nextDescriptor;
  }

  fstatSync(descriptor: number): FileStatus {
    return this.statSync(this.#pathOf(descriptor))!;
  }

  readSync(
    descriptor: number,
    target: Uint8Array,
    offset: number,
    sizeBytes: number,
    position: number,
  ): number {
    const path = this.#pathOf(descriptor);
    this.onAccess('read', path);
    const content = this.files.get(path)!;
    const size = Math.min(sizeBytes, Math.max(1, this.readSizeMax()));
    return content.copy(target, offset, position, position + size);
  }

  closeSync(descriptor: number): void {
    this.#pathOf(descriptor);
    this.#open.delete(descriptor);
  }

  #pathOf(descriptor: number): string {
    const path = this.#open.get(descriptor);
    if (path === undefined) throw systemError('EBADF');
    return path;
  }
}
