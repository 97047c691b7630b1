/**
 * Starts the threads of the memory stress tests, lets them go all at once, and collects what they
 * answer. Errors of a thread reject; so does a thread that ends without an answer.
 */
import {Worker} from 'node:worker_threads';
import type {Arena, Region} from '../../src/memory/arena.ts';
import type {RoleInput, RoleResult} from './memory-worker.ts';

/** A running thread: the handle to terminate it, its answer, and its end. */
export interface Thread {
  readonly worker: Worker;
  readonly result: Promise<RoleResult>;
}

/** How many words of region `check` come before those of the segments. */
export const CHECK_HEADER_WORDS = 32;

/** Starts a thread, which waits for `go` before it runs its role. */
export function startThread(
  arena: Arena,
  check: Region,
  input: Omit<RoleInput, 'buffer' | 'check'>,
): Thread {
  const worker = new Worker(new URL('./memory-worker.ts', import.meta.url), {
    workerData: {...input, buffer: arena.buffer, check},
  });
  const result = new Promise<RoleResult>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', code => reject(new Error(`the thread ended without an answer: ${code}`)));
  });
  result.catch(() => {}); // who terminates a thread on purpose does not look at its answer
  return {worker, result};
}

/** Lets all waiting threads go. */
export function go(arena: Arena, check: Region): void {
  Atomics.store(arena.words, check.offsetBytes >> 2, 1);
  Atomics.notify(arena.words, check.offsetBytes >> 2);
}
