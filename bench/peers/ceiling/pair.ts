/**
 * The main thread of a two-thread program: two workers that stay from run to run (so that their
 * code stays compiled), a ring in each direction, a bell for each. A run is one message to both and
 * one answer from both; in between the main thread sleeps.
 */
import {Worker, parentPort, workerData} from 'node:worker_threads';
import {allocateSlotRing} from './slot-ring.ts';

export interface PairData {
  /** 0 or 1. */
  readonly self: number;
  /** `rings[from]` carries what worker `from` sends to the other one. */
  readonly rings: readonly SharedArrayBuffer[];
  /** `bells[worker]` is what that worker sleeps on. */
  readonly bells: readonly Int32Array[];
}

/** Two workers that run `file`; each call gives both of them the same parameters. */
export function startPair<Parameters extends object, Result>(
  file: string,
): (parameters: Parameters) => Promise<Result[]> {
  const rings = [allocateSlotRing(), allocateSlotRing()];
  const bells = [0, 1].map(() => new Int32Array(new SharedArrayBuffer(4)));
  const workers = [0, 1].map(self => {
    const worker = new Worker(new URL(file, import.meta.url), {
      workerData: {self, rings, bells} satisfies PairData,
    });
    worker.unref();
    return worker;
  });
  return parameters =>
    Promise.all(
      workers.map(
        worker =>
          new Promise<Result>((resolve, reject) => {
            const onMessage = (result: Result) => {
              worker.off('error', reject);
              resolve(result);
            };
            worker.once('message', onMessage);
            worker.once('error', reject);
            worker.postMessage(parameters);
          }),
      ),
    );
}

/** The other end, in the worker: `run` is called for each set of parameters. */
export function servePair<Parameters extends object, Result>(
  run: (parameters: Parameters, pair: PairData) => Result,
): void {
  const port = parentPort;
  if (port === null) throw new Error('this module runs in a worker thread');
  port.on('message', (parameters: Parameters) => {
    port.postMessage(run(parameters, workerData as PairData));
  });
}
