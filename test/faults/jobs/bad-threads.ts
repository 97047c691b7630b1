/**
 * A job of two subtasks that count slowly for ever. What `args.fault` names happens to the second one, at
 * record 100, in the operator called Bad.
 */
import {job, type RuntimeContext} from '../../../src/index.ts';

export interface BadThreadsArgs {
  readonly fault:
    | 'none'
    | 'out of memory'
    | 'exit'
    | 'exit with 0'
    | 'endless loop'
    | 'endless loop in open'
    | 'endless loop in close'
    | 'unhandled rejection'
    | 'exception in a timer'
    | 'endless loop in a timer'
    | 'blocking wait';
}

export default job<BadThreadsArgs>((env, {fault}) => {
  let subtask = -1;
  env
    .generate(i => i, {count: 2 ** 40, ratePerSecond: 20_000})
    .setParallelism(2)
    .map({
      open: (context: RuntimeContext) => {
        subtask = context.subtaskIndex;
        if (subtask === 1 && fault === 'endless loop in open') for (;;);
      },
      map: i => {
        if (subtask === 1 && i % 2 ** 39 === 100) misbehave(fault);
        return i;
      },
      close: () => {
        if (subtask === 1 && fault === 'endless loop in close') for (;;);
      },
    })
    .name('Bad')
    .uid('bad')
    .discard();
});

function misbehave(fault: BadThreadsArgs['fault']): void {
  switch (fault) {
    case 'out of memory': {
      const kept: number[][] = [];
      for (;;) kept.push(new Array<number>(100_000).fill(1.5));
    }
    case 'exit':
      return process.exit(7);
    case 'exit with 0':
      return process.exit();
    case 'endless loop':
      for (;;);
    case 'unhandled rejection':
      void Promise.reject(new RangeError('nobody waits for this'));
      return;
    case 'exception in a timer':
      setTimeout(() => {
        throw new RangeError('nobody catches this');
      }, 1);
      return;
    case 'endless loop in a timer':
      setTimeout(() => {
        for (;;);
      }, 1);
      return;
    case 'blocking wait':
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
      return;
    default:
  }
}
