/** Transformations by hand, short enough to see a graph in a test. */
import type {GraphSettings} from '../../src/graph/stream-graph.ts';
import type {
  PartitionerSpec,
  Transformation,
  TransformationInput,
} from '../../src/graph/transformation.ts';
import type {OperatorSpec} from '../../src/operators/operator.ts';
import type {Sink} from '../../src/operators/sink.ts';
import type {Source} from '../../src/operators/source.ts';

export const testSource: Source<unknown> = {
  name: 'test source',
  isBounded: true,
  assignment: 'static',
  enumerateSplits: () => [],
  createReader: () => {
    throw new Error('a plan never reads');
  },
};

export const testSink: Sink<unknown> = {
  name: 'test sink',
  createWriter: () => {
    throw new Error('a plan never writes');
  },
};

export const SETTINGS: GraphSettings = {
  jobName: 'test',
  parallelism: 2,
  maxParallelism: undefined,
  bufferTimeoutMs: 100,
  runtimeMode: 'streaming',
  operatorChaining: true,
  chainDifferentMaxParallelism: true,
};

/** Settings that differ from `SETTINGS`. */
export function settings(changes: Partial<GraphSettings> = {}): GraphSettings {
  return {...SETTINGS, ...changes};
}

export const byKey: PartitionerSpec = {kind: 'hash', key: {kind: 'fields', paths: [['key']]}};

const SPECS: Record<string, OperatorSpec> = {
  source: {type: 'source', source: testSource},
  map: {type: 'map', fn: (value: unknown) => value},
  filter: {type: 'filter', fn: () => true},
  coMap: {type: 'coMap', fn: {map1: (value: unknown) => value, map2: (value: unknown) => value}},
  sum: {
    type: 'aggregate',
    key: byKey.key,
    aggregation: 'sum',
    field: ['value'],
    first: true,
    emit: 'update',
  },
  sink: {type: 'sink', sink: testSink},
};

type Changes = Partial<Omit<Transformation, 'spec' | 'inputs'>> & {spec?: OperatorSpec};

/** Collects transformations; each method gives the id of the new one. */
export class GraphBuilder {
  readonly transformations: Transformation[] = [];

  /** Adds an operator; an input is an id, or an id with what else an input has. */
  add(
    kind: keyof typeof SPECS,
    inputs: ReadonlyArray<number | (Partial<TransformationInput> & {sourceId: number})> = [],
    changes: Changes = {},
  ): number {
    const id = changes.id ?? this.transformations.length + 1;
    this.transformations.push({
      name: `${kind}${id}`,
      spec: SPECS[kind]!,
      chainingStrategy: 'ALWAYS',
      ...changes,
      id,
      inputs: inputs.map(input => ({
        inputIndex: 0,
        ...(typeof input === 'number' ? {sourceId: input} : input),
      })),
    });
    return id;
  }

  source(changes: Changes = {}): number {
    return this.add('source', [], changes);
  }

  map(input: number, changes: Changes = {}): number {
    return this.add('map', [input], changes);
  }

  sink(input: number, changes: Changes = {}): number {
    return this.add('sink', [input], changes);
  }
}

/** A graph that is built by `build`. */
export function transformations(build: (graph: GraphBuilder) => void): Transformation[] {
  const graph = new GraphBuilder();
  build(graph);
  return graph.transformations;
}
