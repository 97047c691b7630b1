/**
 * The states of a keyed operator by kind, as user functions ask for them. The backend is made with the
 * first state: most functions on a keyed stream keep none, and for them no key is ever set.
 */
import {StreamError} from '../base/errors.ts';
import type {KeyedStateBackend} from '../state/keyed-state-backend.ts';
import type {
  AggregatingState,
  ListState,
  MapState,
  ReducingState,
  ValueState,
} from '../state/keyed-state.ts';
import {
  AggregatingStateDescriptor,
  ListStateDescriptor,
  MapStateDescriptor,
  ReducingStateDescriptor,
  ValueStateDescriptor,
} from '../state/state-descriptors.ts';
import type {ChainCode, RecordText} from './chain-code.ts';
import {checkDescriptor} from './function-context.ts';
import type {KeyedStateStore} from './functions.ts';
import {keyText, type KeyReader} from './key.ts';

export class KeyedStates implements KeyedStateStore {
  readonly #create: () => KeyedStateBackend;
  #backend: KeyedStateBackend | undefined;
  #isSealed = false;

  constructor(create: () => KeyedStateBackend) {
    this.#create = create;
  }

  /** Made now, if it has not been. */
  get backend(): KeyedStateBackend {
    if (this.#backend === undefined) {
      if (this.#isSealed) {
        throw new StreamError(
          'E_STATE_LATE',
          'a function asked for its first state while records are processed',
          {},
          {remedy: 'ask for every state in open()'},
        );
      }
      this.#backend = this.#create();
    }
    return this.#backend;
  }

  /** Whether anybody has asked for state: only then keys are set. */
  get isUsed(): boolean {
    return this.#backend !== undefined;
  }

  /** The functions are open: who has asked for nothing so far gets nothing. */
  seal(): void {
    this.#isSealed = true;
  }

  getState<T>(descriptor: ValueStateDescriptor<T>): ValueState<T> {
    checkDescriptor('getState', descriptor, ValueStateDescriptor);
    return this.backend.getState(descriptor);
  }

  getListState<T>(descriptor: ListStateDescriptor<T>): ListState<T> {
    checkDescriptor('getListState', descriptor, ListStateDescriptor);
    return this.backend.getState(descriptor);
  }

  getMapState<K, V>(descriptor: MapStateDescriptor<K, V>): MapState<K, V> {
    checkDescriptor('getMapState', descriptor, MapStateDescriptor);
    return this.backend.getState(descriptor);
  }

  getReducingState<T>(descriptor: ReducingStateDescriptor<T>): ReducingState<T> {
    checkDescriptor('getReducingState', descriptor, ReducingStateDescriptor);
    return this.backend.getState(descriptor);
  }

  getAggregatingState<I, A, O>(
    descriptor: AggregatingStateDescriptor<I, A, O>,
  ): AggregatingState<I, O> {
    checkDescriptor('getAggregatingState', descriptor, AggregatingStateDescriptor);
    return this.backend.getState(descriptor);
  }
}

/**
 * Writes the line that sets the key of a record. Keys that are a column of numbers are touched for the whole
 * batch before, if the state is large: many of these reads are under way at once, where each record
 * would wait for its own.
 */
export function setKeyText(
  code: ChainCode,
  record: RecordText,
  key: KeyReader,
  backend: Pick<KeyedStateBackend, 'setCurrentKey' | 'touchKey'>,
): void {
  const name = code.bind(backend);
  const {path} = key;
  const column = path === undefined ? undefined : record.column(path);
  const isNumber = column?.type === 'int32' || column?.type === 'float64';
  if (code.isLoop && isNumber && backend.touchKey !== undefined) {
    const [row, sum] = [code.name('row'), code.name('touched')];
    code.prologue(`if (${name}.paysToTouch) {`);
    code.prologue(`let ${sum} = 0;`);
    code.prologue(`for (let ${row} = $from; ${row} < $to; ${row}++) {`);
    code.prologue(`${sum} += ${name}.touchKey(${record.columnAt(path!, row)});`);
    code.prologue('}');
    // Kept, so that it is not optimised away.
    code.prologue(`${code.bind(TOUCHED)}[0] = ${sum};`);
    code.prologue('}');
  }
  code.line(`${name}.setCurrentKey(${keyText(code, record, key)});`);
}

const TOUCHED = new Float64Array(1);
