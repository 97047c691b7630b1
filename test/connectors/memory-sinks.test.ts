/** The sinks that go nowhere: into an array, and away. */
import test from 'ava';
import {collectingSink} from '../../src/connectors/collecting-sink.ts';
import {discardingSink} from '../../src/connectors/discarding-sink.ts';
import {declare} from '../support/declare.ts';
import {SinkDriver, sinkContract} from '../support/sink-contract.ts';

const VALUES = [1, 'a', null, undefined, {a: 1}, 2n];

sinkContract(declare, 'collecting', {
  create: () => {
    const into: unknown[] = [];
    return {sink: collectingSink(into), received: () => into};
  },
  values: VALUES,
  expected: values => values,
});
sinkContract(declare, 'discarding', {
  create: () => ({sink: discardingSink(), received: () => []}),
  values: VALUES,
  expected: () => [],
});

test('records are appended to what the array has', t => {
  const into: unknown[] = ['before'];
  const driver = new SinkDriver(collectingSink(into));

  driver.write('a');

  t.deepEqual(into, ['before', 'a']);
});
