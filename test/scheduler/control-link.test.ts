/** Control calls between two ends of a channel, here both in one thread, and with a thread that dies. */
import {once} from 'node:events';
import {MessageChannel, Worker} from 'node:worker_threads';
import test from 'ava';
import {StreamError} from '../../src/base/errors.ts';
import {openControlLink} from '../../src/scheduler/control-link.ts';
import type {Callable} from '../../src/scheduler/control-link.ts';

function pair<L extends Callable, R extends Callable>(left: L, right: R) {
  const {port1, port2} = new MessageChannel();
  return {
    toRight: openControlLink<R>(port1, left),
    toLeft: openControlLink<L>(port2, right),
  };
}

test('both ends call each other over one port', async t => {
  const {toLeft, toRight} = pair(
    {name: () => 'left'},
    {add: async (a: number, b: number) => a + b},
  );

  t.is(await toRight.remote.add(2, 3), 5);
  t.is(await toLeft.remote.name(), 'left');
  toRight.close();
});

test('an error keeps its code, details and cause', async t => {
  const {toRight} = pair(
    {},
    {
      fail: () => {
        throw new StreamError('E_X', 'went wrong', {size: 3}, {cause: new TypeError('below')});
      },
    },
  );

  const error = await t.throwsAsync(toRight.remote.fail(), {instanceOf: StreamError, code: 'E_X'});

  t.deepEqual(error!.details, {size: 3});
  t.is((error!.cause as Error).name, 'TypeError');
  t.is((error!.cause as Error).message, 'below');
  toRight.close();
});

test('a method that was not offered cannot be called', async t => {
  const {toRight} = pair({}, {} as Record<string, () => void>);

  await t.throwsAsync(toRight.remote['toString']!(), {code: 'E_CONTROL_CALL'});
  await t.throwsAsync(toRight.remote['missing']!(), {code: 'E_CONTROL_CALL'});
  toRight.close();
});

test('an argument or a result that cannot be cloned is an error, not a silence', async t => {
  const {toRight} = pair({}, {take: (_: unknown) => {}, give: () => () => 1});

  await t.throwsAsync(
    toRight.remote.take(() => 1),
    {code: 'E_CONTROL_CALL'},
  );
  await t.throwsAsync(toRight.remote.give(), {code: 'E_CONTROL_CALL'});
  toRight.close();
});

test('a pending call is rejected when the other end closes', async t => {
  const {toLeft, toRight} = pair({}, {never: () => new Promise<void>(() => {})});

  const pending = toRight.remote.never();
  toLeft.close();

  await t.throwsAsync(pending, {code: 'E_LINK_CLOSED'});
  await t.throwsAsync(toRight.remote.never(), {code: 'E_LINK_CLOSED'});
});

test('abandon gives pending and later calls the reason, and the first reason wins', async t => {
  const {toRight} = pair({}, {never: () => new Promise<void>(() => {})});
  const pending = toRight.remote.never();

  toRight.abandon(new StreamError('E_FIRST', 'first'));
  toRight.abandon(new StreamError('E_SECOND', 'second'));

  await t.throwsAsync(pending, {code: 'E_FIRST'});
  await t.throwsAsync(toRight.remote.never(), {code: 'E_FIRST'});
  toRight.close();
});

test('a pending call is rejected when the other thread exits', async t => {
  const {port1, port2} = new MessageChannel();
  const worker = new Worker(
    `const {workerData} = require('node:worker_threads');
     workerData.port.on('message', () => process.exit(3));`,
    {eval: true, workerData: {port: port2}, transferList: [port2]},
  );
  // The thread may be gone before the call has been rejected.
  const exited = once(worker, 'exit');
  const link = openControlLink<{hello(): void}>(port1, {});

  await t.throwsAsync(link.remote.hello(), {code: 'E_LINK_CLOSED'});

  await exited;
});

test('ten thousand calls leave nothing pending', async t => {
  const {toRight} = pair({}, {echo: (value: number) => value});
  let sum = 0;

  for (let i = 0; i < 100; i += 1) {
    const answers = await Promise.all(Array.from({length: 100}, (_, n) => toRight.remote.echo(n)));
    for (const answer of answers) sum += answer;
  }

  t.is(sum, 100 * 4950);
  toRight.close();
});
