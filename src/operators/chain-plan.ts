/**
 * A chain as data: the operators of one task in topological order, who of them feeds whom, and which
 * of their outputs leave the task. Made from a job vertex; the compiler and the interpreter both
 * read it.
 */
import type {OperatorSpec} from './operator.ts';

/** Where records of one output go: to another operator of the chain, or out of the task. */
export interface ChainEdge {
  /** Absent: the main output; else the tag of a side output. */
  readonly sideOutput: string | undefined;
  readonly target:
    | {readonly kind: 'operator'; readonly index: number; readonly inputIndex: number}
    | {readonly kind: 'writer'; readonly index: number};
}

export interface ChainNode {
  readonly name: string;
  readonly uid: string;
  readonly spec: OperatorSpec;
  readonly outputs: readonly ChainEdge[];
}

/** The first node is the head: the one that reads the gates, or the source. */
export interface ChainPlan {
  readonly nodes: readonly ChainNode[];
}
