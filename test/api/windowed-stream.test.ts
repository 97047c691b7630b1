/** Windows as users write them: what is refused while a job is built, and what at run time; count windows. */
import test from 'ava';
import {StreamError} from '../../src/base/errors.ts';
import {
  ContinuousEventTimeTrigger,
  CountEvictor,
  CountTrigger,
  CumulativeEventTimeWindows,
  DeltaTrigger,
  EventTimeSessionWindows,
  GLOBAL_WINDOW,
  GlobalWindows,
  OutputTag,
  ProcessingTimeTrigger,
  PurgingTrigger,
  SlidingEventTimeWindows,
  TimeWindow,
  TriggerResult,
  TumblingEventTimeWindows,
  TumblingProcessingTimeWindows,
  ValueStateDescriptor,
  WindowStagger,
  type DataStream,
  type KeyedStream,
  type MergingWindowAssigner,
  type Trigger,
  type WindowAssigner,
} from '../../src/index.ts';
import {OperatorHarness} from '../../src/testing/index.ts';

interface Click {
  readonly user: string;
  readonly n: number;
}

type Clicks = KeyedStream<Click, string>;

/** The code of the error that building throws. */
function codeOf(build: (clicks: Clicks) => unknown): string {
  let code = 'none';
  try {
    OperatorHarness.of((clicks: DataStream<Click>) => {
      build(clicks.keyBy('user'));
      return clicks;
    }).close();
  } catch (error) {
    code = error instanceof StreamError ? error.code : String(error);
  }
  return code;
}

const REFUSED: ReadonlyArray<readonly [what: string, code: string, (clicks: Clicks) => unknown]> = [
  ['a size of 0', 'E_WINDOW_SIZE', s => s.window(TumblingEventTimeWindows.of(0))],
  ['a size that is no number', 'E_WINDOW_SIZE', s => s.window(TumblingEventTimeWindows.of(NaN))],
  [
    'an offset as large as the size',
    'E_WINDOW_OFFSET',
    s => s.window(TumblingEventTimeWindows.of(5, 5)),
  ],
  [
    'an offset below minus the size',
    'E_WINDOW_OFFSET',
    s => s.window(TumblingEventTimeWindows.of(5, -6)),
  ],
  [
    'an offset as large as the slide',
    'E_WINDOW_OFFSET',
    s => s.window(SlidingEventTimeWindows.of(9, 3, 3)),
  ],
  ['a slide of 0', 'E_WINDOW_SIZE', s => s.window(SlidingEventTimeWindows.of(9, 0))],
  [
    'steps that do not fill a size',
    'E_WINDOW_SIZE',
    s => s.window(CumulativeEventTimeWindows.of(10, 4)),
  ],
  ['a gap of 0', 'E_WINDOW_SIZE', s => s.window(EventTimeSessionWindows.withGap(0))],
  [
    'something that is no assigner',
    'E_WINDOW_ASSIGNER',
    s => s.window({} as WindowAssigner<Click>),
  ],
  ['a count of 0', 'E_WINDOW_COUNT', s => s.countWindow(0)],
  ['a slide of half an element', 'E_WINDOW_COUNT', s => s.countWindow(2, 0.5)],
  [
    'a trigger that cannot merge, for sessions',
    'E_WINDOW_TRIGGER',
    s =>
      s.window(EventTimeSessionWindows.withGap(5)).trigger(DeltaTrigger.of(1, (a, b) => b.n - a.n)),
  ],
  [
    'the same inside of another trigger',
    'E_WINDOW_TRIGGER',
    s =>
      s
        .window(EventTimeSessionWindows.withGap(5))
        .trigger(PurgingTrigger.of(DeltaTrigger.of<Click>(1, (a, b) => b.n - a.n))),
  ],
  [
    'something that is no trigger',
    'E_WINDOW_TRIGGER',
    s => s.window(GlobalWindows.create()).trigger(5 as unknown as Trigger),
  ],
  [
    'something that is no evictor',
    'E_WINDOW_EVICTOR',
    s => s.window(GlobalWindows.create()).evictor({name: 'nothing'}),
  ],
  [
    'a negative lateness',
    'E_WINDOW_LATENESS',
    s => s.window(TumblingEventTimeWindows.of(5)).allowedLateness(-1),
  ],
  [
    'late data without a tag',
    'E_API_TAG',
    s => s.window(TumblingEventTimeWindows.of(5)).sideOutputLateData('late' as never),
  ],
  [
    'an aggregate without merge, for sessions',
    'E_API_FUNCTION',
    s =>
      s.window(EventTimeSessionWindows.withGap(5)).aggregate({
        createAccumulator: () => 0,
        add: (_click, n: number) => n + 1,
        getResult: n => n,
      }),
  ],
  ['something that is no function', 'E_API_FUNCTION', s => s.countWindow(2).reduce({} as never)],
  ['a path that is none', 'E_API_PATH', s => s.countWindow(2).sum('' as never)],
];

for (const [what, code, build] of REFUSED) {
  test(`a window refuses ${what}`, t => {
    t.is(codeOf(build), code);
  });
}

for (const [kind, build] of [
  ['slices', (s: Clicks) => s.window(TumblingEventTimeWindows.of(5)).sum('n')],
  ['sessions', (s: Clicks) => s.window(EventTimeSessionWindows.withGap(5)).sum('n')],
  [
    'the general operator',
    (s: Clicks) => s.window(TumblingEventTimeWindows.of(5)).process(() => {}),
  ],
] as const) {
  test(`a record without timestamp is refused with a remedy: ${kind}`, t => {
    const harness = OperatorHarness.of(
      (clicks: DataStream<Click>) => build(clicks.keyBy('user') as Clicks) as DataStream<any>,
    );

    const error = t.throws(() => harness.processElement({user: 'ada', n: 7}), {
      instanceOf: StreamError,
    });

    t.regex(error.message, /E_WINDOW_TIMESTAMP/);
    t.regex(error.message, /ada/);
    t.regex(error.message, /assignTimestampsAndWatermarks/);
  });
}

test('a gap that is not positive is refused with the record', t => {
  const harness = OperatorHarness.of((clicks: DataStream<Click>) =>
    clicks
      .keyBy('user')
      .window(EventTimeSessionWindows.withDynamicGap<Click>(({n}) => n))
      .sum('n'),
  );
  harness.processElement({user: 'ada', n: 1}, 1);

  const error = t.throws(() => harness.processElement({user: 'ada', n: 0}, 2));

  t.regex(error.message, /E_WINDOW_GAP/);
});

test('state of a window is refused where windows merge', t => {
  const harness = OperatorHarness.of((clicks: DataStream<Click>) =>
    clicks
      .keyBy('user')
      .window(EventTimeSessionWindows.withGap(5))
      .process((_key, {windowState}) => {
        windowState.getState(new ValueStateDescriptor('n'));
      }),
  );
  harness.processElement({user: 'ada', n: 1}, 1);

  const error = t.throws(() => harness.processWatermark(100));

  t.regex(error.message, /E_WINDOW_STATE/);
});

test('count windows fire by counts, for each key and for all', t => {
  const pairs = OperatorHarness.of((clicks: DataStream<Click>) =>
    clicks.keyBy('user').countWindow(2).sum('n'),
  );
  for (const [user, n] of [
    ['a', 1],
    ['b', 2],
    ['a', 3],
    ['a', 4],
    ['b', 5],
  ] as const) {
    pairs.processElement({user, n});
  }
  t.deepEqual(pairs.values, [
    {user: 'a', n: 4},
    {user: 'b', n: 7},
  ]);

  const last = OperatorHarness.of((clicks: DataStream<Click>) =>
    clicks.countWindowAll(3, 2).process((_context, all) => [all.map(({n}) => n)]),
  );
  for (let n = 1; n <= 6; n += 1) last.processElement({user: 'a', n});
  t.deepEqual(last.values, [
    [1, 2],
    [2, 3, 4],
    [4, 5, 6],
  ]);
});

test('windows of all elements have one subtask', t => {
  const seen: number[] = [];
  const harness = OperatorHarness.of(
    (clicks: DataStream<Click>) =>
      clicks.windowAll(TumblingEventTimeWindows.of(10)).aggregate(
        {createAccumulator: () => 0, add: ({n}: Click, sum) => sum + n, getResult: sum => sum},
        {
          open: ({parallelism}: {parallelism: number}) => void seen.push(parallelism),
          process: (context: {window: TimeWindow}, [sum]: readonly number[]) => [
            `${context.window.start}: ${sum}`,
          ],
        },
      ),
    {parallelism: 3},
  );

  for (let n = 0; n < 15; n += 1) harness.processElement({user: `${n}`, n}, n);
  harness.processWatermark(Infinity);

  t.deepEqual(harness.values, ['0: 45', '10: 60']);
  t.deepEqual(seen, [1]);
});

test('windows of all elements refuse more subtasks', t => {
  const error = t.throws(
    () =>
      OperatorHarness.of(
        (clicks: DataStream<Click>) =>
          clicks.windowAll(TumblingEventTimeWindows.of(10)).sum('n').setParallelism(2),
        {parallelism: 2},
      ),
    {instanceOf: StreamError},
  );

  t.is(error.code, 'E_GRAPH_PARALLELISM');
});

test('late elements are counted where nobody reads them', t => {
  const harness = OperatorHarness.of((clicks: DataStream<Click>) =>
    clicks.keyBy('user').window(TumblingEventTimeWindows.of(10)).sum('n'),
  );
  harness.processElement({user: 'a', n: 1}, 1);
  harness.processWatermark(9);

  harness.processElement({user: 'a', n: 2}, 3);
  harness.processElement({user: 'a', n: 3}, 12);

  t.is(harness.counter('numLateRecordsDropped'), 1);
});

test('a stagger shifts the windows of a subtask as a whole', t => {
  const harness = OperatorHarness.of(
    (clicks: DataStream<Click>) =>
      clicks
        .keyBy('user')
        .window(TumblingProcessingTimeWindows.of(10, 0, WindowStagger.NATURAL))
        .process((_key, {window}) => [[window.start, window.end]]),
    {startMs: 1_004},
  );

  harness.processElement({user: 'a', n: 1});
  harness.setProcessingTime(1_015);
  harness.processElement({user: 'b', n: 1});
  harness.setProcessingTime(1_050);

  t.deepEqual(harness.values, [
    [1_004, 1_014],
    [1_014, 1_024],
  ]);
  for (let draw = 0; draw < 20; draw += 1) {
    const offset = WindowStagger.RANDOM.offsetMs(0, 7);
    t.true(offset >= 0 && offset < 7 && Number.isInteger(offset));
  }
  t.is(WindowStagger.ALIGNED.offsetMs(1_004, 10), 0);
});

test('assigners, triggers and evictors of a user’s own do what they say', t => {
  /** Windows between bells: a bell ends the window that it lies in. */
  const untilFull: Trigger<Click> = {
    name: 'UntilFull',
    onElement: ({n}) => (n === 0 ? TriggerResult.FIRE_AND_PURGE : TriggerResult.CONTINUE),
    onEventTime: () => TriggerResult.CONTINUE,
    onProcessingTime: () => TriggerResult.CONTINUE,
    clear: () => {},
  };
  const evens: WindowAssigner<Click> = {
    name: 'Parity',
    isEventTime: true,
    defaultTrigger: untilFull,
    assignWindows: ({n}) => [n % 2 === 0 ? new TimeWindow(0, 100) : new TimeWindow(100, 200)],
  };
  const harness = OperatorHarness.of((clicks: DataStream<Click>) =>
    clicks
      .keyBy('user')
      .window(evens)
      .evictor({name: 'NoFours', evictBefore: all => all.filter(({value}) => value.n !== 4)})
      .process((_key, {window}, all) => [[window.start, ...all.map(({n}) => n)]]),
  );

  for (const n of [2, 4, 1, 6, 0, 8, 0]) harness.processElement({user: 'a', n}, n);

  t.deepEqual(harness.values, [
    [0, 2, 6, 0],
    [0, 8, 0],
  ]);
});

test('a merging assigner of a user’s own merges as it says', t => {
  /** All windows of a key become one. */
  const growing: MergingWindowAssigner<Click> = {
    name: 'Growing',
    isEventTime: true,
    defaultTrigger: CountTrigger.of(3),
    assignWindows: (_click, timestamp) => [new TimeWindow(timestamp, timestamp + 1)],
    mergeWindows(windows, merge) {
      if (windows.length > 1)
        merge(
          windows,
          windows.reduce((a, b) => a.cover(b)),
        );
    },
  };
  const harness = OperatorHarness.of((clicks: DataStream<Click>) =>
    clicks
      .keyBy('user')
      .window(growing)
      .reduce(
        (a, b) => ({user: a.user, n: a.n + b.n}),
        (_key, {window}, [sum]) => [[window.start, window.end, sum!.n]],
      ),
  );

  for (const ts of [10, 3, 7, 50]) harness.processElement({user: 'a', n: ts}, ts);

  t.deepEqual(harness.values, [[3, 11, 20]]);
});

test('results carry the last timestamp of their window', t => {
  const harness = OperatorHarness.of((clicks: DataStream<Click>) =>
    clicks.keyBy('user').window(SlidingEventTimeWindows.of(10, 5)).sum('n'),
  );
  harness.processElement({user: 'a', n: 1}, 7);
  harness.processWatermark(Infinity);
  t.deepEqual(
    harness.takeOutput().map(each => ('timestamp' in each ? each.timestamp : 'watermark')),
    [9, 14, 'watermark'],
  );

  const global = OperatorHarness.of((clicks: DataStream<Click>) =>
    clicks.keyBy('user').window(GlobalWindows.createWithEndOfStreamTrigger()).sum('n'),
  );
  global.processElement({user: 'a', n: 1}, 7);
  global.processWatermark(Infinity);
  t.like(global.output[0], {timestamp: GLOBAL_WINDOW.maxTimestamp});
});

test('a late side output carries elements as they came', t => {
  const late = new OutputTag<Click>('late');
  const harness = OperatorHarness.of((clicks: DataStream<Click>) =>
    clicks
      .keyBy('user')
      .window(TumblingEventTimeWindows.of(10))
      .trigger(ContinuousEventTimeTrigger.of(5))
      .sideOutputLateData(late)
      .process(() => {}),
  );
  harness.processWatermark(100);

  harness.processElement({user: 'a', n: 1}, 42);

  t.deepEqual([...harness.sideOutput(late)], [{value: {user: 'a', n: 1}, timestamp: 42}]);
});

test('a processing-time trigger on event-time windows fires by the clock', t => {
  const harness = OperatorHarness.of((clicks: DataStream<Click>) =>
    clicks
      .keyBy('user')
      .window(TumblingEventTimeWindows.of(10))
      .trigger(ProcessingTimeTrigger.create())
      .evictor(CountEvictor.of(1))
      .sum('n'),
  );
  harness.processElement({user: 'a', n: 1}, 3);
  harness.processElement({user: 'a', n: 2}, 4);

  harness.setProcessingTime(9);

  t.deepEqual(harness.values, [{user: 'a', n: 2}]);
});
