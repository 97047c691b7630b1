/**
 * Where batch mode puts combiners (operators/combine.ts): on each edge that spreads a stream by key in
 * front of a rolling `sum`, `min` or `max`, into the chain of the producer.
 *
 *   Map ═hash[word]═► Keyed Aggregate     becomes     Map ─► Combine ═hash[word]═► Keyed Aggregate
 *
 * Partial results are records like those that they stand for, so the aggregation needs to know nothing.
 * An edge is left alone if a partial result might have another key (the aggregated field is part of the
 * key, or the key is computed by a function), or might not fit a declared schema. `reduce` and
 * `aggregate` are left alone too: nothing says that a user's function may be applied in another order.
 * Pure function over the stream graph.
 */
import {CombineOperator} from '../operators/combine.ts';
import type {OperatorSpec} from '../operators/operator.ts';
import type {RecordSchema} from '../records/schema.ts';
import {hashText} from './hash-text.ts';
import type {StreamEdge, StreamNode} from './stream-graph.ts';

/** Nodes and edges before and after; nodes without their edges. */
interface Parts<N> {
  readonly nodes: readonly N[];
  readonly edges: readonly StreamEdge[];
}

type BareNode = Omit<StreamNode, 'inEdges' | 'outEdges'>;

/** The same graph with combiners. Edges keep their ids; the new ones get the next. */
export function insertCombiners({nodes, edges}: Parts<BareNode>): Parts<BareNode> {
  const byId = new Map(nodes.map(node => [node.id, node]));
  const newEdges: StreamEdge[] = [];
  const combiners = new Map<number, BareNode[]>();
  let nextId = Math.max(0, ...byId.keys()) + 1;
  const changed = edges.map(edge => {
    const source = byId.get(edge.sourceId)!;
    const target = byId.get(edge.targetId)!;
    const spec = combinerOf(edge, source, target);
    if (spec === undefined) return edge;
    const combiner: BareNode = {
      ...source,
      id: nextId,
      name: 'Combine',
      uid: `combine-${hashText(`${target.uid} ${edge.inputIndex} ${source.uid} ${edge.sideOutput ?? ''}`).slice(0, 16)}`,
      isUidGiven: false,
      spec,
      chainingStrategy: 'ALWAYS',
      yields: false,
      pushes: false,
      outputSchema: edge.schema,
    };
    nextId += 1;
    combiners.set(target.id, [...(combiners.get(target.id) ?? []), combiner]);
    newEdges.push({
      ...edge,
      id: edges.length + newEdges.length,
      targetId: combiner.id,
      inputIndex: 0,
      partitioner: {kind: 'forward'},
      isDefaultPartitioner: true,
    });
    return {...edge, sourceId: combiner.id, sideOutput: undefined};
  });
  return {
    nodes: nodes.flatMap(node => [...(combiners.get(node.id) ?? []), node]),
    edges: [...changed, ...newEdges],
  };
}

/** What combines the records of an edge, or undefined if they have to cross one by one. */
function combinerOf(
  {partitioner, schema}: StreamEdge,
  source: BareNode,
  {spec}: BareNode,
): OperatorSpec | undefined {
  if (spec.type !== 'aggregate' || spec.emit !== 'final' || partitioner.kind !== 'hash') {
    return undefined;
  }
  const {aggregation, field} = spec;
  if (aggregation !== 'sum' && aggregation !== 'min' && aggregation !== 'max') return undefined;
  // Somebody wants the producer to be a task of its own, and a combiner would be one more.
  if (source.chainingStrategy === 'NEVER') return undefined;
  const {key} = partitioner;
  if (key.kind !== 'fields' || key.paths.length !== 1) return undefined;
  const [keyPath] = key.paths as [readonly string[]];
  if (isInside(keyPath, field) || isInside(field, keyPath)) return undefined;
  if (aggregation === 'sum' && schema !== undefined && !holdsSums(schema, field)) return undefined;
  return {
    type: 'custom',
    kind: `combine ${aggregation}(${field.join('.')})`,
    parts: [JSON.stringify([keyPath, aggregation, field])],
    timestamps: 'kept',
    create: context => new CombineOperator(context, {keyPath, aggregation, field}),
  };
}

/** Whether `path` leads to `outer` or to something in it. */
function isInside(path: readonly string[], outer: readonly string[]): boolean {
  return outer.every((name, index) => path[index] === name);
}

/** Whether the column at `field` takes sums of what it takes. */
function holdsSums({columns}: RecordSchema, field: readonly string[]): boolean {
  return columns.some(
    ({path, type}) => type === 'float64' && path.length === field.length && isInside(path, field),
  );
}
