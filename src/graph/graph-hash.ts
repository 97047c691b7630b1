/**
 * Detects a builder that is not deterministic. Each thread builds the graph from the same module; from
 * each graph a fingerprint is taken, plain data that crosses threads, and they must be equal. If they
 * are not, the job is refused, and the first operator that differs is named.
 *
 * A fingerprint sees structure, settings, and the source text of user functions. It cannot see values
 * that a function closes over: two workers whose functions close over different random numbers have
 * equal fingerprints.
 */
import type {KeySelector, OperatorSpec} from '../operators/operator.ts';
import type {WatermarkStrategy} from '../time/watermark-strategy.ts';
import {fingerprint as schemaFingerprint} from '../records/schema.ts';
import {hashText} from './hash-text.ts';
import type {JobGraph, JobOperator} from './job-graph.ts';
import {describePartitioner, type StreamEdge} from './stream-graph.ts';

/** One operator, as texts that two builds must agree on. */
export interface OperatorFingerprint {
  readonly name: string;
  readonly uid: string;
  /** By aspect: `type`, `parallelism`, `function`, `inputs`, … */
  readonly aspects: Readonly<Record<string, string>>;
}

/** A job graph, as texts that two builds must agree on. Plain data. */
export interface GraphFingerprint {
  /** 32 hexadecimal digits; equal exactly if everything else is. */
  readonly hash: string;
  readonly settings: string;
  readonly operators: readonly OperatorFingerprint[];
}

/** Takes the fingerprint of a job graph. */
export function fingerprintGraph(graph: JobGraph): GraphFingerprint {
  const operators = graph.vertices.flatMap(vertex =>
    vertex.operators.map((operator, position) =>
      fingerprintOperator(operator, `${vertex.index}.${position}`),
    ),
  );
  const settings = JSON.stringify([graph.settings, graph.runtimeMode]);
  return {hash: hashText(JSON.stringify([settings, operators])), settings, operators};
}

/** Hash of a job graph: 32 hexadecimal digits. */
export function hashGraph(graph: JobGraph): string {
  return fingerprintGraph(graph).hash;
}

/**
 * A fingerprint as lines that are equal exactly if the fingerprints are: the settings, then one for
 * each operator. For whoever compares without knowing graphs.
 */
export function fingerprintLines({settings, operators}: GraphFingerprint): string[] {
  return [
    `settings ${settings}`,
    ...operators.map(({name, uid, aspects}) => `${name} (uid ${uid}): ${JSON.stringify(aspects)}`),
  ];
}

/**
 * Says in words where two fingerprints of what should be one job differ first, or undefined if they do
 * not: `operator 3 of 5, Map (uid map-1f…): function is "a => a + 1" against "a => a + 2"`.
 */
export function describeDifference(a: GraphFingerprint, b: GraphFingerprint): string | undefined {
  if (a.hash === b.hash) return undefined;
  if (a.settings !== b.settings) return `settings are ${a.settings} against ${b.settings}`;
  const count = Math.max(a.operators.length, b.operators.length);
  for (let index = 0; index < count; index += 1) {
    const [first, second] = [a.operators[index], b.operators[index]];
    const place = `operator ${index + 1} of ${count}`;
    if (first === undefined || second === undefined) {
      const {name, uid} = (first ?? second)!;
      return `${place}, ${name} (uid ${uid}), is only in the ${first === undefined ? 'second' : 'first'} graph`;
    }
    const difference = firstAspect(first, second);
    if (difference !== undefined) {
      return `${place}, ${first.name} (uid ${first.uid}): ${difference}`;
    }
  }
  return 'the hashes differ';
}

function firstAspect(a: OperatorFingerprint, b: OperatorFingerprint): string | undefined {
  if (a.name !== b.name) return `name is ${quoted(a.name)} against ${quoted(b.name)}`;
  for (const aspect of new Set([...Object.keys(a.aspects), ...Object.keys(b.aspects)])) {
    const [first, second] = [a.aspects[aspect] ?? '', b.aspects[aspect] ?? ''];
    if (first !== second)
      return `${aspect} is ${quoted(first, second)} against ${quoted(second, first)}`;
  }
  return a.uid === b.uid ? undefined : `uid is ${a.uid} against ${b.uid}`;
}

const QUOTED_LENGTH_MAX = 80;

/** A text in quotes; a long one cut to where it differs from `other`. */
function quoted(text: string, other = ''): string {
  if (text.length <= QUOTED_LENGTH_MAX) return JSON.stringify(text);
  let start = 0;
  while (start < text.length && text[start] === other[start]) start += 1;
  start = Math.max(0, Math.min(start - 20, text.length - QUOTED_LENGTH_MAX));
  const cut = text.slice(start, start + QUOTED_LENGTH_MAX);
  const isEnd = start + QUOTED_LENGTH_MAX >= text.length;
  return `${start > 0 ? '…' : ''}${JSON.stringify(cut)}${isEnd ? '' : '…'}`;
}

function fingerprintOperator({name, uid, node}: JobOperator, place: string): OperatorFingerprint {
  return {
    name,
    uid,
    aspects: {
      place,
      ...specAspects(node.spec),
      parallelism: String(node.parallelism),
      'max parallelism': String(node.maxParallelism),
      'slot sharing group': node.slotSharingGroup,
      'chaining strategy': node.chainingStrategy,
      schema: node.outputSchema === undefined ? '' : schemaFingerprint(node.outputSchema),
      inputs: node.inEdges.map(edgeText).join('; '),
    },
  };
}

function edgeText(edge: StreamEdge): string {
  const parts = [
    `${edge.sourceId}${edge.sideOutput === undefined ? '' : ` side output ${edge.sideOutput}`}`,
    `input ${edge.inputIndex}`,
    describePartitioner(edge.partitioner),
    `timeout ${edge.bufferTimeoutMs}`,
    edge.schema === undefined ? '' : schemaFingerprint(edge.schema),
  ];
  const {partitioner} = edge;
  if (partitioner.kind === 'hash' || partitioner.kind === 'custom') {
    parts.push(keyText(partitioner.key));
  }
  if (partitioner.kind === 'custom') parts.push(functionText(partitioner.fn));
  return parts.join(' ');
}

function keyText(key: KeySelector): string {
  return key.kind === 'function' ? functionText(key.fn) : JSON.stringify(key.paths);
}

function specAspects(spec: OperatorSpec): Record<string, string> {
  const {type} = spec;
  switch (spec.type) {
    case 'source': {
      const {source} = spec;
      return {
        type,
        source: JSON.stringify([source.name, source.isBounded, source.assignment]),
        function: source.generator === undefined ? '' : functionText(source.generator),
        ...watermarkAspect(spec.watermarks),
      };
    }
    case 'sink':
      return {type, sink: spec.sink.name};
    case 'hostSource':
      return {type, channel: spec.channel, ...watermarkAspect(spec.watermarks)};
    case 'hostSink':
      return {type, channel: spec.channel, collects: String(spec.collects === true)};
    case 'reduce':
    case 'rollingAggregate':
      return {type, key: keyText(spec.key), emit: spec.emit, function: functionText(spec.fn)};
    case 'aggregate':
      return {
        type,
        key: keyText(spec.key),
        emit: spec.emit,
        aggregation: `${spec.aggregation}(${spec.field.join('.')}) first=${spec.first}`,
      };
    case 'custom':
      return {
        type,
        kind: spec.kind,
        key: [spec.key ?? []]
          .flat()
          .map(each => keyText(each as KeySelector))
          .join(' '),
        function: (spec.parts ?? []).map(partText).join('\n'),
      };
    default:
      return {type, function: functionText(spec.fn)};
  }
}

function watermarkAspect(watermarks: WatermarkStrategy<any> | undefined): Record<string, string> {
  if (watermarks === undefined) return {};
  const {generator, assigner, idleTimeoutMs} = watermarks;
  return {watermarks: [generator, assigner, idleTimeoutMs].map(partText).join('\n')};
}

/** A user function by its text, a parameter by its value. */
function partText(part: unknown): string {
  if (typeof part === 'function') return functionText(part);
  if (typeof part !== 'object' || part === null) return String(part);
  const data = Object.entries(part).filter(([, value]) => typeof value !== 'function');
  return `${functionText(part)} ${data.map(([name, value]) => `${name}=${String(value)}`).join(' ')}`;
}

/** The source text of a function, or of all methods of a function object and of its class. */
function functionText(fn: unknown): string {
  if (typeof fn === 'function') return Function.prototype.toString.call(fn);
  const parts: string[] = [];
  for (
    let owner = fn as object | null;
    owner !== null && owner !== Object.prototype;
    owner = Object.getPrototypeOf(owner) as object | null
  ) {
    for (const name of Object.getOwnPropertyNames(owner)) {
      const {value} = Object.getOwnPropertyDescriptor(owner, name)!;
      if (typeof value === 'function') {
        parts.push(`${name}: ${Function.prototype.toString.call(value)}`);
      }
    }
  }
  return parts.join('\n');
}
