/**
 * Where an environment and its streams write down what the user builds. It belongs to one build of a
 * job in one thread; streams hold it, and so know whether they belong together. When the builder has
 * returned it is sealed: a call that comes later would be lost, so it is refused.
 */
import {StreamError} from '../base/errors.ts';
import type {Transformation} from '../graph/transformation.ts';

export class TransformationRecorder {
  readonly transformations: Transformation[] = [];
  #isSealed = false;

  /** Adds a transformation; the id is its place in the order of calls. */
  add(draft: Omit<Transformation, 'id' | 'chainingStrategy'>): Transformation {
    this.checkOpen(draft.name);
    const transformation: Transformation = {
      ...draft,
      id: this.transformations.length + 1,
      chainingStrategy: 'ALWAYS',
    };
    this.transformations.push(transformation);
    return transformation;
  }

  /** From now on nothing may be added or changed. */
  seal(): void {
    this.#isSealed = true;
  }

  /** Refuses a change to a job that is built already. */
  checkOpen(operation: string): void {
    if (!this.#isSealed) return;
    throw new StreamError(
      'E_API_SEALED',
      'the job was changed after its builder had returned',
      {operation},
      {remedy: 'build the whole graph inside job(), without callbacks that run later'},
    );
  }
}
