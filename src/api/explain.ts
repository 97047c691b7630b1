/**
 * What a job would do, without running it: its graph, chains, channels and memory, and the code that
 * its chains become. Builds the graph in the calling thread; starts nothing.
 */
import {resolveConfig, type ConfigInput} from '../graph/config.ts';
import type {ExplainFormat} from '../graph/explain.ts';
import {availableParallelism} from 'node:os';
import {importJobModule} from '../scheduler/job-module.ts';
import {job, type JobBuilder, type JobModule} from './job.ts';
import {jobUrl, type JobReference} from './job-url.ts';

export interface ExplainJobOptions {
  /** As for `start`. */
  readonly args?: unknown;
  readonly parallelism?: number;
  readonly config?: ConfigInput | Readonly<Record<string, unknown>>;
  /** Default: `text`. */
  readonly format?: ExplainFormat;
  /** Also shows the generated loop of each chain; only with the format `text`. Default: false. */
  readonly code?: boolean;
}

/**
 * Explains a job, given as a module's URL or path, as a builder, or as what `job()` returned.
 *
 * Result: a text that ends in a line break; for the format `json` a JSON document.
 * Errors: those of `start` that concern the module, its builder, its options and its graph.
 */
export async function explain(
  reference: JobReference | JobModule | JobBuilder<any>,
  options: ExplainJobOptions = {},
): Promise<string> {
  const config = resolveConfig({
    ...options.config,
    ...(options.parallelism === undefined ? {} : {parallelism: options.parallelism}),
  });
  // As `start` has it, so that what is explained is what would run.
  const workers = config.workers ?? Math.min(config.parallelism, availableParallelism());
  // Loaded only now: whoever imports the package to start a job needs none of it.
  const [{planJob}, {explainPlan}, {memoryLines}] = await Promise.all([
    import('./plan-job.ts'),
    import('../graph/explain.ts'),
    import('../scheduler/arena-layout.ts'),
  ]);
  const plan = planJob(await moduleOf(reference), options.args ?? {}, config, {workers});
  const {format} = options;
  const text = explainPlan(plan, {format, memoryLines: memoryLines(plan, config)});
  if (options.code !== true || (format ?? 'text') !== 'text') return text;
  const {chainTexts} = await import('../scheduler/chain-texts.ts');
  return `${text}\nCode\n${chainTexts(plan, config)}`;
}

async function moduleOf(reference: JobReference | JobModule | JobBuilder<any>): Promise<unknown> {
  if (typeof reference === 'function') return job(reference);
  if (typeof reference === 'string' || reference instanceof URL) {
    return (await importJobModule(jobUrl(reference)))['default'];
  }
  return reference;
}
