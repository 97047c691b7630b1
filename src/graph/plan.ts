/**
 * From what the API recorded to what is deployed, in one call. Every worker makes the same call on the
 * same transformations and must come to the same plan.
 */
import {
  buildExecutionGraph,
  type ExecutionGraph,
  type ExecutionOptions,
} from './execution-graph.ts';
import {buildJobGraph, type JobGraph} from './job-graph.ts';
import {buildStreamGraph, type GraphSettings, type StreamGraph} from './stream-graph.ts';
import type {Transformation} from './transformation.ts';

/** The three graphs that follow from the transformations. */
export interface JobPlan {
  readonly streamGraph: StreamGraph;
  readonly jobGraph: JobGraph;
  readonly executionGraph: ExecutionGraph;
}

/** Plans a job. Errors: `E_GRAPH_…`, see validate.ts. */
export function planGraph(
  transformations: readonly Transformation[],
  settings: GraphSettings,
  options: ExecutionOptions = {},
): JobPlan {
  const streamGraph = buildStreamGraph(transformations, settings);
  const jobGraph = buildJobGraph(streamGraph);
  const executionGraph = buildExecutionGraph(jobGraph, options);
  return {streamGraph, jobGraph, executionGraph};
}
