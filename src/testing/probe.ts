/**
 * The ends of a harness's chains: an operator that hands whatever reaches it (records, watermarks, status)
 * to the harness at once, and a cover for the other operators that gives side outputs nobody reads to it.
 */
import type {ChainCode, RecordText} from '../operators/chain-code.ts';
import {createOperator} from '../operators/create-operator.ts';
import type {OperatorSpec} from '../operators/operator.ts';
import {BaseOperator, type OperatorContext} from '../operators/operator-runtime.ts';

/** Takes what comes out of a chain. */
export interface Receiver {
  record(value: unknown, timestamp: number): void;
  watermark(timestamp: number): void;
  status(isIdle: boolean): void;
}

/** An operator at the end of a chain. */
export function probe(receiver: Receiver): OperatorSpec {
  return {type: 'custom', kind: 'probe', create: context => new Probe(context, receiver)};
}

class Probe extends BaseOperator {
  readonly #receiver: Receiver;

  constructor(context: OperatorContext, receiver: Receiver) {
    super(context);
    this.#receiver = receiver;
  }

  process(value: unknown, timestamp: number): void {
    this.#receiver.record(value, timestamp);
  }

  generate(code: ChainCode, record: RecordText): void {
    const take = code.bind((value: unknown, timestamp: number) => {
      this.#receiver.record(value, timestamp);
    });
    code.line(`${take}(${record.value()}, ${record.timestamp});`);
  }

  override processWatermark(watermark: number): boolean {
    this.#receiver.watermark(watermark);
    return true;
  }

  override processStatus(isIdle: boolean): void {
    this.#receiver.status(isIdle);
  }
}

/**
 * The same operator; what it emits into a side output that is not in `read` goes to `onSide`. A sink stays
 * as it is, because the chain asks sinks whether they are full.
 */
export function withSideOutputs(
  spec: OperatorSpec,
  read: ReadonlySet<string>,
  onSide: (tag: string, value: unknown, timestamp: number) => void,
): OperatorSpec {
  if (spec.type === 'sink') return spec;
  return {
    type: 'custom',
    kind: spec.type,
    create(context) {
      const sideOutput: OperatorContext['sideOutput'] = tag =>
        read.has(tag)
          ? context.sideOutput(tag)
          : {emit: (value, timestamp) => onSide(tag, value, timestamp)};
      // The rest is read through: some of it is made at the first look.
      const covered = Object.create(context, {sideOutput: {value: sideOutput}}) as OperatorContext;
      return createOperator(spec, covered);
    },
  };
}
