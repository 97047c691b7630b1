/**
 * A user function in either of its shapes, a plain function or an object with a method and a life
 * cycle, made uniform. Generated code calls the user's own function directly, not through here, so
 * that V8 can inline it.
 */
import type {ChainCode} from './chain-code.ts';
import type {RichFunction, RuntimeContext} from './functions.ts';

export class UserFunction {
  readonly #target: unknown;
  readonly #method: string;
  /** Calls the function; bound once, so that the call costs nothing extra. */
  readonly call: (...args: unknown[]) => unknown;

  constructor(target: unknown, method: string) {
    this.#target = target;
    this.#method = method;
    this.call =
      typeof target === 'function'
        ? (target as (...args: unknown[]) => unknown)
        : (...args) =>
            (target as Record<string, (...args: unknown[]) => unknown>)[method]!(...args);
  }

  open(context: RuntimeContext): void {
    if (typeof this.#target !== 'function') (this.#target as RichFunction).open?.(context);
  }

  close(): void {
    if (typeof this.#target !== 'function') (this.#target as RichFunction).close?.();
  }

  /** The call as an expression. */
  text(code: ChainCode, ...args: string[]): string {
    const target = code.bind(this.#target);
    const callee = typeof this.#target === 'function' ? target : `${target}.${this.#method}`;
    return `${callee}(${args.join(', ')})`;
  }
}
