/**
 * The operators against vectors: the few of this folder, which were worked out by hand, and those that a real
 * Flink has produced, where they lie beside the checkout.
 */
import {existsSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {firstDifference} from './compare.ts';
import {runVector} from './run-vector.ts';
import {readVectors, type Output, type Vector} from './vector.ts';

const OWN = join(import.meta.dirname, 'vectors');
const FLINK = join(import.meta.dirname, '../../../shared/golden/stream');

for (const vector of [...readVectors(OWN), ...(existsSync(FLINK) ? readVectors(FLINK) : [])]) {
  if (vector.operator.kind === 'cep') continue;
  test(`${vector.name} gives what is expected`, async t => {
    t.deepEqual(await runVector(vector), {status: 'pass'});
  });
  test(`${vector.name} gives what is expected, interpreted`, async t => {
    const interpreted = {...vector, config: {codeGeneration: false}};

    t.deepEqual(await runVector(interpreted), {status: 'pass'});
  });
}

function vectorOf(
  order: Vector['order'],
  operator: Vector['operator'],
  expected: Output[],
): Vector {
  return {name: 'v', description: '', operator, order, input: [], expected};
}

const first = {step: 1, ts: 5, value: {key: 'a', values: [1, 2]}};
const second = {step: 1, ts: 5, value: {key: 'b', values: [3]}};

test('records of different keys may be swapped within a step, if the vector says so', t => {
  const operator = {kind: 'window', assigner: 'tumbling-event'};
  const swapped = {expected: [second, first], side: {}};

  t.is(firstDifference(vectorOf('per-step', operator, [first, second]), swapped), undefined);
  t.regex(firstDifference(vectorOf('exact', operator, [first, second]), swapped)!, /^output 0/);
});

test('a record behind its watermark is a difference, whatever the order', t => {
  const watermark = {step: 1, watermark: 9};
  const vector = vectorOf('per-step', {kind: 'window'}, [first, watermark]);

  t.regex(firstDifference(vector, {expected: [watermark, first], side: {}})!, /^output 0/);
});

test('contents of sessions are bags, those of other windows are lists', t => {
  const turned = {...first, value: {key: 'a', values: [2, 1]}};
  const expected = (assigner: string) => vectorOf('exact', {kind: 'window', assigner}, [first]);

  t.is(firstDifference(expected('session-event'), {expected: [turned], side: {}}), undefined);
  t.regex(
    firstDifference(expected('tumbling-event'), {expected: [turned], side: {}})!,
    /^output 0/,
  );
});

test('what is missing, what is too much, and what is in a side output is seen', t => {
  const vector = vectorOf('exact', {kind: 'window'}, [first]);

  t.regex(firstDifference(vector, {expected: [], side: {}})!, /found nothing/);
  t.regex(firstDifference(vector, {expected: [first, second], side: {}})!, /expected nothing/);
  t.regex(
    firstDifference(vector, {expected: [first], side: {late: [second]}})!,
    /side output late/,
  );
});

test('an operator that nobody knows is unsupported', async t => {
  const verdict = await runVector(vectorOf('exact', {kind: 'teleport'}, []));

  t.deepEqual(verdict, {status: 'unsupported', reason: 'kind teleport'});
});
