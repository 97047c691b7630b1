/**
 * A user function in either of its shapes, a plain function or an object with a method and a life
 * cycle, made uniform. Generated code calls the user's own function directly, not through here, so
 * that V8 can inline it.
 */
import type {ChainCode} from './chain-code.ts';
import {isIdentity, parameterUse, resultFieldNames, type ParameterUse} from './function-text.ts';
import {FunctionContext} from './function-context.ts';
import type {RichFunction, RuntimeContext} from './functions.ts';

type AnyFunction = (...args: unknown[]) => unknown;

export class UserFunction {
  readonly #target: unknown;
  readonly #method: string;
  /** Calls the function; bound once, so that the call costs nothing extra. */
  readonly call: AnyFunction;

  constructor(target: unknown, method: string) {
    this.#target = target;
    this.#method = method;
    this.call =
      typeof target === 'function'
        ? (target as AnyFunction)
        : (...args) => (target as Record<string, AnyFunction>)[method]!(...args);
  }

  /** Gives it the state of its subtask, if it wants that, and opens it. */
  open(context: RuntimeContext): void {
    if (typeof this.#target !== 'function') {
      FunctionContext.open(this.#target as RichFunction, context);
    }
  }

  /** Has it put into its state what it keeps beside it. */
  snapshotState(): void {
    if (typeof this.#target !== 'function') (this.#target as RichFunction).snapshotState?.();
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

  /** What the function does with its parameter number `index`. */
  use(index: number): ParameterUse {
    return parameterUse(this.#body(), index);
  }

  /** The fields of whatever the function returns, if its text proves them. */
  get resultFields(): readonly string[] | undefined {
    return resultFieldNames(this.#body());
  }

  /** Whether the function returns its parameter and does nothing else. */
  get isIdentity(): boolean {
    return isIdentity(this.#body());
  }

  #body(): unknown {
    return typeof this.#target === 'function'
      ? this.#target
      : (this.#target as Record<string, unknown> | undefined)?.[this.#method];
  }
}
