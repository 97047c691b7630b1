/** What the coordinator's thread needs of the engine: planning, deployment, bells and counters. */
import {deploy} from '../scheduler/deployment.ts';
import {openBell, openMetrics} from '../scheduler/deployment-views.ts';
import type {CoordinatorSide} from '../scheduler/runtime-contract.ts';
import {planRequest, type PlannedEngineJob} from './plan-job.ts';

export const coordinatorSide: CoordinatorSide = {
  plan: planRequest,
  deploy: (planned, {config, jobId}) => deploy((planned as PlannedEngineJob).plan, config, jobId),
  openBell,
  openMetrics,
};
