/** The sink's side of a chain: its context, backpressure, flushing, failures. */
import test from 'ava';
import {ManualClock} from '../../src/base/clock.ts';
import {Chain} from '../../src/operators/chain.ts';
import type {TaskContext} from '../../src/operators/functions.ts';
import type {Sink, SinkWriter, SinkWriterContext} from '../../src/operators/sink.ts';
import {operatorErrorOf} from '../support/chain-harness.ts';

/** A context as an engine may well have it: an object of a class with private fields. */
class ClassContext implements TaskContext {
  readonly #name = 'private';
  readonly jobName = 'job';
  readonly operatorName = 'sink';
  readonly uid = 'uid';
  readonly subtaskIndex = 1;
  readonly parallelism = 2;
  readonly maxParallelism = 128;
  readonly attemptNumber = 3;
  readonly clock = new ManualClock(5);
  readonly log: string[] = [];
  addToAccumulator(name: string, amount: number): void {
    this.log.push(`${this.#name} ${name} ${amount}`);
  }
  counter(name: string) {
    this.log.push(`${this.#name} ${name}`);
    return {value: 0, add() {}};
  }
}

function chainOf(sink: Sink<any>, context: TaskContext = new ClassContext()) {
  const wakeUps: string[] = [];
  const stop = {requested: false};
  const chain = new Chain({
    plan: {nodes: [{name: 'sink', uid: 'uid', spec: {type: 'sink', sink}, outputs: []}]},
    writers: [],
    stop,
    contexts: [context],
    wakeUp: () => wakeUps.push('woken'),
    interpret: false,
    name: 'test',
    counts: true,
  });
  return {chain, stop, wakeUps};
}

function sinkOf(
  writer: SinkWriter<any> | ((context: SinkWriterContext) => SinkWriter<any>),
): Sink<any> {
  return {
    name: 'sink',
    createWriter: context => (typeof writer === 'function' ? writer(context) : writer),
  };
}

test('the writer gets the whole context, whatever object that is', t => {
  const context = new ClassContext();
  let given: SinkWriterContext | undefined;
  const {chain, wakeUps} = chainOf(
    sinkOf(each => {
      given = each;
      return {write() {}};
    }),
    context,
  );
  t.is(given, undefined, 'writers are made when the chain opens');

  chain.open();
  given!.addToAccumulator('n', 2);
  given!.counter('c');
  given!.wakeUp();

  const {clock, addToAccumulator: _, counter: __, wakeUp: ___, ...rest} = given!;
  t.deepEqual(rest, {
    jobName: 'job',
    operatorName: 'sink',
    uid: 'uid',
    subtaskIndex: 1,
    parallelism: 2,
    maxParallelism: 128,
    attemptNumber: 3,
  });
  t.is(clock.now(), 5);
  t.deepEqual(context.log, ['private n 2', 'private c']);
  t.deepEqual(wakeUps, ['woken']);
});

test('a writer is flushed when idle, and once at the end, and polled until all has arrived', t => {
  const log: string[] = [];
  let pending = 2;
  const {chain} = chainOf(
    sinkOf({
      write: value => log.push(`write ${value}`),
      flush: atEnd => log.push(`flush ${atEnd}`),
      isFlushed: () => (pending -= 1) < 0,
      close: () => log.push('close'),
    }),
  );
  chain.open();
  chain.runValues([1], undefined, 0, 1);

  chain.onIdle();
  t.deepEqual([chain.finish(), chain.finish(), chain.finish()], [false, false, true]);
  chain.onIdle();
  chain.close();

  t.deepEqual(log, ['write 1', 'flush false', 'flush true', 'close']);
});

test('the chain is writable when all sinks are, and says when that may change', t => {
  let isFull = true;
  const {chain} = chainOf(
    sinkOf({
      write() {},
      isWritable: () => !isFull,
      writableAtMs: 42,
    }),
  );
  t.true(chain.isWritable(), 'nothing is full before it is open');
  chain.open();

  t.false(chain.isWritable());
  t.is(chain.writableAtMs, 42);
  isFull = false;
  t.true(chain.isWritable());
});

test('failures of a sink are errors of its operator, and it is closed', t => {
  const log: string[] = [];
  const failing = (method: string): Sink<any> =>
    sinkOf(() => {
      const step = (name: string) => () => {
        log.push(name);
        if (name === method) throw new Error(`cannot ${name}`);
      };
      step('create')();
      return {
        open: step('open'),
        write: step('write'),
        flush: step('flush'),
        close: step('close'),
      };
    });
  const run = (method: string) => {
    log.length = 0;
    const {chain} = chainOf(failing(method));
    const error = operatorErrorOf(() => {
      chain.open();
      chain.runValues(['record'], undefined, 0, 1);
      chain.finish();
      chain.close();
    });
    if (method !== 'close') chain.close();
    t.is((error.cause as Error).message, `cannot ${method}`);
    t.is(error.operatorIndex, 0);
    t.is(error.hasRecord, method === 'write');
    return log.join(' ');
  };

  t.is(run('create'), 'create');
  t.is(run('open'), 'create open close');
  t.is(run('write'), 'create open write close');
  t.is(run('flush'), 'create open write flush close');
  t.is(run('close'), 'create open write flush close');
});
