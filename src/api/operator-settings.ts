/**
 * What can be set on an operator, behind the method that made it: name, uid, parallelism, chaining. Streams and
 * sinks have it in common. Beside it the checks of what users pass as texts and schemas.
 */
import {StreamError, showValue} from '../base/errors.ts';
import type {Transformation} from '../graph/transformation.ts';
import {checkBufferTimeout, checkParallelismValue} from '../graph/validate.ts';
import {fingerprint, type RecordSchema} from '../records/schema.ts';
import type {TransformationRecorder} from './recorder.ts';

/**
 * The settings that operators and sinks have in common. Each changes the operator and returns the same
 * object, so that calls can be strung together.
 */
export abstract class OperatorSettings {
  protected abstract operatorFor(operation: string): Transformation;

  /**
   * Names the operator, in messages, metrics and plans.
   *
   * Default: what it does (`Map`, `Flat Map`).
   * Errors:  `E_API_NAME` if it is not a text, or empty; `E_API_NO_OPERATOR` on a union, a partitioned
   *          stream or a side output, which are not operators of their own.
   */
  name(name: string): this {
    this.operatorFor('name').name = checkText('E_API_NAME', 'a name', name);
    return this;
  }

  /**
   * Identifies the operator across versions of a job: its state is found by it.
   *
   * Default: derived from the topology, so that it lasts as long as what feeds the operator.
   * Errors:  `E_API_NAME` if it is not a text, or empty; `E_GRAPH_UID` when the job is planned, if
   *          another operator has it.
   */
  uid(uid: string): this {
    this.operatorFor('uid').uid = checkText('E_API_NAME', 'a uid', uid);
    return this;
  }

  /**
   * Sets the number of subtasks of the operator.
   *
   * Default: the job's. Range: 1 to the max parallelism. Errors: `E_GRAPH_PARALLELISM`.
   */
  setParallelism(parallelism: number): this {
    const operator = this.operatorFor('setParallelism');
    checkParallelismValue('parallelism', parallelism, operator.name);
    operator.parallelism = parallelism;
    return this;
  }

  /**
   * Sets the number of key groups: the limit to which the operator can ever be rescaled.
   *
   * Default: the job's, else 128 up to a parallelism of 85. Range: 1 to 32768. It cannot change without
   * dropping keyed state. Errors: `E_GRAPH_PARALLELISM`.
   */
  setMaxParallelism(maxParallelism: number): this {
    const operator = this.operatorFor('setMaxParallelism');
    checkParallelismValue('maxParallelism', maxParallelism, operator.name);
    operator.maxParallelism = maxParallelism;
    return this;
  }

  /**
   * Puts the operator into a slot sharing group: operators of different groups never share a slot.
   *
   * Default: the group of its inputs if they agree, else `default`.
   */
  slotSharingGroup(group: string): this {
    this.operatorFor('slotSharingGroup').slotSharingGroup = checkText(
      'E_API_NAME',
      'a slot sharing group',
      group,
    );
    return this;
  }

  /** Begins a new chain with the operator: it is not chained to what feeds it. */
  startNewChain(): this {
    this.operatorFor('startNewChain').chainingStrategy = 'HEAD';
    return this;
  }

  /** Chains the operator neither to what feeds it nor to what it feeds. */
  disableChaining(): this {
    this.operatorFor('disableChaining').chainingStrategy = 'NEVER';
    return this;
  }

  /**
   * Sets how long a batch of the operator's output may wait to fill while its task is busy.
   *
   * Units: milliseconds; 0 sends every record by itself, -1 only full batches. Default: the job's
   * (100). Errors: `E_GRAPH_BUFFER_TIMEOUT`.
   */
  setBufferTimeout(timeoutMs: number): this {
    const operator = this.operatorFor('setBufferTimeout');
    checkBufferTimeout(timeoutMs, operator.name);
    operator.bufferTimeoutMs = timeoutMs;
    return this;
  }
}

/** The end of a stream. */
export class DataStreamSink extends OperatorSettings {
  readonly #recorder: TransformationRecorder;
  readonly #transformation: Transformation;

  /** Not for users: sinks come from the methods of a stream. */
  constructor(recorder: TransformationRecorder, transformation: Transformation) {
    super();
    this.#recorder = recorder;
    this.#transformation = transformation;
  }

  protected override operatorFor(operation: string): Transformation {
    this.#recorder.checkOpen(operation);
    return this.#transformation;
  }
}

/** Refuses what is not a text, or empty; not for users. */
export function checkText(code: string, what: string, text: unknown): string {
  if (typeof text === 'string' && text !== '') return text;
  throw new StreamError(code, `${what} must be a text that is not empty`, {value: showValue(text)});
}

/** Refuses what is not a schema; not for users. */
export function checkSchema(operation: string, schema: unknown): asserts schema is RecordSchema {
  if (Array.isArray((schema as Partial<RecordSchema> | undefined)?.columns)) return;
  throw new StreamError(
    'E_API_SCHEMA',
    `${operation} needs a schema`,
    {schema: showValue(schema)},
    {remedy: 'make one with schema({name: type, …})'},
  );
}

/** Refuses a second declaration that says something else; not for users. */
export function checkRedeclaration(
  operator: string,
  declared: RecordSchema | undefined,
  schema: RecordSchema,
): void {
  if (declared === undefined || fingerprint(declared) === fingerprint(schema)) return;
  throw new StreamError(
    'E_API_SCHEMA',
    'a stream was declared twice, with different schemas',
    {operator},
    {remedy: 'declare it once, or map() it to the other shape'},
  );
}
