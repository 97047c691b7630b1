/** The public test kit, `millrace/testing`. */
export {ManualClock} from '../base/clock.ts';
export {
  OperatorHarness,
  subtaskOfKey,
  type HarnessBuilder,
  type HarnessOptions,
  type TwoInputHarnessBuilder,
} from './operator-harness.ts';
export {
  isRecord,
  type HarnessOutput,
  type OutputRecord,
  type OutputStatus,
  type OutputWatermark,
} from './harness-output.ts';
export {CombinedWatermark, PartialWatermark} from '../time/combined-watermark.ts';
export {IdlenessTimer, WatermarksWithIdleness} from '../time/idleness.ts';
export {BoundedOutOfOrdernessWatermarks, NoWatermarks} from '../time/watermark-generator.ts';
export {WatermarkOutputMultiplexer} from '../time/watermark-multiplexer.ts';
export {StatusWatermarkValve} from '../time/watermark-valve.ts';
export type {StateBackendRequest, StateBackends} from '../operators/state-backends.ts';
export type {HarnessSnapshot} from './harness-state.ts';
export {
  simulate,
  type SimulateOptions,
  type SimulatedFault,
  type SimulatedStep,
  type SimulationResult,
} from './simulate.ts';
export {
  expectStream,
  type ExpectStreamOptions,
  type ExpectedStreamBuilder,
  type StreamExpectation,
} from './expect-stream.ts';
export {TestSource, type TestRecordOptions, type TestSplit} from './test-source.ts';
export {TestSink, type TestSinkRecord} from './test-sink.ts';
export {PausableClock, type ActivityClock} from '../time/activity-clock.ts';
