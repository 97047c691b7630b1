/** Async I/O: values are ids of requests, which actions complete. */
import {AsyncDataStream, type DataStream, type ResultFuture} from '../../../src/index.ts';
import {runOne} from '../steps.ts';
import {Unsupported, type Outcome, type Vector} from '../vector.ts';

const CAPACITY = 100;

export async function runAsyncWait(vector: Vector): Promise<Outcome> {
  const {operator, input} = vector;
  const requests = new Map<string, ResultFuture<unknown>>();
  const timeoutResult = timeoutResultOf(vector);
  const fn = {
    asyncInvoke(id: unknown, result: ResultFuture<unknown>) {
      requests.set(String(id), result);
    },
    ...(timeoutResult === undefined
      ? {}
      : {
          timeout(id: unknown, result: ResultFuture<unknown>) {
            result.complete(timeoutResult(String(id)));
          },
        }),
  };
  const options = {timeoutMs: Number(operator.timeout), capacity: CAPACITY};
  const build = (ids: DataStream<unknown>) =>
    operator.mode === 'ordered'
      ? AsyncDataStream.orderedWait(ids, fn, options)
      : AsyncDataStream.unorderedWait(ids, fn, options);
  return await runOne(vector, build, {
    settles: true,
    element: ({value}) => value,
    action: action => {
      const [, id, results] = /^done:([^=]*)=(.*)$/.exec(action) ?? [];
      if (id === undefined) throw new Unsupported(`action ${action}`);
      requests.get(id)?.complete(results === '' ? [] : results!.split(','));
    },
  });
}

/**
 * What a request whose time is over gives, in the way in which the vector writes it: the results that no
 * action has brought name the request.
 */
function timeoutResultOf({input, expected}: Vector): ((id: string) => unknown[]) | undefined {
  const brought = new Set(
    input.flatMap(({action}) => (action?.split('=')[1] ?? '').split(',').filter(Boolean)),
  );
  const other = expected.find(({value}) => typeof value === 'string' && !brought.has(value))?.value;
  if (typeof other !== 'string') return () => [];
  return id => [other.replace(/\d+/, id)];
}
