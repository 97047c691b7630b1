/**
 * A plan for people and for other programs: text for a terminal, JSON, and two languages for pictures
 * (Graphviz's DOT, Mermaid). Shows the chains and why each edge between them was not chained, channels,
 * parallelism, slots, and whatever lines of a memory budget it is given.
 */
import type {OperatorSpec} from '../operators/operator.ts';
import {showPath, type RecordSchema} from '../records/schema.ts';
import {describeOrder, inputOrders} from './input-order.ts';
import {countGates, countWriters} from './execution-graph.ts';
import type {JobEdge, JobGraph, JobVertex} from './job-graph.ts';
import type {JobPlan} from './plan.ts';
import {describePartitioner} from './stream-graph.ts';

export type ExplainFormat = 'text' | 'json' | 'dot' | 'mermaid';

export interface ExplainOptions {
  /** Default: `text`. */
  readonly format?: ExplainFormat | undefined;
  /** Lines of a memory budget (`SegmentBudget.lines`), shown as they are. */
  readonly memoryLines?: readonly string[] | undefined;
}

/** Writes a plan down. The result ends in a line break. */
export function explainPlan(plan: JobPlan, options: ExplainOptions = {}): string {
  switch (options.format ?? 'text') {
    case 'text':
      return explainText(plan, options.memoryLines);
    case 'json':
      return `${JSON.stringify(explainJson(plan, options.memoryLines), null, 2)}\n`;
    case 'dot':
      return explainDot(plan);
    case 'mermaid':
      return explainMermaid(plan);
  }
}

function explainText(plan: JobPlan, memoryLines: readonly string[] | undefined): string {
  const {jobGraph, executionGraph} = plan;
  const {settings, vertices} = jobGraph;
  const {totals, slots} = executionGraph;
  const lines = [
    `job ${settings.jobName}: ${jobGraph.runtimeMode}, parallelism ${settings.parallelism}`,
    '',
    'Tasks',
    ...vertices.flatMap(vertex => vertexText(plan, vertex)),
    'Slots',
    ...slots.map(({index, slotSharingGroup, worker, tasks}) => {
      const names = tasks.map(task => executionGraph.tasks[task]!.name).join(' | ');
      return `  slot ${index} (${slotSharingGroup}) on worker ${worker}: ${names}`;
    }),
    '',
    'Totals',
    `  ${count(totals.tasks, 'task')} in ${count(totals.slots, 'slot')} on ${count(totals.workers, 'worker')}`,
    `  ${count(totals.channels, 'channel')}, ${totals.localChannels} within one worker`,
    `  ${count(totals.gates, 'gate')}, ${count(totals.writers, 'writer')}`,
  ];
  if (memoryLines !== undefined) lines.push('', 'Memory', ...memoryLines.map(line => `  ${line}`));
  return `${lines.join('\n')}\n`;
}

function vertexText(plan: JobPlan, vertex: JobVertex): string[] {
  const {vertices} = plan.jobGraph;
  const {index, name, id, parallelism, maxParallelism, slotSharingGroup} = vertex;
  const lines = [
    `  ${index}  ${name}`,
    `     parallelism ${parallelism}, max ${maxParallelism}, slot sharing group ${slotSharingGroup}, id ${id}`,
  ];
  for (const {name, uid, isUidGiven, node} of vertex.operators) {
    const detail = describeSpec(node.spec);
    lines.push(
      `       ${name}${detail === '' ? '' : ` ${detail}`}  uid ${uid}${isUidGiven ? '' : ' (derived)'}`,
    );
  }
  const orders = inputOrders(vertex, plan.jobGraph.runtimeMode);
  for (const edge of vertex.inEdges) {
    const from = vertices[edge.sourceVertex]!;
    const order = orders?.[edge.inputIndex];
    lines.push(
      `     <- ${edge.sourceVertex}  ${describeEdge(edge, from)}, ${channelCount(plan, edge)}` +
        `${order === undefined ? '' : `, ${describeOrder(order)}`}` +
        `${edge.schema === undefined ? '' : `, {${describeSchema(edge.schema)}}`}`,
      `          not chained: ${edge.objection.reason}`,
    );
  }
  lines.push('');
  return lines;
}

function describeEdge(edge: JobEdge, from: JobVertex): string {
  const operator = from.operators[edge.sourceOperator]!.name;
  const side = edge.sideOutput === undefined ? '' : ` side output ${edge.sideOutput}`;
  const input = edge.inputIndex === 0 ? '' : ` to input ${edge.inputIndex + 1}`;
  return `${operator}${side}${input}: ${describePartitioner(edge.partitioner)} ${edge.pattern}`;
}

function channelCount(plan: JobPlan, edge: JobEdge): string {
  const channels = plan.executionGraph.channels.filter(channel => channel.edge === edge.index);
  return count(channels.length, 'channel');
}

function describeSpec(spec: OperatorSpec): string {
  switch (spec.type) {
    case 'aggregate':
      return `${spec.aggregation}(${showPath(spec.field)}), emits ${spec.emit}`;
    case 'reduce':
    case 'rollingAggregate':
      return `emits ${spec.emit}`;
    case 'source': {
      const kind = spec.source.isBounded ? 'bounded' : 'unbounded';
      const watermarks = spec.watermarks?.description;
      return watermarks === undefined ? kind : `${kind}, ${watermarks}`;
    }
    case 'hostSource':
      return spec.watermarks?.description ?? '';
    case 'custom':
      return spec.kind;
    default:
      return '';
  }
}

function describeSchema(schema: RecordSchema): string {
  return schema.columns.map(({path, type}) => `${showPath(path)}: ${type}`).join(', ');
}

/** The plan as plain data; `explain --format json`. Names, numbers, reasons; no functions. */
export function explainJson(plan: JobPlan, memoryLines?: readonly string[] | undefined): object {
  const {jobGraph, executionGraph} = plan;
  return {
    job: jobGraph.settings.jobName,
    runtimeMode: jobGraph.runtimeMode,
    settings: jobGraph.settings,
    vertices: jobGraph.vertices.map(vertex => ({
      index: vertex.index,
      id: vertex.id,
      name: vertex.name,
      parallelism: vertex.parallelism,
      maxParallelism: vertex.maxParallelism,
      slotSharingGroup: vertex.slotSharingGroup,
      operators: vertex.operators.map(({name, uid, isUidGiven, node}) => ({
        name,
        uid,
        isUidGiven,
        type: node.spec.type,
        ...(node.outputSchema === undefined ? {} : {schema: node.outputSchema}),
      })),
    })),
    edges: jobGraph.edges.map(edge => ({
      index: edge.index,
      source: edge.sourceVertex,
      sourceOperator: edge.sourceOperator,
      target: edge.targetVertex,
      inputIndex: edge.inputIndex,
      partitioner: describePartitioner(edge.partitioner),
      ...(edge.sideOutput === undefined ? {} : {sideOutput: edge.sideOutput}),
      ...orderOf(jobGraph, edge),
      pattern: edge.pattern,
      bufferTimeoutMs: edge.bufferTimeoutMs,
      notChained: edge.objection,
    })),
    tasks: executionGraph.tasks,
    channels: executionGraph.channels,
    gates: executionGraph.gates,
    writers: executionGraph.writers,
    slots: executionGraph.slots,
    totals: executionGraph.totals,
    gateCounts: countGates(jobGraph, executionGraph),
    writerCounts: countWriters(jobGraph, executionGraph),
    ...(memoryLines === undefined ? {} : {memory: memoryLines}),
  };
}

function orderOf({vertices, runtimeMode}: JobGraph, edge: JobEdge): {order?: string} {
  const order = inputOrders(vertices[edge.targetVertex]!, runtimeMode)?.[edge.inputIndex];
  return order === undefined ? {} : {order: describeOrder(order)};
}

function explainDot({jobGraph}: JobPlan): string {
  const lines = [
    `digraph ${dotText(jobGraph.settings.jobName)} {`,
    '  rankdir=LR;',
    '  node [shape=box];',
  ];
  for (const {index, operators, parallelism} of jobGraph.vertices) {
    lines.push(`  subgraph cluster_${index} {`, `    label=${dotText(`× ${parallelism}`)};`);
    for (const {name, node} of operators) lines.push(`    o${node.id} [label=${dotText(name)}];`);
    lines.push('  }');
  }
  for (const {from, to, label} of pictureEdges(jobGraph.vertices)) {
    lines.push(`  o${from} -> o${to}${label === '' ? '' : ` [label=${dotText(label)}]`};`);
  }
  return `${[...lines, '}'].join('\n')}\n`;
}

function explainMermaid({jobGraph}: JobPlan): string {
  const lines = ['flowchart LR'];
  for (const {index, operators, parallelism} of jobGraph.vertices) {
    lines.push(`  subgraph v${index}["× ${parallelism}"]`);
    for (const {name, node} of operators) lines.push(`    o${node.id}["${mermaidText(name)}"]`);
    lines.push('  end');
  }
  for (const {from, to, label} of pictureEdges(jobGraph.vertices)) {
    lines.push(`  o${from} ${label === '' ? '---' : `-->|"${mermaidText(label)}"|`} o${to}`);
  }
  return `${lines.join('\n')}\n`;
}

/** All edges between operators; those inside a chain have no label unless they are a side output. */
function pictureEdges(vertices: readonly JobVertex[]) {
  const edges: Array<{from: number; to: number; label: string}> = [];
  for (const {operators} of vertices) {
    const inside = new Set(operators.map(({node}) => node.id));
    for (const {node} of operators) {
      for (const edge of node.outEdges) {
        // Only heads read edges from outside, so an edge to an operator inside is chained.
        const isChained = inside.has(edge.targetId);
        const words = [
          ...(isChained ? [] : [describePartitioner(edge.partitioner)]),
          ...(edge.sideOutput === undefined ? [] : [edge.sideOutput]),
        ];
        edges.push({from: edge.sourceId, to: edge.targetId, label: words.join(' ')});
      }
    }
  }
  return edges;
}

function dotText(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
}

function mermaidText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
