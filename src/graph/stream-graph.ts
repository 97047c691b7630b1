/**
 * The second graph: logical operators with every default resolved (name, uid, parallelism, partitioner,
 * slot sharing group, buffer timeout, declared schema), still one node per operator. Plain data; user
 * functions are references inside the specs.
 *
 * Invariant: nodes stand in topological order, equal candidates in the order of the calls that made
 * them; so whoever walks `nodes` meets every producer before its consumers, and two builds of the same
 * module give the same order, the same ids and the same uids.
 */
import {assert} from '../base/assert.ts';
import {isRolling, type OperatorSpec} from '../operators/operator.ts';
import type {RecordSchema} from '../records/schema.ts';
import {defaultMaxParallelism} from '../base/key-group.ts';
import {insertCombiners} from './combiners.ts';
import {hashText} from './hash-text.ts';
import type {
  ChainingStrategy,
  PartitionerSpec,
  Transformation,
  TransformationInput,
} from './transformation.ts';
import {validateStreamGraph, validateTransformations} from './validate.ts';

export type RuntimeMode = 'streaming' | 'batch' | 'automatic';

/** What holds for a whole job, unless an operator says otherwise. */
export interface GraphSettings {
  readonly jobName: string;
  readonly parallelism: number;
  /** Absent: derived from each operator's parallelism. */
  readonly maxParallelism: number | undefined;
  /** Milliseconds; 0 flushes after every record, -1 only full batches. */
  readonly bufferTimeoutMs: number;
  readonly runtimeMode: RuntimeMode;
  readonly operatorChaining: boolean;
  /** Whether operators of different max parallelism may share a chain. */
  readonly chainDifferentMaxParallelism: boolean;
  /** Batch mode: whether sums and extremes are combined in front of the exchange. Absent: no. */
  readonly batchCombine?: boolean;
}

/** One logical operator. */
export interface StreamNode {
  /** The transformation's id. */
  readonly id: number;
  /** With Flink's prefix `Source: ` or `Sink: `. */
  readonly name: string;
  /** Given by the user, or derived from the operator's place in the topology. */
  readonly uid: string;
  readonly isUidGiven: boolean;
  readonly spec: OperatorSpec;
  readonly parallelism: number;
  readonly maxParallelism: number;
  readonly slotSharingGroup: string;
  readonly chainingStrategy: ChainingStrategy;
  readonly yields: boolean;
  readonly pushes: boolean;
  /** Declared shape of the main output, also one that an operator hands on unchanged. */
  readonly outputSchema: RecordSchema | undefined;
  readonly inEdges: readonly StreamEdge[];
  readonly outEdges: readonly StreamEdge[];
}

/** One logical connection; a union is several edges with the same `inputIndex`. */
export interface StreamEdge {
  /** From 0, in the order of the consumers' inputs; unique in the graph. */
  readonly id: number;
  readonly sourceId: number;
  readonly targetId: number;
  readonly inputIndex: number;
  readonly partitioner: PartitionerSpec;
  /** Whether nobody chose the partitioner. */
  readonly isDefaultPartitioner: boolean;
  readonly sideOutput: string | undefined;
  readonly bufferTimeoutMs: number;
  /** Declared shape of the records; absent: inferred from the first ones. */
  readonly schema: RecordSchema | undefined;
}

export interface StreamGraph {
  readonly settings: GraphSettings;
  /** `automatic` decided: batch if every source is bounded. */
  readonly runtimeMode: 'streaming' | 'batch';
  readonly nodes: readonly StreamNode[];
  readonly edges: readonly StreamEdge[];
  /** The same nodes by id. */
  readonly nodesById: ReadonlyMap<number, StreamNode>;
}

/** The slot sharing group of operators that were given none. */
export const DEFAULT_SLOT_SHARING_GROUP = 'default';

/**
 * Resolves what the API recorded. Sources that nobody reads are dropped, as in Flink.
 *
 * Errors: `E_GRAPH_…`, see validate.ts.
 */
export function buildStreamGraph(
  transformations: readonly Transformation[],
  settings: GraphSettings,
): StreamGraph {
  validateTransformations(transformations, settings);
  const read = new Set(transformations.flatMap(each => each.inputs.map(input => input.sourceId)));
  const kept = transformations.filter(each => each.inputs.length > 0 || read.has(each.id));
  const runtimeMode = resolveRuntimeMode(settings.runtimeMode, kept);
  const uids = new UidGenerator();
  const resolved = new Map<number, Resolved>();
  const edges: StreamEdge[] = [];
  for (const transformation of topologicalOrder(kept)) {
    const node = resolveNode(transformation, resolved, settings, runtimeMode, uids);
    resolved.set(transformation.id, node);
    for (const input of transformation.inputs) {
      edges.push(resolveEdge(edges.length, input, node, resolved, settings));
    }
  }
  const resolvedNodes = [...resolved.values()].map(({transformation: _, ...node}) => node);
  const isCombined =
    runtimeMode === 'batch' && settings.batchCombine === true && settings.operatorChaining;
  const parts = {nodes: resolvedNodes, edges};
  const planned = isCombined ? insertCombiners(parts) : parts;
  const nodes = planned.nodes.map(node => ({
    ...node,
    inEdges: planned.edges.filter(edge => edge.targetId === node.id),
    outEdges: planned.edges.filter(edge => edge.sourceId === node.id),
  }));
  const graph: StreamGraph = {
    settings,
    runtimeMode,
    nodes,
    edges: planned.edges,
    nodesById: new Map(nodes.map(node => [node.id, node])),
  };
  validateStreamGraph(graph);
  return graph;
}

/** A node before its edges are known. */
type Resolved = Omit<StreamNode, 'inEdges' | 'outEdges'> & {
  readonly transformation: Transformation;
};

/** Producers before consumers; among those that are ready the smallest id. Needs an acyclic graph. */
function topologicalOrder(transformations: readonly Transformation[]): Transformation[] {
  // Through the API ids are in topological order already; hand-made graphs need the loop.
  const waiting = [...transformations].sort((a, b) => a.id - b.id);
  const done = new Set<number>();
  const order: Transformation[] = [];
  while (waiting.length > 0) {
    const index = waiting.findIndex(each => each.inputs.every(input => done.has(input.sourceId)));
    assert(index >= 0, 'a validated graph has a topological order');
    const [next] = waiting.splice(index, 1);
    done.add(next!.id);
    order.push(next!);
  }
  return order;
}

function resolveRuntimeMode(
  mode: RuntimeMode,
  transformations: readonly Transformation[],
): 'streaming' | 'batch' {
  if (mode !== 'automatic') return mode;
  const sources = transformations.filter(each => each.inputs.length === 0);
  const areBounded = sources.every(
    ({spec}) => spec.type === 'source' && spec.source.isBounded === true,
  );
  return areBounded ? 'batch' : 'streaming';
}

function resolveNode(
  transformation: Transformation,
  resolved: ReadonlyMap<number, Resolved>,
  settings: GraphSettings,
  runtimeMode: 'streaming' | 'batch',
  uids: UidGenerator,
): Resolved {
  const {id, inputs} = transformation;
  const parallelism = transformation.parallelism ?? settings.parallelism;
  const groups = new Set(inputs.map(input => resolved.get(input.sourceId)!.slotSharingGroup));
  const inherited = groups.size === 1 ? [...groups][0]! : DEFAULT_SLOT_SHARING_GROUP;
  return {
    transformation,
    id,
    name: prefixOf(transformation.spec) + transformation.name,
    uid: transformation.uid ?? uids.derive(transformation, resolved),
    isUidGiven: transformation.uid !== undefined,
    spec: resolveSpec(transformation.spec, runtimeMode),
    parallelism,
    maxParallelism:
      transformation.maxParallelism ??
      settings.maxParallelism ??
      defaultMaxParallelism(parallelism),
    slotSharingGroup: transformation.slotSharingGroup ?? inherited,
    chainingStrategy: transformation.chainingStrategy,
    yields: transformation.yields ?? false,
    pushes: transformation.pushes ?? false,
    outputSchema: transformation.outputSchema ?? handedOnSchema(transformation, resolved),
  };
}

function prefixOf(spec: OperatorSpec): string {
  if (spec.type === 'source' || spec.type === 'hostSource') return 'Source: ';
  if (spec.type === 'sink' || spec.type === 'hostSink') return 'Sink: ';
  return '';
}

/** In batch mode a rolling aggregation shows only the last value of each key. */
function resolveSpec(spec: OperatorSpec, runtimeMode: 'streaming' | 'batch'): OperatorSpec {
  if (!isRolling(spec)) return spec;
  return runtimeMode === 'batch' ? {...spec, emit: 'final'} : spec;
}

/**
 * The schema of what comes out of an operator that nobody declared: a source knows its own; operators
 * that emit only values they received keep their input's. `sum` may leave the range of its field, and
 * a reduce function may return anything, so they do not.
 */
function handedOnSchema(
  {spec, inputs}: Transformation,
  resolved: ReadonlyMap<number, Resolved>,
): RecordSchema | undefined {
  if (spec.type === 'source') return spec.source.schema;
  const keepsValues =
    spec.type === 'filter' || (spec.type === 'aggregate' && spec.aggregation !== 'sum');
  if (!keepsValues || inputs.length !== 1) return undefined;
  return schemaOf(inputs[0]!, resolved);
}

function schemaOf(
  input: TransformationInput,
  resolved: ReadonlyMap<number, Resolved>,
): RecordSchema | undefined {
  const source = resolved.get(input.sourceId)!;
  if (input.sideOutput === undefined) return source.outputSchema;
  return source.transformation.sideOutputSchemas?.get(input.sideOutput);
}

function resolveEdge(
  id: number,
  input: TransformationInput,
  target: Resolved,
  resolved: ReadonlyMap<number, Resolved>,
  settings: GraphSettings,
): StreamEdge {
  const source = resolved.get(input.sourceId)!;
  const byDefault = source.parallelism === target.parallelism ? 'forward' : 'rebalance';
  return {
    id,
    sourceId: source.id,
    targetId: target.id,
    inputIndex: input.inputIndex,
    partitioner: input.partitioner ?? {kind: byDefault},
    isDefaultPartitioner: input.partitioner === undefined,
    sideOutput: input.sideOutput,
    bufferTimeoutMs: source.transformation.bufferTimeoutMs ?? settings.bufferTimeoutMs,
    schema: schemaOf(input, resolved),
  };
}

/** A partitioner as a word or two: `hash[user.id]`, `rebalance`. */
export function describePartitioner(partitioner: PartitionerSpec): string {
  if (partitioner.kind !== 'hash' && partitioner.kind !== 'custom') return partitioner.kind;
  const {key} = partitioner;
  const shown =
    key.kind === 'function' ? 'fn' : key.paths.map(path => path.join('.') || 'value').join(', ');
  return `${partitioner.kind}[${shown}]`;
}

/**
 * Uids for operators that have none: from what an operator is and what feeds it, so that neither its
 * name nor an unrelated branch of the job matters. Operators that cannot be told apart in this way
 * (two maps of the same stream) are counted in the order of the calls that made them.
 */
class UidGenerator {
  readonly #seen = new Map<string, number>();

  derive({spec, inputs}: Transformation, resolved: ReadonlyMap<number, Resolved>): string {
    const feeds = inputs.map(({sourceId, inputIndex, sideOutput, partitioner}) => [
      resolved.get(sourceId)!.uid,
      inputIndex,
      sideOutput ?? null,
      partitioner === undefined ? null : describePartitioner(partitioner),
    ]);
    const kind = spec.type === 'custom' ? spec.kind : spec.type;
    const structure = JSON.stringify([kind, feeds]);
    const occurrence = this.#seen.get(structure) ?? 0;
    this.#seen.set(structure, occurrence + 1);
    return `${kind.replaceAll(/\W+/g, '-')}-${hashText(`${structure}#${occurrence}`).slice(0, 16)}`;
  }
}
