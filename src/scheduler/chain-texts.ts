/**
 * The loops that the chains of a job become, as text, for `explain --code`. Chains are put together as in
 * a worker, over an arena that is never used; nothing is opened and no record is read. Where the shape
 * of a chain's input is not declared, its loop is shown for values that come one by one: the loop for
 * columns is generated when the first batch has come.
 */
import {systemClock} from '../base/clock.ts';
import {Random} from '../base/random.ts';
import type {Config} from '../graph/config.ts';
import {fingerprintGraph} from '../graph/graph-hash.ts';
import type {JobVertex} from '../graph/job-graph.ts';
import type {JobPlan} from '../graph/plan.ts';
import type {Arena} from '../memory/arena.ts';
import type {LoopInput} from '../operators/chain-compiler.ts';
import {BatchReader} from '../records/batch-reader.ts';
import {describeDeployment} from './deployment.ts';
import {TaskFactory} from './task-factory.ts';

/** The loops of all vertices, one after the other. */
export function chainTexts(plan: JobPlan, config: Config): string {
  const {deployment, arena} = describeDeployment(plan, config, 'explain');
  const texts: string[] = [];
  for (const vertex of plan.jobGraph.vertices) {
    const task = plan.executionGraph.tasks.find(each => each.vertex === vertex.index)!;
    const factory = new TaskFactory({
      plan,
      deployment,
      arena,
      workerIndex: task.worker,
      clock: systemClock,
      random: new Random(0),
    });
    const {chain} = factory.createChain(task.index);
    for (const input of inputsOf(vertex, arena, config)) {
      texts.push(`// ${vertex.name}: ${describe(input)}\n${chain.loopText(input)}\n`);
    }
  }
  return texts.join('\n');
}

function inputsOf(vertex: JobVertex, arena: Arena, config: Config): LoopInput[] {
  const {spec} = vertex.operators[0].node;
  if (spec.type === 'source') {
    const {generator} = spec.source;
    return [
      generator === undefined
        ? {kind: 'values', inputIndex: 0}
        : {kind: 'range', generator, inputIndex: 0},
    ];
  }
  const inputs = new Map(vertex.inEdges.map(edge => [edge.inputIndex, edge.schema]));
  return [...inputs].map(([inputIndex, schema]) => {
    if (schema === undefined) return {kind: 'values', inputIndex};
    const {segmentSize} = config;
    const options = {schema, timestamps: false, segmentSizeBytes: segmentSize};
    return {kind: 'batch', reader: new BatchReader(arena, options), inputIndex};
  });
}

function describe(input: LoopInput): string {
  const where = `input ${input.inputIndex + 1}`;
  switch (input.kind) {
    case 'batch':
      return `column batches of ${where}`;
    case 'range':
      return 'indexes of a generator';
    default:
      return `values of ${where}`;
  }
}
