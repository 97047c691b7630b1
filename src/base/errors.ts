/**
 * The one error class that users see. Its message is `what happened: name=value, name=value; remedy`,
 * its `details` carry the same values for programs. Classes do not survive the way between threads,
 * so an error can be turned into plain data and back without losing its code, details or stack.
 */

/** Values that belong to an error; shown in its message in the given order. */
export type ErrorDetails = Record<string, string | number | boolean | null | undefined>;

/** An error as plain data: what crosses a thread. */
export interface ErrorData {
  readonly name: string;
  readonly code: string;
  readonly message: string;
  readonly details: ErrorDetails;
  readonly stack: string | undefined;
  readonly cause: ErrorData | undefined;
}

const SHOWN_VALUE_LENGTH_MAX = 200;

/** A value as it is shown in a message: one line, quoted if it is text, cut if it is long. */
export function showValue(value: unknown): string {
  let text: string;
  try {
    text =
      typeof value === 'string'
        ? JSON.stringify(value)
        : typeof value === 'bigint'
          ? `${value}n`
          : typeof value === 'object' && value !== null
            ? JSON.stringify(value, (_key, inner: unknown) =>
                typeof inner === 'bigint' ? `${inner}n` : inner,
              )
            : String(value);
  } catch {
    text = Object.prototype.toString.call(value);
  }
  if (text === undefined) text = String(value);
  return text.length > SHOWN_VALUE_LENGTH_MAX ? `${text.slice(0, SHOWN_VALUE_LENGTH_MAX)}…` : text;
}

function format(what: string, details: ErrorDetails, remedy: string | undefined): string {
  const shown = Object.entries(details)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${String(value)}`)
    .join(', ');
  return `${what}${shown === '' ? '' : `: ${shown}`}${remedy === undefined ? '' : `; ${remedy}`}`;
}

/**
 * A mistake of the user, or a failure of the world around the engine.
 *
 * `code` is stable and starts with `E_`; `details` holds what the message names; `cause` is what
 * was thrown below.
 */
export class StreamError extends Error {
  override readonly name: string = 'StreamError';
  readonly code: string;
  readonly details: ErrorDetails;
  readonly #what: string;
  readonly #remedy: string | undefined;

  constructor(
    code: string,
    what: string,
    details: ErrorDetails = {},
    options: {remedy?: string | undefined; cause?: unknown} = {},
  ) {
    super(
      `${code} ${format(what, details, options.remedy)}`,
      options.cause === undefined ? undefined : {cause: options.cause},
    );
    this.code = code;
    this.details = details;
    this.#what = what;
    this.#remedy = options.remedy;
  }

  /** The same error with the place where it happened in front of its details. */
  at(place: ErrorDetails): StreamError {
    const located = new StreamError(
      this.code,
      this.#what,
      {...place, ...this.details},
      {remedy: this.#remedy, ...(this.cause === undefined ? {} : {cause: this.cause})},
    );
    if (this.stack !== undefined) {
      const trace = this.stack.slice(this.stack.indexOf('\n    at '));
      Object.defineProperty(located, 'stack', {
        value: `${located.name}: ${located.message}${trace}`,
      });
    }
    return located;
  }

  /** The error that `data` was made from, in another thread. */
  static from(data: ErrorData): StreamError {
    const cause = data.cause === undefined ? undefined : StreamError.from(data.cause);
    const error = new StreamError(data.code, '', {}, cause === undefined ? {} : {cause});
    Object.defineProperty(error, 'message', {value: data.message, configurable: true});
    Object.defineProperty(error, 'details', {value: data.details});
    if (data.name !== 'StreamError') Object.defineProperty(error, 'name', {value: data.name});
    if (data.stack !== undefined) Object.defineProperty(error, 'stack', {value: data.stack});
    return error;
  }
}

/** Any thrown value as plain data; what was not a `StreamError` gets the code `E_UNEXPECTED`. */
export function toErrorData(thrown: unknown): ErrorData {
  if (thrown instanceof StreamError) {
    return {
      name: thrown.name,
      code: thrown.code,
      message: thrown.message,
      details: thrown.details,
      stack: thrown.stack,
      cause: thrown.cause === undefined ? undefined : toErrorData(thrown.cause),
    };
  }
  if (thrown instanceof Error) {
    const code = (thrown as {code?: unknown}).code;
    return {
      name: thrown.name,
      code: typeof code === 'string' ? code : 'E_UNEXPECTED',
      message: thrown.message,
      details: {},
      stack: thrown.stack,
      cause: thrown.cause === undefined ? undefined : toErrorData(thrown.cause),
    };
  }
  return {
    name: 'Error',
    code: 'E_UNEXPECTED',
    message: showValue(thrown),
    details: {},
    stack: undefined,
    cause: undefined,
  };
}
