/** The message of an error, its way between threads, and values shown in it. */
import test from 'ava';
import {StreamError, showValue, toErrorData} from '../../src/base/errors.ts';

test('a message is what happened, the values, and what to do', t => {
  const error = new StreamError(
    'E_MEMORY_BUDGET',
    'segment budget exceeded',
    {requested: 12, free: 3, task: undefined, hint: null},
    {remedy: 'raise memory'},
  );

  t.is(
    error.message,
    'E_MEMORY_BUDGET segment budget exceeded: requested=12, free=3, hint=null; raise memory',
  );
  t.is(error.name, 'StreamError');
});

test('a place stands in front of the values, and does not overrule them', t => {
  const cause = new Error('below');
  const error = new StreamError('E_X', 'what', {field: 'a', job: 'mine'}, {remedy: 'do', cause});

  const located = error.at({job: 'other', operator: 'Map'});

  t.is(located.message, 'E_X what: job=mine, operator=Map, field=a; do');
  t.is(located.cause, cause);
  t.is(located.stack!.split('\n    at ')[1], error.stack!.split('\n    at ')[1]);
});

test('an error comes back whole from the data that crosses threads', t => {
  const cause = Object.assign(new TypeError('inner'), {code: 'ERR_INNER'});
  const error = new StreamError('E_X', 'what', {n: 1, on: true}, {cause});

  const back = StreamError.from(structuredClone(toErrorData(error)));

  t.true(back instanceof StreamError);
  t.is(back.code, 'E_X');
  t.is(back.message, error.message);
  t.deepEqual(back.details, {n: 1, on: true});
  t.is(back.stack, error.stack);
  const inner = back.cause as StreamError;
  t.is(inner.name, 'TypeError');
  t.is(inner.code, 'ERR_INNER');
  t.is(inner.message, 'inner');
});

test('whatever was thrown becomes data', t => {
  t.like(toErrorData('text'), {code: 'E_UNEXPECTED', message: '"text"'});
  t.like(toErrorData(undefined), {code: 'E_UNEXPECTED', message: 'undefined'});
  t.like(toErrorData(new RangeError('far')), {name: 'RangeError', code: 'E_UNEXPECTED'});
});

test('a value is shown on one line, with its kind, and cut', t => {
  const cyclic: Record<string, unknown> = {};
  cyclic['self'] = cyclic;

  t.is(showValue('a\nb'), '"a\\nb"');
  t.is(showValue(7n), '7n');
  t.is(showValue({big: 7n}), '{"big":"7n"}');
  t.is(showValue(null), 'null');
  t.is(showValue(Symbol('s')), 'Symbol(s)');
  t.is(showValue(cyclic), '[object Object]');
  t.is(showValue({toJSON: () => undefined}), '[object Object]');
  t.is(showValue('x'.repeat(1000)).length, 201);
});
