/** Async I/O: order, capacity, time limits, retries, failures, and inputs in flight as state. */
import test from 'ava';
import {
  AsyncDataStream,
  type AsyncFunction,
  type AsyncWaitOptions,
  type DataStream,
  type ResultFuture,
} from '../../src/index.ts';
import {StreamError} from '../../src/base/errors.ts';
import {OperatorHarness, type HarnessOptions} from '../../src/testing/index.ts';

type Mode = 'ordered' | 'unordered';

/** Requests that a test answers by hand. */
class Requests {
  /** In the order of the calls. */
  readonly calls: number[] = [];
  readonly pending = new Map<number, Array<ResultFuture<string>>>();

  asyncInvoke(id: number, result: ResultFuture<string>): void {
    this.calls.push(id);
    this.pending.set(id, [...(this.pending.get(id) ?? []), result]);
  }

  /** Answers the latest attempt. */
  done(id: number, ...results: string[]): void {
    this.pending.get(id)!.at(-1)!.complete(results);
  }

  fail(id: number, error: unknown = new Error(`no ${id}`)): void {
    this.pending.get(id)!.at(-1)!.completeExceptionally(error);
  }
}

function harnessOf(
  fn: AsyncFunction<number, string>,
  mode: Mode,
  options: AsyncWaitOptions = {timeoutMs: 100},
  harnessOptions: HarnessOptions = {},
) {
  return OperatorHarness.of<number, string>(builderOf(fn, mode, options), harnessOptions);
}

/** Without the default that `harnessOf` has. */
function harnessWith(fn: AsyncFunction<number, string>, options: AsyncWaitOptions) {
  return OperatorHarness.of<number, string>(builderOf(fn, 'ordered', options));
}

function builderOf(fn: AsyncFunction<number, string>, mode: Mode, options: AsyncWaitOptions) {
  return (ids: DataStream<number>): DataStream<string> =>
    mode === 'ordered'
      ? AsyncDataStream.orderedWait(ids, fn, options)
      : AsyncDataStream.unorderedWait(ids, fn, options);
}

async function errorOf(action: () => unknown): Promise<StreamError> {
  try {
    await action();
  } catch (thrown) {
    if (thrown instanceof StreamError) return thrown;
    throw thrown;
  }
  throw new Error('nothing was thrown');
}

const watermark = (timestamp: number) => ({watermark: timestamp});
const result = (value: string, timestamp: number) => ({value, timestamp});

test('in ordered mode results and watermarks leave as their inputs came', async t => {
  const requests = new Requests();
  const harness = harnessOf(requests, 'ordered');
  harness.processElement(1, 10);
  harness.processElement(2, 20);
  harness.processWatermark(25);
  harness.processElement(3, 30);
  harness.processElement(4);
  requests.done(3, 'c');
  requests.done(2);
  requests.done(4, 'd1', 'd2');
  await harness.settle();
  t.deepEqual(harness.takeOutput(), []);
  requests.done(1, 'a');
  await harness.settle();

  t.deepEqual(harness.takeOutput(), [
    result('a', 10),
    watermark(25),
    result('c', 30),
    {value: 'd1'},
    {value: 'd2'},
  ]);
});

test('in unordered mode results leave as they come, but pass no watermark', async t => {
  const requests = new Requests();
  const harness = harnessOf(requests, 'unordered');
  harness.processWatermark(5);
  t.deepEqual(harness.takeOutput(), [watermark(5)], 'nothing is before it');
  harness.processElement(1, 10);
  harness.processElement(2, 20);
  harness.processWatermark(25);
  harness.processElement(3, 30);
  requests.done(3, 'c');
  requests.done(2, 'b');
  await harness.settle();
  t.deepEqual(harness.takeOutput(), [result('b', 20)]);
  requests.done(1, 'a');
  await harness.settle();

  t.deepEqual(harness.takeOutput(), [result('a', 10), watermark(25), result('c', 30)]);
});

test('a function may return promises, iterables, or use its result', async t => {
  const fn = async (id: number, future: ResultFuture<string>) => {
    if (id === 1) return ['returned'];
    if (id === 2) return new Set(['x', 'y']);
    await null;
    future.complete(['completed']);
    return undefined;
  };
  const harness = harnessOf(fn as AsyncFunction<number, string>, 'ordered');
  for (const id of [1, 2, 3]) harness.processElement(id, id);
  await harness.settle();

  t.deepEqual(harness.values, ['returned', 'x', 'y', 'completed']);
  const sync = harnessOf(((id: number) => [`sync ${id}`]) as never, 'ordered');
  sync.processElement(1);
  await sync.settle();
  t.deepEqual(sync.values, ['sync 1']);
});

for (const mode of ['ordered', 'unordered'] as const) {
  test(`no more than the capacity is in flight, watermarks included, ${mode}`, async t => {
    const requests = new Requests();
    const build = builderOf(requests, mode, {timeoutMs: 0, capacity: 2});
    const harness = OperatorHarness.of((lists: DataStream<number[]>) =>
      build(lists.flatMap(list => list)),
    );
    harness.processElement([1], 1);
    harness.processWatermark(1);
    t.true(harness.isWritable(), 'full, but nothing waits');
    harness.processElement([5], 1);
    t.deepEqual(requests.calls, [1], 'a watermark takes a place');
    t.false(harness.isWritable());
    requests.done(1, 'a');
    await harness.settle();
    requests.done(5, 'e');
    await harness.settle();
    t.deepEqual(harness.takeOutput(), [result('a', 1), watermark(1), result('e', 1)]);
    t.true(harness.isWritable());
    requests.calls.length = 0;
    // What one record brings in excess waits, and so does what comes behind it.
    harness.processElement([2, 3, 4], 2);
    harness.processWatermark(2);
    t.deepEqual(requests.calls, [2, 3]);
    requests.done(3, 'c');
    requests.done(2, 'b');
    await harness.settle();
    t.deepEqual(requests.calls, [2, 3, 4]);
    requests.done(4, 'd');
    await harness.settle();

    t.true(harness.isWritable());
    t.deepEqual(harness.takeOutput(), [
      ...(mode === 'ordered' ? ['b', 'c', 'd'] : ['c', 'b', 'd']).map(value => result(value, 2)),
      watermark(2),
    ]);
  });

  test(`a record whose time is over fails the job, ${mode}`, async t => {
    const requests = new Requests();
    const harness = harnessOf(requests, mode, {timeoutMs: 100}, {startMs: 1000});
    harness.processElement(1, 1);
    harness.setProcessingTime(1050);
    harness.processElement(2, 2);
    requests.done(1, 'a');
    await harness.settle();
    harness.setProcessingTime(1149);
    t.deepEqual(harness.values, ['a']);
    const error = await errorOf(() => harness.setProcessingTime(1150));

    t.is(error.code, 'E_ASYNC_TIMEOUT');
    t.like(error.details, {timeoutMs: 100, record: '2', operator: error.details['operator']});
  });

  test(`timeout() answers in place of the function, which then comes too late, ${mode}`, async t => {
    class Patient extends Requests {
      timeout(id: number, future: ResultFuture<string>): void {
        future.complete([`timeout ${id}`]);
      }
    }
    const requests = new Patient();
    const harness = harnessOf(requests, mode);
    harness.processElement(1, 1);
    harness.processElement(2, 2);
    requests.done(2, 'b');
    harness.setProcessingTime(100);
    requests.done(1, 'late');
    requests.done(2, 'again');
    await harness.settle();

    t.deepEqual(harness.values.toSorted(), ['b', 'timeout 1']);
  });

  test(`a failure fails the job with its record, ${mode}`, async t => {
    const requests = new Requests();
    const harness = harnessOf(requests, mode);
    harness.processElement(7, 1);
    requests.fail(7, new TypeError('gone'));
    const error = await errorOf(() => harness.settle());

    t.is(error.code, 'E_ASYNC_FUNCTION');
    t.like(error.details, {thrown: 'TypeError: gone', record: '7', attempts: 1});
  });

  test(`inputs in flight are state and are asked for again, ${mode}`, async t => {
    const requests = new Requests();
    const options = {timeoutMs: 100, capacity: 3};
    const harness = harnessOf(requests, mode, options);
    harness.processElement(1, 10);
    harness.processWatermark(15);
    harness.processElement(2, 20);
    harness.processElement(3, 30);
    requests.done(2, 'not emitted');
    await harness.settle();
    const snapshot = harness.snapshot();
    harness.close();
    t.deepEqual(harness.takeOutput(), []);

    const again = new Requests();
    const restored = OperatorHarness.restore(builderOf(again, mode, options), [snapshot]);
    t.deepEqual(again.calls, [1, 2]);
    restored.processElement(4, 40);
    for (const id of [1, 2]) again.done(id, `again ${id}`);
    await restored.settle();
    for (const id of [3, 4]) again.done(id, `again ${id}`);
    await restored.settle();

    t.deepEqual(restored.takeOutput(), [
      result('again 1', 10),
      watermark(15),
      result('again 2', 20),
      result('again 3', 30),
      result('again 4', 40),
    ]);
  });
}

test('without a limit a record may take any time', async t => {
  const requests = new Requests();
  const harness = harnessOf(requests, 'ordered', {timeoutMs: 0});
  harness.processElement(1, 1);
  harness.setProcessingTime(1e12);
  requests.done(1, 'a');
  await harness.settle();

  t.deepEqual(harness.values, ['a']);
});

test('retries come after delays that grow, and then the failure counts', async t => {
  const requests = new Requests();
  const retry = {retriesMax: 3, delayMs: 10, multiplier: 3, delayMsMax: 50};
  const harness = harnessOf(requests, 'ordered', {timeoutMs: 1000, retry});
  harness.processElement(1, 1);
  for (const [failedAt, retriedAt] of [
    [0, 10],
    [20, 50],
    [60, 110],
  ] as const) {
    harness.setProcessingTime(failedAt);
    const attempts = requests.calls.length;
    requests.fail(1);
    harness.setProcessingTime(retriedAt - 1);
    t.is(requests.calls.length, attempts, `before ${retriedAt}`);
    harness.setProcessingTime(retriedAt);
    t.is(requests.calls.length, attempts + 1, `at ${retriedAt}`);
  }
  requests.fail(1);
  const error = await errorOf(() => harness.settle());

  t.is(error.code, 'E_ASYNC_FUNCTION');
  t.is(error.details['attempts'], 4);
});

test('which failures and which results are tried again is up to predicates', async t => {
  const requests = new Requests();
  const retry = {
    retriesMax: 5,
    delayMs: 10,
    onError: (error: unknown) => (error as Error).message === 'busy',
    onResult: (results: Iterable<string>) => [...results].length === 0,
  };
  const harness = harnessOf(requests, 'ordered', {timeoutMs: 1000, retry});
  harness.processElement(1, 1);
  requests.fail(1, new Error('busy'));
  const [first] = requests.pending.get(1)!;
  harness.setProcessingTime(10);
  first!.complete(['of an attempt that is over']);
  requests.done(1);
  harness.setProcessingTime(20);
  t.deepEqual(requests.calls, [1, 1, 1]);
  requests.done(1, 'at last');
  await harness.settle();
  t.deepEqual(harness.values, ['at last']);

  harness.processElement(2, 2);
  requests.fail(2, new Error('broken'));
  t.is((await errorOf(() => harness.settle())).code, 'E_ASYNC_FUNCTION');
});

test('the time of a record includes its retries', async t => {
  const requests = new Requests();
  const retry = {retriesMax: 100, delayMs: 30};
  const harness = harnessOf(requests, 'ordered', {timeoutMs: 100, retry});
  harness.processElement(1, 1);
  for (const nowMs of [0, 30, 60, 90]) {
    harness.setProcessingTime(nowMs);
    requests.fail(1);
  }
  const error = await errorOf(() => harness.setProcessingTime(100));

  t.is(error.code, 'E_ASYNC_TIMEOUT');
  t.is(error.details['attempts'], 4);
});

test('the end of input waits for what is in flight; a waiting retry is made at once and is the last', async t => {
  const requests = new Requests();
  const retry = {retriesMax: 100, delayMs: 1000, onResult: () => true};
  const harness = harnessOf(requests, 'ordered', {timeoutMs: 10_000, retry});
  harness.processElement(1, 1);
  harness.processElement(2, 2);
  harness.processWatermark(Infinity);
  requests.done(1, 'refused');
  t.false(harness.endInput());
  t.deepEqual(requests.calls, [1, 2, 1]);
  requests.done(1, 'accepted');
  await harness.settle();
  t.false(harness.endInput());
  requests.done(2, 'accepted too');
  await harness.settle();

  t.true(harness.endInput());
  t.deepEqual(harness.takeOutput(), [
    result('accepted', 1),
    result('accepted too', 2),
    watermark(Infinity),
  ]);
});

for (const [what, given] of [
  ['a number', 5],
  ['a text', 'abc'],
  ['null', null],
] as const) {
  test(`${what} is no iterable of results`, async t => {
    const harness = harnessOf((async () => given) as never, 'ordered');
    harness.processElement(1, 1);

    t.is((await errorOf(() => harness.settle())).code, 'E_ASYNC_RESULT');
  });
}

test('what is thrown at once is a failure like any other', async t => {
  const harness = harnessOf(
    () => {
      throw new RangeError('at once');
    },
    'ordered',
    {timeoutMs: 100},
  );
  const error = await errorOf(async () => {
    harness.processElement(1, 1);
    await harness.settle();
  });

  t.is(error.code, 'E_ASYNC_FUNCTION');
  t.is(error.details['thrown'], 'RangeError: at once');
});

test('idleness passes by what is in flight', t => {
  const requests = new Requests();
  const harness = harnessOf(requests, 'ordered');
  harness.processElement(1, 1);
  harness.processStatus('idle');

  t.deepEqual(harness.takeOutput(), [{status: 'idle'}]);
});

for (const [what, fn, options, code] of [
  ['no function', {}, {timeoutMs: 1}, 'E_API_FUNCTION'],
  ['no options', async () => [], undefined, 'E_API_ASYNC'],
  ['a negative timeout', async () => [], {timeoutMs: -1}, 'E_API_ASYNC'],
  ['no capacity', async () => [], {timeoutMs: 1, capacity: 0}, 'E_API_ASYNC'],
  [
    'retries without a limit of time',
    async () => [],
    {timeoutMs: 0, retry: {retriesMax: 1, delayMs: 1}},
    'E_API_ASYNC',
  ],
  [
    'retries that shrink',
    async () => [],
    {timeoutMs: 9, retry: {retriesMax: 1, delayMs: 1, multiplier: 0.5}},
    'E_API_ASYNC',
  ],
  ['no retries', async () => [], {timeoutMs: 9, retry: {retriesMax: 0, delayMs: 1}}, 'E_API_ASYNC'],
] as const) {
  test(`orderedWait refuses ${what}`, async t => {
    const build = () => harnessWith(fn as never, options as never);
    t.is((await errorOf(build)).code, code);
  });
}
