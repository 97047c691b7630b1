/**
 * Runs a job in the seeded simulator: one thread, a virtual clock, an order of steps drawn from a seed, and
 * faults at chosen steps. The same seed gives the same run.
 */
import {StreamError} from '../base/errors.ts';
import type {JobBuilder, JobModule} from '../api/job.ts';
import {prepareLocalJob, type LocalJobOptions} from '../api/local-job.ts';
import {
  runSimulation,
  type SimulatedFault,
  type SimulatedStep,
  type SimulationResult,
} from '../scheduler/simulator.ts';

export type {SimulatedFault, SimulatedStep, SimulationResult};

export interface SimulateOptions<Args> extends LocalJobOptions<Args> {
  /** Decides the order of all steps. */
  readonly seed: number;
  /** Simulated worker threads; default: the parallelism. */
  readonly workers?: number;
  readonly faults?: readonly SimulatedFault[];
  /** Steps after which the run counts as endless; default 10 million. */
  readonly stepsMax?: number;
  /** Sees each step. */
  readonly onStep?: (step: SimulatedStep) => void;
}

/**
 * Simulates a job to its end.
 *
 * Default: parallelism 2.
 * Errors:  rejects with the failure of the job, if no fault was asked for that fails it; with
 *          `E_SIMULATION_STUCK` if no task can go on; with an `InvariantError` if the engine forgot to
 *          wake a worker; `E_SIMULATION_ENDLESS` after `stepsMax` steps; `E_HOST_STREAM` for a job with
 *          host streams.
 */
export async function simulate<Args = Record<string, unknown>>(
  builder: JobBuilder<Args> | JobModule<Args>,
  options: SimulateOptions<Args>,
): Promise<SimulationResult> {
  const parallelism = options.parallelism ?? 2;
  const {plans, planAgain, deployment, jobName} = await prepareLocalJob(
    builder,
    {...options, parallelism},
    options.workers ?? parallelism,
    `simulation-${options.seed}`,
  );
  const {hostInputs, hostOutputs} = deployment.plan.layout;
  if (hostInputs.length + hostOutputs.length > 0) {
    throw new StreamError(
      'E_HOST_STREAM',
      'a job with host streams cannot be simulated',
      {job: jobName},
      {remedy: 'use fromCollection() and collect() in their place'},
    );
  }
  const {seed, faults, stepsMax, onStep} = options;
  const result = await runSimulation({
    seed,
    plans,
    planAgain,
    deployment,
    ...(faults === undefined ? {} : {faults}),
    ...(stepsMax === undefined ? {} : {stepsMax}),
    ...(onStep === undefined ? {} : {onStep}),
  });
  const wasAskedFor = faults?.some(({kind}) => kind === 'fail') === true;
  if (result.status === 'FAILED' && !wasAskedFor) throw result.failure;
  return result;
}
