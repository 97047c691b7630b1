/**
 * What the scheduler plugs operators, graphs and records in with: its contract, kept with the DataStream
 * API. Threads of different roles need different halves of the engine, and each thread pays for what it
 * loads, before the first record: so there is a module for each role, loaded when it is asked for.
 */
import type {JobRuntime} from '../scheduler/runtime-contract.ts';

export const jobRuntime: JobRuntime = {
  coordinator: async () => (await import('./coordinator-side.ts')).coordinatorSide,
  worker: async () => (await import('./worker-side.ts')).workerSide,
  host: async () => (await import('./host-side.ts')).hostSide,
};
