/** What the host's thread needs of the engine: its ends of the channels to and from a job, and counters. */
import {Arena} from '../memory/arena.ts';
import type {EngineDeployment} from '../scheduler/deployment.ts';
import {openMetrics, openWatermarks} from '../scheduler/deployment-views.ts';
import {Host} from '../scheduler/host-channels.ts';
import type {Deployment, HostSide} from '../scheduler/runtime-contract.ts';
import {stateQuery} from '../scheduler/state-query.ts';

/** One set of the host's ends per job: they share a doorbell and a cache of segments. */
const hosts = new WeakMap<Deployment, Host>();

function hostOf(deployment: Deployment): Host {
  let host = hosts.get(deployment);
  if (host === undefined) {
    const {plan, buffer} = deployment as EngineDeployment;
    host = new Host({
      arena: new Arena(buffer),
      layout: plan.layout,
      jobName: plan.jobName,
      workerCount: plan.workerCount,
      workerOfTask: plan.tasks.map(task => task.workerIndex),
      floatingCredits: plan.config.floatingCredits,
      recordSizeBytesMax: plan.config.memory,
      debug: plan.config.debug,
      interpret: !plan.config.codeGeneration,
      inputSchemas: plan.hostSchemas,
    });
    hosts.set(deployment, host);
  }
  return host;
}

export const hostSide: HostSide = {
  stateQuery,
  openMetrics,
  openWatermarks,
  openHostInput: (deployment, name) => hostOf(deployment).openInput(name),
  openHostOutput: (deployment, name) => hostOf(deployment).openOutput(name),
};
