/** The public names of `millrace`, and nothing else. */
export {job, type JobBuilder, type JobModule} from './api/job.ts';
export {start, type JobReference, type StartOptions} from './api/start.ts';
export {runInThread, type RunInThreadOptions} from './api/run-in-thread.ts';
export type {JobHandle, StartProfile, TaskStatus} from './api/job-handle.ts';
export type {JobResult} from './api/job-result.ts';
export type {KeyState} from './operators/key-state.ts';
export type {JobInput, JobOutput} from './api/host-streams.ts';
export {explain, type ExplainJobOptions} from './api/explain.ts';
export {
  CONFIG_OPTIONS,
  resolveConfig,
  type Config,
  type ConfigInput,
  type ConfigOption,
} from './api/config.ts';
export type {StreamExecutionEnvironment} from './api/environment.ts';
export type {DataStream, KeyedStream} from './api/data-stream.ts';
export type {DataStreamSink} from './api/operator-settings.ts';
export type {ConnectedStreams, KeyedConnectedStreams} from './api/connected-streams.ts';
export type {
  BroadcastConnectedStream,
  BroadcastStream,
  KeyedBroadcastConnectedStream,
} from './api/broadcast-stream.ts';
export {AsyncDataStream, type AsyncWaitOptions} from './api/async-data-stream.ts';
export type {AsyncRetry} from './operators/async-wait.ts';
export type {Key} from './api/field-path.ts';
export {OutputTag} from './operators/functions.ts';
export type {
  AggregateFunction,
  AsyncFunction,
  BroadcastContext,
  BroadcastOnTimerContext,
  BroadcastProcessFunction,
  CoFlatMapFunction,
  CoMapFunction,
  CoProcessFunction,
  Collector,
  FilterFunction,
  FlatMapFunction,
  KeyedBroadcastContext,
  KeyedBroadcastProcessFunction,
  KeyedCoProcessFunction,
  KeyedProcessContext,
  KeyedProcessFunction,
  KeyedReadOnlyBroadcastContext,
  KeyedStateStore,
  MapFunction,
  OnTimerContext,
  ProcessContext,
  ProcessFunction,
  ReadOnlyBroadcastContext,
  ReduceFunction,
  ResultFuture,
  RichFunction,
  RuntimeContext,
  StateInitializationContext,
  StateOf,
  TaskContext,
  TimerService,
} from './operators/functions.ts';
export {
  AggregatingStateDescriptor,
  ListStateDescriptor,
  MapStateDescriptor,
  ReducingStateDescriptor,
  ValueStateDescriptor,
  type StateOptions,
} from './state/state-descriptors.ts';
export type {
  AggregatingState,
  ListState,
  MapState,
  ReducingState,
  ValueState,
} from './state/keyed-state.ts';
export type {BroadcastState, ReadonlyBroadcastState} from './state/operator-state-backend.ts';
export type {StateTtlConfig, TtlCleanup, TtlUpdateType, TtlVisibility} from './state/state-ttl.ts';
export type {Sink, SinkWriter, SinkWriterContext} from './operators/sink.ts';
export {
  END_OF_SPLITS,
  MORE_AVAILABLE,
  NOTHING_AVAILABLE,
  type PollResult,
  type Source,
  type SourceBatch,
  type SourceReader,
  type SourceReaderContext,
  type SourceSplit,
} from './operators/source.ts';
export {
  any,
  bigint,
  boolean,
  bytes,
  date,
  float64,
  int32,
  list,
  nullable,
  optional,
  schema,
  string,
  struct,
  type FieldType,
  type Infer,
  type Schema,
} from './records/schema.ts';
export type {OperatorWatermark, WatermarkHolder} from './scheduler/runtime-contract.ts';
export {TimeWindow, GLOBAL_WINDOW} from './time/time-window.ts';
export {MAX_WATERMARK, MIN_WATERMARK} from './time/watermark.ts';
export {
  WatermarkStrategy,
  type TimestampAssigner,
  type WatermarkAlignment,
  type WatermarkEmitStrategy,
} from './time/watermark-strategy.ts';
export type {
  WatermarkGenerator,
  WatermarkGeneratorContext,
  WatermarkOutput,
} from './time/watermark-generator.ts';
export type {AllWindowedStream, WindowedStream} from './api/windowed-stream.ts';
export type {
  MapPartitionFunction,
  PartitionWindowedStream,
  SortOrder,
} from './api/partition-windowed-stream.ts';
export type {IntervalJoin, IntervalJoined} from './api/interval-join.ts';
export type {
  CoGroupedStreams,
  CoGroupedWindows,
  JoinedStreams,
  JoinedWindows,
} from './api/joined-streams.ts';
export type {CoGroupFunction, JoinFunction, TaggedElement} from './windowing/co-group.ts';
export type {JoinContext, ProcessJoinFunction} from './windowing/interval-join.ts';
export type {
  MergingWindowAssigner,
  WindowAssigner,
  WindowAssignerContext,
} from './windowing/window-assigner.ts';
export {WindowStagger} from './windowing/window-stagger.ts';
export {
  TumblingEventTimeWindows,
  TumblingProcessingTimeWindows,
} from './windowing/tumbling-windows.ts';
export {
  SlidingEventTimeWindows,
  SlidingProcessingTimeWindows,
} from './windowing/sliding-windows.ts';
export {
  CumulativeEventTimeWindows,
  CumulativeProcessingTimeWindows,
} from './windowing/cumulative-windows.ts';
export {
  EventTimeSessionWindows,
  ProcessingTimeSessionWindows,
  type SessionGap,
} from './windowing/session-windows.ts';
export {GlobalWindows} from './windowing/global-windows.ts';
export {
  TriggerResult,
  type OnMergeContext,
  type Trigger,
  type TriggerContext,
} from './windowing/trigger.ts';
export {EventTimeTrigger} from './windowing/event-time-trigger.ts';
export {ProcessingTimeTrigger} from './windowing/processing-time-trigger.ts';
export {CountTrigger} from './windowing/count-trigger.ts';
export {DeltaTrigger, type DeltaFunction} from './windowing/delta-trigger.ts';
export {ContinuousEventTimeTrigger} from './windowing/continuous-event-time-trigger.ts';
export {ContinuousProcessingTimeTrigger} from './windowing/continuous-processing-time-trigger.ts';
export {
  ProcessingTimeoutTrigger,
  type ProcessingTimeoutOptions,
} from './windowing/processing-timeout-trigger.ts';
export {PurgingTrigger} from './windowing/purging-trigger.ts';
export {NeverTrigger} from './windowing/never-trigger.ts';
export {EndOfStreamTrigger} from './windowing/end-of-stream-trigger.ts';
export type {
  Evictor,
  EvictorContext,
  EvictorOptions,
  TimestampedValue,
} from './windowing/evictor.ts';
export {CountEvictor} from './windowing/count-evictor.ts';
export {TimeEvictor} from './windowing/time-evictor.ts';
export {DeltaEvictor} from './windowing/delta-evictor.ts';
export type {
  AllWindowFunction,
  ProcessAllWindowFunction,
  ProcessWindowFunction,
  WindowContext,
  WindowFunction,
} from './windowing/window-function.ts';
export type {Counter} from './metrics/counter.ts';
export type {JobMetrics, OperatorMetrics, TaskMetrics} from './scheduler/runtime-contract.ts';
export type {JobStatus} from './scheduler/job-status.ts';
export type {TaskState} from './scheduler/task-state.ts';
export {StreamError, type ErrorData, type ErrorDetails} from './base/errors.ts';
