/** What a worker's thread needs of the engine: planning, and everything that touches records. */
import {Random, systemSeed} from '../base/random.ts';
import {Arena} from '../memory/arena.ts';
import type {EngineDeployment} from '../scheduler/deployment.ts';
import {openBell} from '../scheduler/deployment-views.ts';
import type {WorkerSide} from '../scheduler/runtime-contract.ts';
import {createWorkerTasks} from '../scheduler/task-factory.ts';
import {planRequest, type PlannedEngineJob} from './plan-job.ts';

export const workerSide: WorkerSide = {
  plan: planRequest,
  createWorker: ({deployment, workerIndex, planned, clock, opening}) =>
    createWorkerTasks({
      plan: (planned as PlannedEngineJob).plan,
      planAgain: (planned as PlannedEngineJob).planAgain,
      deployment: deployment as EngineDeployment,
      arena: new Arena(deployment.buffer),
      workerIndex,
      clock,
      random: new Random(systemSeed()),
      opening,
    }),
  openBell,
};
