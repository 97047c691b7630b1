/** Asks something that answers later, in threads of its own. */
import {AsyncDataStream, job} from '../../../src/index.ts';

interface Args {
  readonly count: number;
  readonly delayMs: number;
  readonly capacity: number;
  /** `lost`: number 7 never answers; `late`: the first 20 answer at the second attempt. */
  readonly trouble?: 'lost' | 'late';
  /** Answer how many calls have been under way at most, not what was asked. */
  readonly countsCalls?: boolean;
}

export default job<Args>((env, {count, delayMs, capacity, trouble, countsCalls}) => {
  let underWay = 0;
  let mostUnderWay = 0;
  const attempts = new Map<number, number>();
  const lookUp = async (n: number): Promise<number[]> => {
    const attempt = (attempts.get(n) ?? 0) + 1;
    attempts.set(n, attempt);
    if (trouble === 'lost' && n === 7) await new Promise(() => {});
    underWay += 1;
    mostUnderWay = Math.max(mostUnderWay, underWay);
    await new Promise(resolve => {
      setTimeout(resolve, delayMs);
    });
    underWay -= 1;
    if (trouble === 'late' && n <= 20 && attempt === 1) throw new Error('busy');
    return [countsCalls === true ? mostUnderWay : n * 10];
  };
  AsyncDataStream.orderedWait(env.sequence(1, count), lookUp, {
    timeoutMs: trouble === 'lost' ? 3_000 : 60_000,
    capacity,
    ...(trouble === 'late' ? {retry: {retriesMax: 1, delayMs: 5}} : {}),
  }).collect('out');
});
