/**
 * Says at once, where the job is built, that something passed as a user function is none: at run time
 * the mistake would show up in another thread, far from the line that made it.
 */
import {StreamError, showValue} from '../base/errors.ts';

/**
 * Refuses what is neither a plain function nor an object with all of `methods`; plain functions also if
 * `isObject` is set. Errors: `E_API_FUNCTION`.
 */
export function checkFunction(
  operation: string,
  fn: unknown,
  methods: readonly string[],
  {isObject = false}: {isObject?: boolean} = {},
): void {
  const callables =
    typeof fn === 'function' && !isObject
      ? [fn]
      : methods.map(method => (fn as Record<string, unknown> | null | undefined)?.[method]);
  const isComplete = callables.length > 0 && callables.every(each => typeof each === 'function');
  if (!isComplete) {
    const forms = [
      ...(isObject ? [] : ['a function']),
      ...(methods.length === 0 ? [] : [`an object with ${methods.join(' and ')}`]),
    ];
    throw new StreamError('E_API_FUNCTION', `${operation} needs ${forms.join(' or ')}`, {
      value: showValue(fn),
    });
  }
  if (callables.some(isAsync)) {
    throw new StreamError(
      'E_API_FUNCTION',
      `${operation} was given an async function`,
      {},
      {remedy: 'records are processed synchronously: a promise would be taken for the result'},
    );
  }
}

/** The same for a function that may be async: plain, or an object with `method`. */
export function checkAsyncFunction(operation: string, fn: unknown, method: string): void {
  const callable =
    typeof fn === 'function' ? fn : (fn as Record<string, unknown> | null | undefined)?.[method];
  if (typeof callable === 'function') return;
  throw new StreamError(
    'E_API_FUNCTION',
    `${operation} needs a function or an object with ${method}`,
    {value: showValue(fn)},
  );
}

function isAsync(fn: unknown): boolean {
  const kind = Object.prototype.toString.call(fn);
  return kind === '[object AsyncFunction]' || kind === '[object AsyncGeneratorFunction]';
}
