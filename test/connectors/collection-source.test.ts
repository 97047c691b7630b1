/** The source of values that every thread has. */
import test from 'ava';
import {collectionSource} from '../../src/connectors/collection-source.ts';
import {SourceDriver, sourceContract} from '../support/source-contract.ts';
import {declare} from '../support/declare.ts';

sourceContract(declare, 'a collection', {
  create: () => collectionSource(['a', 'b', 'c', 'd', 'e']),
  records: ['a', 'b', 'c', 'd', 'e'],
});
sourceContract(declare, 'an empty collection', {create: () => collectionSource([]), records: []});
sourceContract(declare, 'a collection of anything', {
  create: () => collectionSource<unknown>([null, undefined, {a: [1]}, 2n, NaN]),
  records: [null, undefined, {a: [1]}, 2n, NaN],
});

test('a collection has one split, however many subtasks there are', async t => {
  const source = collectionSource([1, 2, 3]);

  t.deepEqual(await source.enumerateSplits({parallelism: 4}), [{splitId: '0', start: 0}]);
});

test('a batch never holds more values than were asked for', t => {
  const driver = new SourceDriver(collectionSource([1, 2, 3, 4, 5]));
  driver.reader.addSplit({splitId: '0', start: 1} as never);

  driver.poll(3);

  t.deepEqual(driver.records, [2, 3, 4]);
  t.deepEqual(driver.reader.snapshotSplits(), [{splitId: '0', start: 4} as never]);
});
