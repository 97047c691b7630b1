/**
 * What is wrong with a job, said before anything runs. Two passes: over what the API recorded, before
 * defaults are resolved, and over the stream graph. Each check throws the first mistake it finds, with
 * the operators by name and what to do about it.
 */
import {StreamError} from '../base/errors.ts';
import {fingerprint, showPath, type RecordSchema} from '../records/schema.ts';
import {defaultMaxParallelism, MAX_PARALLELISM_LIMIT} from '../base/key-group.ts';
import {isRolling} from '../operators/operator.ts';
import type {GraphSettings, StreamEdge, StreamGraph, StreamNode} from './stream-graph.ts';
import type {Transformation} from './transformation.ts';

/**
 * Checks what the API recorded.
 *
 * Errors: `E_GRAPH_EMPTY`, `E_GRAPH_INPUT`, `E_GRAPH_CYCLE`, `E_GRAPH_NO_SINK`, `E_GRAPH_UID`,
 * `E_GRAPH_PARALLELISM`, `E_GRAPH_BUFFER_TIMEOUT`, `E_GRAPH_CHANNEL`, `E_GRAPH_UNBOUNDED`.
 */
export function validateTransformations(
  transformations: readonly Transformation[],
  settings: GraphSettings,
): void {
  if (transformations.every(each => each.inputs.length === 0)) {
    throw new StreamError(
      'E_GRAPH_EMPTY',
      'the job has no operators',
      {job: settings.jobName, sources: transformations.length},
      {
        remedy:
          'read a source and end each stream in a sink, such as print(), collect() or discard()',
      },
    );
  }
  checkInputs(transformations);
  checkCycles(transformations);
  checkSinks(transformations);
  checkUids(transformations);
  checkChannels(transformations);
  for (const each of transformations) {
    checkParallelism(each, settings);
    checkBufferTimeout(each.bufferTimeoutMs ?? settings.bufferTimeoutMs, each.name);
  }
  if (settings.runtimeMode === 'batch') checkBounded(transformations);
}

/**
 * Checks the stream graph.
 *
 * Errors: `E_GRAPH_FORWARD`, `E_GRAPH_NOT_KEYED`, `E_GRAPH_UNION_SCHEMA`.
 */
export function validateStreamGraph(graph: StreamGraph): void {
  for (const edge of graph.edges) checkForward(graph, edge);
  for (const node of graph.nodes) {
    checkKeyed(graph, node);
    checkUnion(graph, node);
  }
}

/** Refuses a parallelism that is not a positive integer; `where` is an operator, or what else it is for. */
export function checkParallelismValue(option: string, value: number, where: string): void {
  if (Number.isInteger(value) && value >= 1 && value <= MAX_PARALLELISM_LIMIT) return;
  throw new StreamError(
    'E_GRAPH_PARALLELISM',
    `the ${option} is not a number of subtasks`,
    {operator: where, [option]: String(value)},
    {remedy: `give a whole number from 1 to ${MAX_PARALLELISM_LIMIT}`},
  );
}

/** Refuses a buffer timeout that is neither milliseconds nor -1. */
export function checkBufferTimeout(timeoutMs: number, where: string): void {
  if (timeoutMs === -1 || (Number.isFinite(timeoutMs) && timeoutMs >= 0)) return;
  throw new StreamError(
    'E_GRAPH_BUFFER_TIMEOUT',
    'the buffer timeout is not a number of milliseconds',
    {operator: where, bufferTimeoutMs: String(timeoutMs)},
    {remedy: 'give milliseconds, 0 to flush after every record, or -1 to send only full batches'},
  );
}

function checkInputs(transformations: readonly Transformation[]): void {
  const ids = new Set<number>();
  for (const {id, name} of transformations) {
    if (ids.has(id)) {
      throw new StreamError('E_GRAPH_INPUT', 'two operators have the same id', {
        operator: name,
        id,
      });
    }
    ids.add(id);
  }
  for (const {name, spec, inputs} of transformations) {
    const expected = inputCount(spec);
    const found = new Set(inputs.map(input => input.inputIndex));
    const isComplete =
      found.size === expected && [...found].every(index => index >= 0 && index < expected);
    if (!isComplete) {
      throw new StreamError('E_GRAPH_INPUT', 'an operator has the wrong inputs', {
        operator: name,
        type: spec.type,
        expected,
        found: [...found].sort().join(' ') || 'none',
      });
    }
    for (const {sourceId} of inputs) {
      if (!ids.has(sourceId)) {
        throw new StreamError(
          'E_GRAPH_INPUT',
          'an operator reads a stream that is not part of the job',
          {operator: name, sourceId},
          {remedy: 'combine only streams of the same environment'},
        );
      }
    }
  }
}

/** How many inputs an operator reads. */
export function inputCount(spec: Transformation['spec']): number {
  switch (spec.type) {
    case 'source':
    case 'hostSource':
      return 0;
    case 'coMap':
    case 'coFlatMap':
    case 'coProcess':
      return 2;
    case 'custom':
      return spec.inputCount ?? 1;
    default:
      return 1;
  }
}

function checkCycles(transformations: readonly Transformation[]): void {
  const byId = new Map(transformations.map(each => [each.id, each]));
  const finished = new Set<number>();
  const path: Transformation[] = [];
  // Depth first along the inputs; whoever is met while still on the path closes a cycle.
  const visit = (each: Transformation): void => {
    if (finished.has(each.id)) return;
    const start = path.indexOf(each);
    if (start >= 0) {
      const names = [...path.slice(start), each].map(({name}) => name).reverse();
      throw new StreamError(
        'E_GRAPH_CYCLE',
        'the graph has a cycle',
        {operators: names.join(' -> ')},
        {remedy: 'feed results back through a source and a sink of your own, such as fromHost()'},
      );
    }
    path.push(each);
    for (const {sourceId} of each.inputs) visit(byId.get(sourceId)!);
    path.pop();
    finished.add(each.id);
  };
  for (const each of transformations) visit(each);
}

function isSink({spec}: Transformation): boolean {
  return spec.type === 'sink' || spec.type === 'hostSink';
}

function checkSinks(transformations: readonly Transformation[]): void {
  const read = new Set(transformations.flatMap(each => each.inputs.map(input => input.sourceId)));
  for (const each of transformations) {
    // Sources without readers are dropped; anything else without readers was meant to do something.
    if (isSink(each) || each.inputs.length === 0 || read.has(each.id)) continue;
    throw new StreamError(
      'E_GRAPH_NO_SINK',
      'a stream ends without a sink',
      {operator: each.name, ...(each.uid === undefined ? {} : {uid: each.uid})},
      {
        remedy:
          'end it in a sink, such as print(), collect(name) or writeJsonLines(directory); ' +
          'discard() if only its side effects matter',
      },
    );
  }
}

function checkUids(transformations: readonly Transformation[]): void {
  const users = new Map<string, string>();
  for (const {uid, name} of transformations) {
    if (uid === undefined) continue;
    const first = users.get(uid);
    if (first !== undefined) {
      throw new StreamError(
        'E_GRAPH_UID',
        'two operators have the same uid',
        {uid, first, second: name},
        {remedy: 'give each operator a uid of its own: state is found by it'},
      );
    }
    users.set(uid, name);
  }
}

function checkChannels(transformations: readonly Transformation[]): void {
  const users = new Map<string, string>();
  for (const {spec, name} of transformations) {
    if (spec.type !== 'hostSource' && spec.type !== 'hostSink') continue;
    const key = `${spec.type} ${spec.channel}`;
    const first = users.get(key);
    if (first !== undefined) {
      throw new StreamError(
        'E_GRAPH_CHANNEL',
        spec.type === 'hostSource'
          ? 'two sources read the same input of the job'
          : 'two sinks write the same output of the job',
        {channel: spec.channel, first, second: name},
        {remedy: 'give each fromHost(), toHost() and collect() a name of its own'},
      );
    }
    users.set(key, name);
  }
}

function checkParallelism(each: Transformation, settings: GraphSettings): void {
  const parallelism = each.parallelism ?? settings.parallelism;
  checkParallelismValue('parallelism', parallelism, each.name);
  const maxParallelism =
    each.maxParallelism ?? settings.maxParallelism ?? defaultMaxParallelism(parallelism);
  checkParallelismValue('maxParallelism', maxParallelism, each.name);
  if (parallelism <= maxParallelism) return;
  throw new StreamError(
    'E_GRAPH_PARALLELISM',
    'the parallelism is above the max parallelism',
    {operator: each.name, parallelism, maxParallelism},
    {remedy: `lower the parallelism, or setMaxParallelism(${parallelism}) or more`},
  );
}

function checkBounded(transformations: readonly Transformation[]): void {
  for (const {spec, name} of transformations) {
    if (spec.type !== 'source' || spec.source.isBounded) continue;
    throw new StreamError(
      'E_GRAPH_UNBOUNDED',
      'an unbounded source cannot run in batch mode',
      {source: name},
      {remedy: "bound the source, or use setRuntimeMode('streaming') or 'automatic'"},
    );
  }
}

function checkForward(graph: StreamGraph, edge: StreamEdge): void {
  if (edge.partitioner.kind !== 'forward') return;
  const source = graph.nodesById.get(edge.sourceId)!;
  const target = graph.nodesById.get(edge.targetId)!;
  if (source.parallelism === target.parallelism) return;
  throw new StreamError(
    'E_GRAPH_FORWARD',
    'forward needs the same parallelism on both sides',
    {
      from: source.name,
      fromParallelism: source.parallelism,
      to: target.name,
      toParallelism: target.parallelism,
    },
    {remedy: 'use rebalance() or rescale(), or give both sides the same parallelism'},
  );
}

function checkKeyed(graph: StreamGraph, node: StreamNode): void {
  if (!isRolling(node.spec)) return;
  for (const edge of node.inEdges) {
    if (edge.partitioner.kind === 'hash') continue;
    throw new StreamError(
      'E_GRAPH_NOT_KEYED',
      'a keyed operation reads a stream that is not keyed',
      {
        operator: node.name,
        input: graph.nodesById.get(edge.sourceId)!.name,
        partitioner: edge.partitioner.kind,
      },
      {remedy: 'call keyBy() directly before it'},
    );
  }
}

function checkUnion(graph: StreamGraph, node: StreamNode): void {
  const first = new Map<number, {edge: StreamEdge; schema: RecordSchema}>();
  for (const edge of node.inEdges) {
    // A shape that a source knows, and nobody declared, widens like one that is inferred.
    if (edge.schema === undefined || !edge.schema.declared) continue;
    const other = first.get(edge.inputIndex);
    if (other === undefined) {
      first.set(edge.inputIndex, {edge, schema: edge.schema});
    } else if (fingerprint(other.schema) !== fingerprint(edge.schema)) {
      throw new StreamError(
        'E_GRAPH_UNION_SCHEMA',
        'a union joins streams of different shapes',
        {
          operator: node.name,
          first: graph.nodesById.get(other.edge.sourceId)!.name,
          second: graph.nodesById.get(edge.sourceId)!.name,
          difference: firstDifference(other.schema, edge.schema),
        },
        {
          remedy:
            'map the streams to one shape before union(), or declare the same schema for both',
        },
      );
    }
  }
}

/** Names the first column in which two schemas differ. */
function firstDifference(a: RecordSchema, b: RecordSchema): string {
  if (a.kind !== b.kind) return `${a.kind} against ${b.kind}`;
  const bByPath = new Map(b.columns.map(column => [JSON.stringify(column.path), column]));
  for (const column of a.columns) {
    const other = bByPath.get(JSON.stringify(column.path));
    if (other === undefined) return `${showPath(column.path)} only in the first`;
    bByPath.delete(JSON.stringify(column.path));
    if (column.type !== other.type) {
      return `${showPath(column.path)} is ${column.type} against ${other.type}`;
    }
    if (column.nullability !== other.nullability) {
      return `${showPath(column.path)} differs in what it may lack`;
    }
    if (JSON.stringify(column.element) !== JSON.stringify(other.element)) {
      return `${showPath(column.path)} differs in its elements`;
    }
  }
  const [extra] = bByPath.values();
  return extra === undefined ? 'order of fields' : `${showPath(extra.path)} only in the second`;
}
