/** Views that any thread may open on the arena of a deployed job. */
import {Arena} from '../memory/arena.ts';
import {Doorbell} from '../memory/doorbell.ts';
import type {EngineDeployment} from './deployment.ts';
import {JobMetricsReader} from './job-metrics.ts';
import type {ControlBell, Deployment, MetricsReader} from './runtime-contract.ts';

/** The bell of worker `workerIndex`. */
export function openBell(deployment: Deployment, workerIndex: number): ControlBell {
  const {plan, buffer} = deployment as EngineDeployment;
  return new Doorbell(new Arena(buffer), plan.layout.doorbells, workerIndex);
}

/** The counters of all tasks. */
export function openMetrics(deployment: Deployment): MetricsReader {
  const {plan, buffer} = deployment as EngineDeployment;
  return new JobMetricsReader(new Arena(buffer), plan);
}
