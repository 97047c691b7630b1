/** The public test kit, `millrace/testing`. */
export {ManualClock} from '../base/clock.ts';
export {
  simulate,
  type SimulateOptions,
  type SimulatedFault,
  type SimulatedStep,
  type SimulationResult,
} from './simulate.ts';
