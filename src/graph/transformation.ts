/**
 * What the API records, call by call: the first of the four graphs (transformations → stream graph →
 * job graph → execution graph). Data and user functions, no behaviour. A union has no
 * transformation of its own: it is several inputs with one input index. A side output is an input
 * that names the tag which it reads.
 */
import type {KeySelector, OperatorSpec} from '../operators/operator.ts';
import type {RecordSchema} from '../records/schema.ts';

/** How the records of an edge are spread over the consuming subtasks (Flink's partitioners). */
export type PartitionerSpec =
  | {readonly kind: 'forward' | 'rebalance' | 'rescale' | 'shuffle' | 'broadcast' | 'global'}
  | {readonly kind: 'hash'; readonly key: KeySelector}
  | {
      readonly kind: 'custom';
      readonly key: KeySelector;
      /** Gives the channel, from 0 to `channelCount - 1`. */
      readonly fn: (key: any, channelCount: number) => number;
    };

export type ChainingStrategy = 'ALWAYS' | 'HEAD' | 'NEVER' | 'HEAD_WITH_SOURCES';

export interface TransformationInput {
  /** Id of the transformation that feeds this input. */
  readonly sourceId: number;
  /** 0, or 1 for the second input of a connected operator. */
  readonly inputIndex: number;
  /** Absent: forward if the parallelisms are equal, else rebalance. */
  readonly partitioner?: PartitionerSpec | undefined;
  /** Reads the side output of this tag instead of the main output. */
  readonly sideOutput?: string | undefined;
}

export interface Transformation {
  /** From 1, in the order of the calls that made it. */
  readonly id: number;
  name: string;
  uid?: string | undefined;
  readonly spec: OperatorSpec;
  readonly inputs: readonly TransformationInput[];
  /** The operator waits for something in the middle of a record (Flink's yielding operators). */
  readonly yields?: boolean | undefined;
  /** A source that pushes records when it likes instead of being polled (Flink's legacy sources). */
  readonly pushes?: boolean | undefined;
  parallelism?: number | undefined;
  maxParallelism?: number | undefined;
  slotSharingGroup?: string | undefined;
  chainingStrategy: ChainingStrategy;
  /** Milliseconds; 0 flushes after every record, -1 only full batches. Absent: the job's. */
  bufferTimeoutMs?: number | undefined;
  /** Declared shape of the main output; absent: inferred from the first records. */
  outputSchema?: RecordSchema | undefined;
  /** Declared shapes of side outputs, by tag. */
  sideOutputSchemas?: ReadonlyMap<string, RecordSchema> | undefined;
}
