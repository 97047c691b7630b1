/**
 * Where in time windows begin, so that not all subtasks fire at once: each subtask shifts its windows
 * by an amount of its own, which is chosen when its first element comes.
 */
import {Random, systemSeed} from '../base/random.ts';
import {windowStart} from './window-assigner.ts';

/**
 * Chooses by how much the windows of a subtask are shifted: 0 to `sizeMs` - 1 milliseconds.
 *
 * Source: Flink's WindowStagger.
 */
export interface WindowStagger {
  readonly name: string;
  /** Called once per subtask, with its first element. */
  offsetMs(currentProcessingTime: number, sizeMs: number): number;
}

export const WindowStagger = {
  /** No shift: all subtasks fire together. The default. */
  ALIGNED: {name: 'ALIGNED', offsetMs: () => 0} as WindowStagger,
  /** Any shift. */
  RANDOM: {
    name: 'RANDOM',
    offsetMs: (_now, sizeMs) => new Random(systemSeed()).below(sizeMs),
  } as WindowStagger,
  /** Windows begin when the first element comes. */
  NATURAL: {
    name: 'NATURAL',
    offsetMs: (now, sizeMs) =>
      Math.max(0, Math.floor(now) - windowStart(Math.floor(now), 0, sizeMs)),
  } as WindowStagger,
};
