/** How watermarks go through a chain of scripted operators: order, stops, idleness, several inputs. */
import test from 'ava';
import type {RecordWriter} from '../../src/network/record-writer.ts';
import type {ChainEdge} from '../../src/operators/chain-plan.ts';
import {EventTimeFlow} from '../../src/operators/event-time-flow.ts';
import type {OperatorRuntime} from '../../src/operators/operator-runtime.ts';
import {to, toWriter} from '../support/chain-harness.ts';

interface Script {
  readonly outputs: readonly ChainEdge[];
  readonly forwards?: boolean;
  /** What the operator does about a watermark; false: it has to go on later. */
  readonly onWatermark?: (watermark: number) => boolean;
}

/** A chain whose operators and writers write down what comes to them. */
function flowOf(scripts: readonly Script[], {inputCount = 1, writerCount = 0} = {}) {
  const log: string[] = [];
  const stop = {requested: false};
  const blocked = new Set<number>();
  const operators = scripts.map(
    ({forwards = true, onWatermark = () => true}, node) =>
      ({
        forwardsWatermarks: forwards,
        processWatermark(watermark: number) {
          log.push(`${node}: ${watermark}`);
          return onWatermark(watermark);
        },
        processStatus: (isIdle: boolean) => log.push(`${node}: ${isIdle ? 'idle' : 'active'}`),
      }) as unknown as OperatorRuntime,
  );
  const writers = Array.from(
    {length: writerCount},
    (_, index) =>
      ({
        emitWatermark: (watermark: number) => log.push(`w${index}: ${watermark}`),
        emitStatus: (isIdle: boolean) => log.push(`w${index}: ${isIdle ? 'idle' : 'active'}`),
      }) as unknown as RecordWriter,
  );
  const flow = new EventTimeFlow({
    plan: {
      nodes: scripts.map(({outputs}, node) => ({
        name: `${node}`,
        uid: `${node}`,
        spec: {type: 'map', fn: value => value},
        outputs,
      })),
    },
    operators,
    writers,
    inputCount,
    stop,
    isWritableBehind: node => !blocked.has(node),
    guard: (_node, action) => action(),
  });
  const take = () => log.splice(0);
  return {flow, stop, blocked, take};
}

test('a watermark goes to an operator, its writers, then its children one after the other', t => {
  const {flow, take} = flowOf(
    [
      {outputs: [to(1), toWriter(0), to(3, 'side')]},
      {outputs: [to(2)]},
      {outputs: [toWriter(1)]},
      {outputs: [toWriter(2)]},
    ],
    {writerCount: 3},
  );

  flow.watermark(5, 0);

  t.false(flow.isSettled);
  t.true(flow.proceed());
  t.true(flow.isSettled);
  t.deepEqual(take(), ['0: 5', 'w0: 5', '1: 5', '2: 5', 'w1: 5', '3: 5', 'w2: 5']);
  t.is(flow.inputWatermark(2), 5);
  t.is(flow.outputWatermark(3), 5);
});

test('an operator that stops is asked again with the same watermark, and only then it is handed on', t => {
  let left = 2;
  const {flow, take} = flowOf([
    {outputs: [to(1)]},
    {outputs: [to(2)], onWatermark: () => (left -= 1) < 0},
    {outputs: []},
  ]);

  flow.watermark(5, 0);
  flow.watermark(9, 0);
  t.false(flow.proceed());
  t.deepEqual(take(), ['0: 5', '1: 5']);
  t.false(flow.proceed());
  t.true(flow.proceed());
  // The next one begins only when this one has come to all.
  t.deepEqual(take(), ['1: 5', '1: 5', '2: 5', '0: 9', '1: 9', '2: 9']);
});

test('nothing goes on while an output asks to stop, or an operator behind takes nothing', t => {
  const {flow, stop, blocked, take} = flowOf([{outputs: [to(1)]}, {outputs: []}]);
  flow.watermark(5, 0);

  stop.requested = true;
  t.false(flow.proceed());
  stop.requested = false;
  blocked.add(0);
  t.false(flow.proceed());
  t.deepEqual(take(), []);
  blocked.delete(0);
  t.true(flow.proceed());
  t.deepEqual(take(), ['0: 5', '1: 5']);
});

test('an operator that makes its own watermarks holds back those from before', t => {
  const {flow, take} = flowOf(
    [{outputs: [to(1)]}, {outputs: [to(2)], forwards: false}, {outputs: [toWriter(0)]}],
    {writerCount: 1},
  );

  flow.watermark(5, 0);
  flow.status(true, 0);
  flow.proceed();
  t.deepEqual(take(), ['0: 5', '1: 5', '0: idle', '1: idle']);

  flow.emit(1, {kind: 'watermark', timestamp: 3});
  flow.emit(1, {kind: 'status', isIdle: true});
  t.false(flow.isSettled);
  t.true(flow.proceed());
  t.deepEqual(take(), ['2: 3', 'w0: 3', '2: idle', 'w0: idle']);
});

test('what an operator emits in the middle of its timers goes on before they do', t => {
  let calls = 0;
  const {flow, take} = flowOf([
    {
      outputs: [to(1)],
      forwards: false,
      onWatermark: watermark => {
        calls += 1;
        flow.emit(0, {kind: 'watermark', timestamp: watermark - 10 + calls});
        return calls === 2;
      },
    },
    {outputs: []},
  ]);

  flow.watermark(20, 0);

  t.true(flow.proceed());
  t.deepEqual(take(), ['0: 20', '1: 11', '0: 20', '1: 12']);
});

test('several inputs are combined; one that is idle does not count', t => {
  const {flow, take} = flowOf([{outputs: []}], {inputCount: 2});
  const tell = (action: () => void) => {
    action();
    flow.proceed();
    return take();
  };

  t.deepEqual(
    tell(() => flow.watermark(5, 0)),
    [],
  );
  t.deepEqual(
    tell(() => flow.watermark(3, 1)),
    ['0: 3'],
  );
  t.deepEqual(
    tell(() => flow.status(true, 1)),
    ['0: 5'],
  );
  t.deepEqual(
    tell(() => flow.status(true, 0)),
    ['0: idle'],
  );
  t.deepEqual(
    tell(() => flow.status(false, 1)),
    ['0: active'],
  );
  t.deepEqual(
    tell(() => flow.watermark(4, 1)),
    [],
  );
  t.deepEqual(
    tell(() => flow.watermark(8, 1)),
    ['0: 8'],
  );
});

test('an idle output is told once and drops watermarks, save the last one', t => {
  const {flow, take} = flowOf([{outputs: [toWriter(0)], forwards: false}], {writerCount: 1});

  for (const event of [
    {kind: 'status', isIdle: true},
    {kind: 'status', isIdle: true},
    {kind: 'watermark', timestamp: 5},
    {kind: 'watermark', timestamp: Infinity},
    {kind: 'status', isIdle: false},
  ] as const) {
    flow.emit(0, event);
  }
  flow.proceed();

  t.deepEqual(take(), ['w0: idle', 'w0: active', 'w0: Infinity']);
});

test('handing on does not stop for full outputs, and leaves alone what was under way', t => {
  let calls = 0;
  const {flow, stop, blocked, take} = flowOf([
    {outputs: [to(1)]},
    {outputs: [to(2)], forwards: false},
    {
      outputs: [],
      onWatermark: () => {
        calls += 1;
        return calls % 3 === 0;
      },
    },
  ]);
  blocked.add(0);
  flow.watermark(50, 0);
  t.false(flow.proceed());

  stop.requested = true;
  flow.emit(1, {kind: 'watermark', timestamp: 7});
  flow.handOn();
  t.deepEqual(take(), ['2: 7', '2: 7', '2: 7']);
  t.false(flow.isForced);

  stop.requested = false;
  blocked.clear();
  t.true(flow.proceed());
  t.deepEqual(take(), ['0: 50', '1: 50']);
});
