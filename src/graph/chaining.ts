/**
 * Which operators run in one task: Flink's nine rules (flink.md §10), each a named predicate, so that
 * `explain` can say why an edge was not chained. An edge is chained if no rule objects.
 *
 * A chained edge costs nothing: both sides become one generated loop. Any other edge writes records
 * into batches and sends them through a channel.
 */
import type {StreamEdge, StreamGraph, StreamNode} from './stream-graph.ts';

/** What a rule looks at. */
interface Candidate {
  readonly graph: StreamGraph;
  readonly edge: StreamEdge;
  readonly up: StreamNode;
  readonly down: StreamNode;
}

/** A rule and what it says about an edge that it forbids to chain. */
export interface ChainingRule {
  readonly name: string;
  /** Why `edge` may not be chained, or undefined if this rule does not mind. */
  objection(candidate: Candidate): string | undefined;
}

/** Why an edge is not chained. */
export interface ChainingObjection {
  readonly rule: string;
  readonly reason: string;
}

/** The rules, in the order in which reasons are worth telling: the user's own choices first. */
export const CHAINING_RULES: readonly ChainingRule[] = [
  {
    name: 'chaining enabled',
    objection: ({graph}) =>
      graph.settings.operatorChaining ? undefined : 'operator chaining is disabled for the job',
  },
  {
    name: 'chaining strategy',
    objection({up, down}) {
      if (up.chainingStrategy === 'NEVER') return `${up.name} has chaining disabled`;
      if (down.chainingStrategy === 'NEVER') return `${down.name} has chaining disabled`;
      if (down.chainingStrategy === 'HEAD') return `${down.name} starts a new chain`;
      if (down.chainingStrategy === 'HEAD_WITH_SOURCES' && !isSource(up)) {
        return `${down.name} is chained only to sources`;
      }
      return undefined;
    },
  },
  {
    name: 'same slot sharing group',
    objection: ({up, down}) =>
      up.slotSharingGroup === down.slotSharingGroup
        ? undefined
        : `slot sharing groups differ: ${up.slotSharingGroup}, ${down.slotSharingGroup}`,
  },
  {
    name: 'forward partitioner',
    // All edges are pipelined: in batch mode an operator that sorts its input reads it to the end first.
    objection({edge, up, down}) {
      if (edge.partitioner.kind === 'forward') return undefined;
      return edge.isDefaultPartitioner
        ? `parallelism changes from ${up.parallelism} to ${down.parallelism}`
        : `the partitioner is ${edge.partitioner.kind}`;
    },
  },
  {
    name: 'equal parallelism',
    objection: ({up, down}) =>
      up.parallelism === down.parallelism
        ? undefined
        : `parallelism changes from ${up.parallelism} to ${down.parallelism}`,
  },
  {
    name: 'equal max parallelism',
    objection: ({graph, up, down}) =>
      up.maxParallelism === down.maxParallelism || graph.settings.chainDifferentMaxParallelism
        ? undefined
        : `max parallelism changes from ${up.maxParallelism} to ${down.maxParallelism}`,
  },
  {
    name: 'no union',
    objection: ({edge, down}) =>
      down.inEdges.some(other => other !== edge && other.inputIndex === edge.inputIndex)
        ? `${down.name} reads a union`
        : undefined,
  },
  {
    name: 'single input',
    // Flink's exception, several sources chained to an operator with many inputs, would need such
    // operators. With a single input from a source, HEAD_WITH_SOURCES is covered by the strategies.
    objection: ({down}) =>
      down.inEdges.length === 1 ? undefined : `${down.name} has ${down.inEdges.length} inputs`,
  },
  {
    name: 'no yielding behind a pushing source',
    objection({graph, up, down}) {
      if (!down.yields) return undefined;
      const head = headOf(graph, up);
      return head.pushes
        ? `${down.name} waits inside records, and ${head.name} cannot be made to wait`
        : undefined;
    },
  },
];

/** The first objection to chaining `edge`, or undefined: then it is chained. */
export function chainingObjection(
  graph: StreamGraph,
  edge: StreamEdge,
): ChainingObjection | undefined {
  const candidate = candidateOf(graph, edge);
  for (const rule of CHAINING_RULES) {
    const reason = rule.objection(candidate);
    if (reason !== undefined) return {rule: rule.name, reason};
  }
  return undefined;
}

/** Every objection to chaining `edge`. */
export function chainingObjections(graph: StreamGraph, edge: StreamEdge): ChainingObjection[] {
  const candidate = candidateOf(graph, edge);
  return CHAINING_RULES.flatMap(rule => {
    const reason = rule.objection(candidate);
    return reason === undefined ? [] : [{rule: rule.name, reason}];
  });
}

function candidateOf(graph: StreamGraph, edge: StreamEdge): Candidate {
  return {
    graph,
    edge,
    up: graph.nodesById.get(edge.sourceId)!,
    down: graph.nodesById.get(edge.targetId)!,
  };
}

function isSource({spec}: StreamNode): boolean {
  return spec.type === 'source' || spec.type === 'hostSource';
}

/** The first operator of the chain that `node` is part of. */
function headOf(graph: StreamGraph, node: StreamNode): StreamNode {
  const [edge] = node.inEdges;
  if (node.inEdges.length !== 1 || chainingObjection(graph, edge!) !== undefined) return node;
  return headOf(graph, graph.nodesById.get(edge!.sourceId)!);
}
