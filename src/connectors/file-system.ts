/**
 * What the connectors need of the file system, as an interface, so that tests can provoke what a real
 * one does rarely: a file without permission (root may read everything), a short read, a full disk.
 * All calls are synchronous. A read of 256 KiB from the page cache takes 40 µs, less than two hops
 * between threads; a slow disk blocks its worker for the length of one read.
 */
import {StreamError} from '../base/errors.ts';

// Not imported: an import makes Node load the streams of files too, 3 ms in every thread of a cold start.
const fs = process.getBuiltinModule('node:fs');

export interface FileStatus {
  readonly size: number;
  isFile(): boolean;
  isDirectory(): boolean;
}

/** The part of `node:fs` that reads. */
export interface ReadableFileSystem {
  /** Undefined if there is no such file. */
  statSync(path: string): FileStatus | undefined;
  readdirSync(path: string): string[];
  globSync(pattern: string): string[];
  /** The path without symbolic links. */
  realpathSync(path: string): string;
  openSync(path: string): number;
  fstatSync(descriptor: number): FileStatus;
  readSync(
    descriptor: number,
    target: Uint8Array,
    offset: number,
    sizeBytes: number,
    position: number,
  ): number;
  closeSync(descriptor: number): void;
}

/** The part of `node:fs` that writes. */
export interface WritableFileSystem {
  /** Undefined if there is no such file. */
  statSync(path: string): FileStatus | undefined;
  readdirSync(path: string): string[];
  /** With all parents; nothing happens if it exists. */
  mkdirSync(path: string): void;
  /** Creates a file for writing; fails with EEXIST if there is one. */
  createSync(path: string): number;
  writeSync(descriptor: number, source: Uint8Array, offset: number, sizeBytes: number): number;
  fsyncSync(descriptor: number): void;
  closeSync(descriptor: number): void;
  renameSync(from: string, to: string): void;
  /** Nothing happens if there is no such file. */
  removeSync(path: string): void;
}

/** The file system of the machine. */
export const nodeFileSystem: ReadableFileSystem & WritableFileSystem = {
  statSync: path => fs.statSync(path, {throwIfNoEntry: false}),
  readdirSync: path => fs.readdirSync(path),
  globSync: pattern => fs.globSync(pattern),
  realpathSync: path => fs.realpathSync(path),
  openSync: path => fs.openSync(path, 'r'),
  fstatSync: descriptor => fs.fstatSync(descriptor),
  readSync: (descriptor, target, offset, sizeBytes, position) =>
    fs.readSync(descriptor, target, offset, sizeBytes, position),
  closeSync: descriptor => fs.closeSync(descriptor),
  mkdirSync: path => {
    fs.mkdirSync(path, {recursive: true});
  },
  createSync: path => fs.openSync(path, 'wx'),
  writeSync: (descriptor, source, offset, sizeBytes) =>
    fs.writeSync(descriptor, source, offset, sizeBytes),
  fsyncSync: descriptor => fs.fsyncSync(descriptor),
  renameSync: (from, to) => fs.renameSync(from, to),
  removeSync: path => fs.rmSync(path, {force: true}),
};

/** The system's name of an error: `ENOENT`, `EACCES`, …; empty if it has none. */
export function systemCode(error: unknown): string {
  const code = (error as {code?: unknown} | null)?.code;
  return typeof code === 'string' ? code : '';
}

/** An error of the file system while `path` was to be read, as an error for the user. */
export function readingError(error: unknown, path: string): StreamError {
  if (error instanceof StreamError) return error;
  const reason = systemCode(error);
  switch (reason) {
    case 'ENOENT':
    case 'ENOTDIR':
      return new StreamError(
        'E_SOURCE_FILE_MISSING',
        'there is no such file',
        {path},
        {remedy: 'check the path; relative ones begin at the working directory', cause: error},
      );
    case 'EACCES':
    case 'EPERM':
      return new StreamError(
        'E_SOURCE_FILE_ACCESS',
        'a file may not be read',
        {path, reason},
        {remedy: 'give the user of this process the right to read it', cause: error},
      );
    case 'EISDIR':
      return notAFile(path, 'directory');
    default:
      return new StreamError(
        'E_SOURCE_FILE_READ',
        'a file could not be read',
        {path, reason: reason === '' ? String(error) : reason},
        {remedy: 'see what the operating system says about it', cause: error},
      );
  }
}

/** Something stands where a regular file is wanted. */
export function notAFile(path: string, kind: string): StreamError {
  return new StreamError(
    'E_SOURCE_FILE_KIND',
    'a file is wanted, and this is none',
    {path, kind},
    {remedy: 'name a regular file, or a directory of such'},
  );
}
