/**
 * Calls between two threads of the control plane, over one MessagePort in both directions. The home
 * of comlink, and of what it leaves open:
 *
 * - A call that is pending when the other thread ends would never settle. Here every pending call
 *   is rejected when the port closes or `abandon` is called with the better reason.
 * - Errors would arrive without code, details and cause. Here an answer is plain data, a value or an
 *   `ErrorData`, and becomes a `StreamError` again on this side.
 * - Proxies of functions keep ports open. Here only data crosses; one object is exposed per side.
 */
import type {MessagePort} from 'node:worker_threads';
import {expose, wrap} from 'comlink';
import type {Endpoint, Remote} from 'comlink';
import {StreamError, toErrorData} from '../base/errors.ts';
import type {ErrorData} from '../base/errors.ts';

/** An object whose methods the other side may call: plain data in, plain data or a promise out. */
export type Callable = Record<string, (...args: any[]) => unknown>;

/** The methods of `T`, called from the other side. */
export type Calls<T extends Callable> = {
  readonly [Name in keyof T]: (
    ...args: Parameters<T[Name]>
  ) => Promise<Awaited<ReturnType<T[Name]>>>;
};

type Answer = {readonly value: unknown} | {readonly error: ErrorData};

interface Dispatcher {
  call(name: string, args: unknown[]): Promise<Answer>;
}

export interface ControlLink<R extends Callable> {
  readonly remote: Calls<R>;
  /** Rejects all pending and future calls with `reason`. The first reason wins. */
  abandon(reason: StreamError): void;
  /** Lets go of the port; pending calls are rejected. Idempotent. */
  close(): void;
  /** Whether the port keeps this thread alive; it does at first. */
  unref(): void;
}

/** Opens one end of the link: `local` can be called by the other side, `remote` by this one. */
export function openControlLink<R extends Callable>(
  port: MessagePort,
  local: Callable,
): ControlLink<R> {
  const endpoint = portEndpoint(port);
  const dispatcher: Dispatcher = {
    async call(name, args) {
      try {
        const method = Object.hasOwn(local, name) ? local[name] : undefined;
        if (method === undefined) {
          throw new StreamError('E_CONTROL_CALL', 'no such control call', {name});
        }
        return {value: await method.apply(local, args)};
      } catch (thrown) {
        return {error: toErrorData(thrown)};
      }
    },
  };
  expose(dispatcher, endpoint);
  const peer: Remote<Dispatcher> = wrap<Dispatcher>(endpoint);

  const pending = new Set<(reason: StreamError) => void>();
  let closedBecause: StreamError | undefined;
  const abandon = (reason: StreamError): void => {
    closedBecause ??= reason;
    const rejections = [...pending];
    pending.clear();
    for (const reject of rejections) reject(closedBecause);
  };
  port.once('close', () => {
    abandon(new StreamError('E_LINK_CLOSED', 'the other thread has closed the control link'));
  });

  const call = (name: string, args: unknown[]): Promise<unknown> =>
    new Promise((resolve, reject) => {
      if (closedBecause !== undefined) {
        reject(closedBecause);
        return;
      }
      pending.add(reject);
      const settle = (then: () => void): void => {
        if (pending.delete(reject)) then();
      };
      peer.call(name, args).then(
        answer => {
          settle(() => {
            if ('error' in answer) reject(StreamError.from(answer.error));
            else resolve(answer.value);
          });
        },
        // Not an answer but comlink itself: an argument or a result that cannot be cloned.
        (thrown: unknown) => {
          settle(() => {
            reject(
              new StreamError('E_CONTROL_CALL', 'a control call failed', {name}, {cause: thrown}),
            );
          });
        },
      );
    });

  const remote = new Proxy({} as Calls<R>, {
    get: (_target, name) => {
      // A link that is returned from an async function must not look like a promise.
      if (typeof name !== 'string' || name === 'then') return undefined;
      return (...args: unknown[]) => call(name, args);
    },
  });
  return {
    remote,
    abandon,
    close: () => {
      abandon(new StreamError('E_LINK_CLOSED', 'the control link is closed'));
      port.close();
    },
    unref: () => {
      port.unref();
    },
  };
}

/** What comlink takes for an endpoint, over a port of Node. */
function portEndpoint(port: MessagePort): Endpoint {
  const listeners = new Map<unknown, (data: unknown) => void>();
  return {
    postMessage: (message: unknown, transfer?: unknown[]) => {
      port.postMessage(message, transfer as never);
    },
    addEventListener: (_type: string, listener: unknown) => {
      const handler = (data: unknown): void => {
        if (typeof listener === 'function') (listener as (event: unknown) => void)({data});
        else (listener as {handleEvent(event: unknown): void}).handleEvent({data});
      };
      listeners.set(listener, handler);
      port.on('message', handler);
    },
    removeEventListener: (_type: string, listener: unknown) => {
      const handler = listeners.get(listener);
      if (handler !== undefined) port.off('message', handler);
      listeners.delete(listener);
    },
    start: () => {
      port.start();
    },
  } as Endpoint;
}
