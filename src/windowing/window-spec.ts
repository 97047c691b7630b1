/** A windowed operation as an entry of the graph. Which operator runs it is decided in each subtask. */
import type {OperatorSpec} from '../operators/operator.ts';
import {EventTimeSessionWindows, ProcessingTimeSessionWindows} from './session-windows.ts';
import {WindowOperator, type WindowOptions} from './window-operator.ts';

/** The spec of windows with these options. */
export function windowSpec(options: WindowOptions): OperatorSpec {
  const {key, assigner, trigger, evictor, allowedLatenessMs, lateTag, contents, call} = options;
  const isDynamic =
    assigner instanceof EventTimeSessionWindows || assigner instanceof ProcessingTimeSessionWindows;
  return {
    type: 'custom',
    kind: 'window',
    ...(key === undefined ? {} : {key}),
    parts: [
      assigner.name,
      ...(isDynamic && assigner.gapFunction !== undefined ? [assigner.gapFunction] : []),
      trigger.name,
      evictor?.name ?? '',
      `lateness ${allowedLatenessMs}`,
      lateTag ?? '',
      contents.kind,
      ...(contents.kind === 'list' ? [] : [contents.fn]),
      ...(call === undefined ? [] : [call.kind, call.fn]),
    ],
    create: context => new WindowOperator(context, options),
  };
}
