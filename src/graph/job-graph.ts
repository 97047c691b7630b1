/**
 * The third graph: what was chained became one vertex. A vertex is what a task runs; the edges that are
 * left are the ones that carry batches through channels. Plain data.
 *
 *   stream graph   Source: a ─► Map ─► Filter ═hash═► Keyed Aggregation ─► Sink: b
 *   job graph      [Source: a -> Map -> Filter] ══════ALL_TO_ALL══════► [Keyed Aggregation -> Sink: b]
 *
 * Invariants: only the head of a chain reads edges, because a chained operator has a single input.
 * `vertices`, and the operators of each, are in topological order; `vertex.outEdges[i]` is the edge that
 * writer `i` of the chain's plan serves.
 */
import {assert} from '../base/assert.ts';
import type {ChainEdge, ChainPlan} from '../operators/chain-plan.ts';
import type {RecordSchema} from '../records/schema.ts';
import {chainingObjection, type ChainingObjection} from './chaining.ts';
import {hashText} from './hash-text.ts';
import type {GraphSettings, StreamEdge, StreamGraph, StreamNode} from './stream-graph.ts';
import type {PartitionerSpec} from './transformation.ts';

/** POINTWISE: each subtask talks to its own few; ALL_TO_ALL: to every subtask of the other side. */
export type DistributionPattern = 'POINTWISE' | 'ALL_TO_ALL';

/** An edge between two vertices: the records of one output on their way to one input. */
export interface JobEdge {
  /** Position in `JobGraph.edges`. */
  readonly index: number;
  /** Id of the stream edge. */
  readonly id: number;
  /** Index of the producing vertex, and the operator within its chain. */
  readonly sourceVertex: number;
  readonly sourceOperator: number;
  /** Position in `outEdges` of the producing vertex: the writer's index. */
  readonly writerIndex: number;
  /** Index of the consuming vertex; its head reads the edge. */
  readonly targetVertex: number;
  readonly targetOperator: number;
  readonly inputIndex: number;
  readonly partitioner: PartitionerSpec;
  readonly sideOutput: string | undefined;
  readonly pattern: DistributionPattern;
  readonly bufferTimeoutMs: number;
  readonly schema: RecordSchema | undefined;
  /** Why the two sides are not one chain. */
  readonly objection: ChainingObjection;
}

/** An operator inside a chain. */
export interface JobOperator {
  readonly name: string;
  readonly uid: string;
  readonly isUidGiven: boolean;
  readonly node: StreamNode;
}

/** A chain of operators that runs as one task per subtask. */
export interface JobVertex {
  /** Position in `JobGraph.vertices`. */
  readonly index: number;
  /** 32 hexadecimal digits, made from the uid of the head; stable across runs. */
  readonly id: string;
  /** As Flink shows it: `Source: lines -> Flat Map -> (Map, Filter)`. */
  readonly name: string;
  /** In topological order; the first one is the head. */
  readonly operators: readonly JobOperator[];
  /** The same chain as the compiler and the interpreter read it. */
  readonly chain: ChainPlan;
  readonly parallelism: number;
  /** Of the head, the only operator of a chain that can be keyed. */
  readonly maxParallelism: number;
  readonly slotSharingGroup: string;
  readonly inEdges: readonly JobEdge[];
  readonly outEdges: readonly JobEdge[];
}

export interface JobGraph {
  readonly settings: GraphSettings;
  readonly runtimeMode: 'streaming' | 'batch';
  readonly vertices: readonly JobVertex[];
  readonly edges: readonly JobEdge[];
}

/** Chains what can be chained. */
export function buildJobGraph(graph: StreamGraph): JobGraph {
  const objections = new Map<StreamEdge, ChainingObjection | undefined>();
  for (const edge of graph.edges) objections.set(edge, chainingObjection(graph, edge));
  const isChained = (edge: StreamEdge) => objections.get(edge) === undefined;

  // Nodes come in topological order, so the chain of a node's producer is known before the node.
  const chains: StreamNode[][] = [];
  const placeOf = new Map<number, {vertex: number; operator: number}>();
  for (const node of graph.nodes) {
    const chainedTo = node.inEdges.find(isChained);
    const vertex =
      chainedTo === undefined ? chains.push([]) - 1 : placeOf.get(chainedTo.sourceId)!.vertex;
    placeOf.set(node.id, {vertex, operator: chains[vertex]!.push(node) - 1});
  }

  const writerCounts = chains.map(() => 0);
  const edges: JobEdge[] = [];
  const edgeOf = new Map<StreamEdge, JobEdge>();
  for (const edge of graph.nodes.flatMap(node => node.outEdges)) {
    const objection = objections.get(edge);
    if (objection === undefined) continue;
    const source = placeOf.get(edge.sourceId)!;
    const target = placeOf.get(edge.targetId)!;
    assert(target.operator === 0, 'only the head of a chain reads edges');
    const jobEdge: JobEdge = {
      index: edges.length,
      id: edge.id,
      sourceVertex: source.vertex,
      sourceOperator: source.operator,
      writerIndex: writerCounts[source.vertex]!,
      targetVertex: target.vertex,
      targetOperator: target.operator,
      inputIndex: edge.inputIndex,
      partitioner: edge.partitioner,
      sideOutput: edge.sideOutput,
      pattern: patternOf(edge.partitioner),
      bufferTimeoutMs: edge.bufferTimeoutMs,
      schema: edge.schema,
      objection,
    };
    writerCounts[source.vertex]! += 1;
    edges.push(jobEdge);
    edgeOf.set(edge, jobEdge);
  }

  const vertices = chains.map((nodes, index): JobVertex => {
    const head = nodes[0]!;
    return {
      index,
      id: hashText(head.uid),
      name: chainName(graph, head, isChained),
      operators: nodes.map(node => ({
        name: node.name,
        uid: node.uid,
        isUidGiven: node.isUidGiven,
        node,
      })),
      chain: planOf(nodes, placeOf, edgeOf),
      parallelism: head.parallelism,
      maxParallelism: head.maxParallelism,
      slotSharingGroup: head.slotSharingGroup,
      inEdges: head.inEdges.map(edge => edgeOf.get(edge)!),
      outEdges: edges.filter(edge => edge.sourceVertex === index),
    };
  });
  return {settings: graph.settings, runtimeMode: graph.runtimeMode, vertices, edges};
}

/** Edges that keep to a few neighbours on each side, as in Flink. */
function patternOf(partitioner: PartitionerSpec): DistributionPattern {
  return partitioner.kind === 'forward' || partitioner.kind === 'rescale'
    ? 'POINTWISE'
    : 'ALL_TO_ALL';
}

function chainName(
  graph: StreamGraph,
  node: StreamNode,
  isChained: (edge: StreamEdge) => boolean,
): string {
  const behind = node.outEdges
    .filter(isChained)
    .map(edge => chainName(graph, graph.nodesById.get(edge.targetId)!, isChained));
  if (behind.length === 0) return node.name;
  return `${node.name} -> ${behind.length === 1 ? behind[0]! : `(${behind.join(', ')})`}`;
}

function planOf(
  nodes: readonly StreamNode[],
  placeOf: ReadonlyMap<number, {vertex: number; operator: number}>,
  edgeOf: ReadonlyMap<StreamEdge, JobEdge>,
): ChainPlan {
  return {
    nodes: nodes.map(node => ({
      name: node.name,
      uid: node.uid,
      spec: node.spec,
      outputs: node.outEdges.map((edge): ChainEdge => {
        const jobEdge = edgeOf.get(edge);
        const {sideOutput, inputIndex} = edge;
        if (jobEdge !== undefined) {
          return {sideOutput, target: {kind: 'writer', index: jobEdge.writerIndex}};
        }
        const index = placeOf.get(edge.targetId)!.operator;
        return {sideOutput, target: {kind: 'operator', index, inputIndex}};
      }),
    })),
  };
}
