/**
 * What every source must do, as tests. `sourceContract` declares them through a function that is given,
 * so it serves any test runner. Sources are driven on one thread, with a clock that stands still until
 * a reader says when it wants to be polled again.
 */
import assert from 'node:assert/strict';
import {inspect} from 'node:util';
import {Random} from '../../src/base/random.ts';
import {
  END_OF_SPLITS,
  MORE_AVAILABLE,
  NOTHING_AVAILABLE,
  type Source,
  type SourceReader,
  type SourceSplit,
} from '../../src/operators/source.ts';
import {widen} from '../../src/records/infer-schema.ts';
import {ConnectorContext} from './connector-context.ts';

/** Declares one test; `body` throws if it fails. */
export type Declare = (title: string, body: () => void | Promise<void>) => void;

export interface SourceContractOptions<T> {
  readonly create: () => Source<T, any>;
  /** All records, in the order in which they come where the source has one split. */
  readonly records: readonly T[];
  /** How many records a poll is asked for. Default: 1, 3 and 1000. */
  readonly countsMax?: readonly number[];
}

/** Drives one reader. */
export class SourceDriver<T> {
  readonly source: Source<T, any>;
  readonly reader: SourceReader<T, SourceSplit>;
  readonly context: ConnectorContext;
  /** Everything that was read. */
  readonly records: T[] = [];
  #nowMs = 0;

  constructor(source: Source<T, any>, context: ConnectorContext = new ConnectorContext()) {
    this.source = source;
    this.context = context;
    this.reader = source.createReader(context);
    this.reader.open?.();
  }

  /** Polls once, at the time the reader asked for; false at the end of its splits. */
  poll(countMax: number): boolean {
    const result = this.reader.poll(countMax, this.#nowMs);
    if (result === END_OF_SPLITS) return false;
    if (result === NOTHING_AVAILABLE) {
      const {wakeAtMs} = this.reader;
      assert.ok(wakeAtMs > this.#nowMs, 'a reader without records says when there may be some');
      assert.ok(wakeAtMs < Infinity, 'this driver has no promises that could wake a reader');
      this.#nowMs = wakeAtMs;
      return true;
    }
    assert.equal(result, MORE_AVAILABLE);
    const batch = this.reader.batch;
    if (batch.kind === 'range') {
      assert.ok(batch.end - batch.start <= countMax, 'no more records than were asked for');
      for (let at = batch.start; at < batch.end; at += 1) {
        this.records.push(this.source.generator!(at));
      }
    } else {
      assert.ok(batch.count <= countMax, 'no more records than were asked for');
      for (let at = 0; at < batch.count; at += 1) this.records.push(batch.values[at]!);
    }
    return true;
  }

  /** Reads everything that was handed over. */
  readAll(countMax = 1000): T[] {
    while (this.poll(countMax));
    return this.records;
  }
}

/** Declares the tests that every bounded source passes. */
export function sourceContract<T>(
  declare: Declare,
  name: string,
  {create, records, countsMax = [1, 3, 1000]}: SourceContractOptions<T>,
): void {
  const title = (text: string) => `${name}: ${text}`;
  const splitsOf = async (source: Source<T, any>, parallelism = 1): Promise<SourceSplit[]> =>
    structuredClone(await source.enumerateSplits({parallelism}));

  declare(title('splits are plain data with ids of their own'), async () => {
    for (const parallelism of [1, 2, 5]) {
      const splits = await create().enumerateSplits({parallelism});

      assert.deepEqual(structuredClone(splits), splits);
      assert.equal(new Set(splits.map(split => split.splitId)).size, splits.length);
    }
  });

  declare(title('one reader yields every record once, a single split in order'), async () => {
    for (const countMax of countsMax) {
      const source = create();
      const driver = new SourceDriver(source);
      const splits = await splitsOf(source);
      for (const split of splits) driver.reader.addSplit(split);

      driver.readAll(countMax);
      driver.reader.close?.();

      if (splits.length === 1) assert.deepEqual(driver.records, records);
      assertSame(driver.records, records);
    }
  });

  declare(title('splits may be handed over one by one, each at the end of the last'), async () => {
    const source = create();
    const driver = new SourceDriver(source);
    assert.equal(driver.poll(10), false, 'a reader without a split has nothing');

    for (const split of await splitsOf(source)) {
      driver.reader.addSplit(split);
      driver.readAll();
      assert.equal(driver.poll(10), false, 'the end of the splits stays the end');
    }
    driver.reader.close?.();

    assertSame(driver.records, records);
  });

  for (const parallelism of [2, 3]) {
    declare(title(`${parallelism} readers together yield every record once`), async () => {
      for (const seed of [1, 2]) {
        const random = new Random(seed);
        const source = create();
        const splits = await splitsOf(source, parallelism);
        const drivers = Array.from(
          {length: parallelism},
          (_, subtaskIndex) =>
            new SourceDriver(create(), new ConnectorContext({subtaskIndex, parallelism})),
        );
        if (source.assignment === 'static') {
          splits.forEach((split, at) => drivers[at % parallelism]!.reader.addSplit(split));
          splits.length = 0;
        }

        let running = drivers;
        while (running.length > 0) {
          const driver = running[random.below(running.length)]!;
          if (driver.poll(2)) continue;
          const split = splits.shift();
          if (split === undefined) running = running.filter(each => each !== driver);
          else driver.reader.addSplit(split);
        }
        for (const driver of drivers) driver.reader.close?.();

        assertSame(
          drivers.flatMap(driver => driver.records),
          records,
        );
      }
    });
  }

  declare(title('what was read and what a snapshot says is left are all records'), async () => {
    for (const countMax of countsMax) {
      const source = create();
      const driver = new SourceDriver(source);
      for (const split of await splitsOf(source)) driver.reader.addSplit(split);

      let goesOn = true;
      while (goesOn) {
        const rest = new SourceDriver(create());
        const splits = structuredClone(driver.reader.snapshotSplits());
        for (const split of splits) rest.reader.addSplit(split);
        rest.readAll();
        rest.reader.close?.();
        assertSame([...driver.records, ...rest.records], records);
        goesOn = driver.poll(countMax);
      }
      assert.deepEqual(driver.reader.snapshotSplits(), [], 'nothing is left at the end');
      driver.reader.close?.();
    }
  });

  declare(title('a reader may be closed before, while and after it reads, and twice'), async () => {
    const source = create();
    const splits = await splitsOf(source);
    for (const polls of [0, 1, 3]) {
      const driver = new SourceDriver(source);
      for (const split of splits) driver.reader.addSplit(split);
      for (let poll = 0; poll < polls; poll += 1) driver.poll(1);

      driver.reader.close?.();
      driver.reader.close?.();
    }
  });

  declare(title('records have the shape that the source says'), () => {
    const {schema} = create();
    if (schema === undefined) return;
    const known = {...schema, declared: false};
    for (const record of records) assert.deepEqual(widen(known, record), known);
  });
}

/** Both have the same records, in any order. */
function assertSame<T>(actual: readonly T[], expected: readonly T[]): void {
  const texts = (values: readonly T[]) =>
    values.map(value => inspect(value, {depth: null, maxStringLength: null})).sort();
  assert.deepEqual(texts(actual), texts(expected));
}
