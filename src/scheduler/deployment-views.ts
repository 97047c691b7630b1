/** Views that any thread may open on the arena of a deployed job. */
import {Arena} from '../memory/arena.ts';
import {Doorbell} from '../memory/doorbell.ts';
import type {EngineDeployment} from './deployment.ts';
import {JobMetricsReader} from './job-metrics.ts';
import type {ControlBell, Deployment, MetricsReader, WatermarkReader} from './runtime-contract.ts';
import {WatermarkReportReader} from './watermark-report.ts';

/** The bell of worker `workerIndex`. */
export function openBell(deployment: Deployment, workerIndex: number): ControlBell {
  const {plan, buffer} = deployment as EngineDeployment;
  return new Doorbell(new Arena(buffer), plan.layout.doorbells, workerIndex);
}

/** What holds watermarks back. */
export function openWatermarks(deployment: Deployment): WatermarkReader {
  const engine = deployment as EngineDeployment;
  return new WatermarkReportReader(new Arena(engine.buffer), engine);
}

/** The counters of all tasks. */
export function openMetrics(deployment: Deployment): MetricsReader {
  const {plan, buffer} = deployment as EngineDeployment;
  return new JobMetricsReader(new Arena(buffer), plan);
}
