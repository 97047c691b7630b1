/**
 * The one place where source text becomes code. Codecs, chains and expressions are generated as text
 * by whoever knows them and compiled here, once per schema or plan and thread, never per record.
 *
 * Two rules keep generated code safe: names of variables are chosen by the engine and checked here,
 * and whatever a user named (a field, an operator) reaches the text only through `quote`, as a string
 * literal. Every unit carries a `sourceURL`, so that stacks and CPU profiles stay readable.
 */
import {assert} from '../base/assert.ts';
import {StreamError} from '../base/errors.ts';

const IDENTIFIER = /^[A-Za-z_$][A-Za-z0-9_$]*$/;

let isAllowed: boolean | undefined;

/** Whether this process may generate code; false under a strict policy. Probed once. */
export function isCodeGenerationAllowed(): boolean {
  if (isAllowed === undefined) {
    try {
      isAllowed = new Function('return 1')() === 1;
    } catch {
      isAllowed = false;
    }
  }
  return isAllowed;
}

/** Throws unless `name` can stand in generated text as the name of a variable. */
export function assertIdentifier(name: string): void {
  assert(IDENTIFIER.test(name), 'a name in generated code is not an identifier');
}

/** `text` as a string literal that is safe anywhere in generated code. */
export function quote(text: string): string {
  return JSON.stringify(text)
    .replaceAll('\u2028', '\\u2028')
    .replaceAll('\u2029', '\\u2029')
    .replaceAll('</', '<\\/');
}

/** The access to property `name` of `object` as text, whatever characters the name has. */
export function propertyText(object: string, name: string): string {
  return `${object}[${quote(name)}]`;
}

/**
 * Compiles `body` as a function of `parameterNames` and names it `sourceUrl` in stacks and profiles.
 * The body usually returns a closure over its parameters: a factory.
 *
 * Errors: `E_CODE_GENERATION` where the process forbids it; a `SyntaxError` is a bug of the engine.
 */
export function compileFactory<T>(
  sourceUrl: string,
  parameterNames: readonly string[],
  body: string,
): (...args: unknown[]) => T {
  for (const name of parameterNames) assertIdentifier(name);
  if (!isCodeGenerationAllowed()) {
    throw new StreamError(
      'E_CODE_GENERATION',
      'code generation is forbidden in this process',
      {unit: sourceUrl},
      {remedy: 'use the interpreter, or allow code generation from strings'},
    );
  }
  const url = sourceUrl.replaceAll(/[^A-Za-z0-9_./:@()=,+-]/g, '_');
  const text = `'use strict';\n${body}\n//# sourceURL=${url}`;
  return new Function(...parameterNames, text) as (...args: unknown[]) => T;
}
