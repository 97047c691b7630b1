/**
 * A question for the state of a key on its way through a job's threads: from the host, which knows by the
 * key which subtask has it, through the coordinator to that subtask's worker, which answers between
 * two steps. Plain data.
 */
import {StreamError, showValue} from '../base/errors.ts';
import {hashKey, keyGroupOf, subtaskOf} from '../base/key-group.ts';
import type {EngineDeployment} from './deployment.ts';
import type {Deployment, StateQuery} from './runtime-contract.ts';

/**
 * The question for the state that the operator `uid` keeps for `key`. Errors: `E_STATE_QUERY` if the job has
 * no such operator; `E_KEY_…` for a key that is none.
 */
export function stateQuery(deployment: Deployment, uid: string, key: unknown): StateQuery {
  const {plan} = deployment as EngineDeployment;
  const {vertices, tasks} = plan;
  const vertex = vertices.find(({operators}) => operators.some(each => each.uid === uid));
  if (vertex === undefined) {
    const known = vertices.flatMap(({operators}) => operators.map(each => each.uid));
    throw new StreamError(
      'E_STATE_QUERY',
      'the job has no operator of this uid',
      {job: plan.jobName, uid: showValue(uid), known: known.join(', ')},
      {remedy: 'give the operator a uid: stream.process(fn).uid("…")'},
    );
  }
  const {parallelism, maxParallelism} = vertex;
  const group = keyGroupOf(hashKey(key), maxParallelism);
  const subtask = subtaskOf(group, maxParallelism, parallelism);
  const task = tasks.find(each => each.vertexId === vertex.id && each.subtaskIndex === subtask)!;
  return {
    workerIndex: task.workerIndex,
    taskIndex: task.taskIndex,
    operatorIndex: vertex.operators.findIndex(each => each.uid === uid),
    key,
  };
}
