/**
 * Commands and their options as tables: parsing, help texts and the nearest match of a mistyped name all
 * come from them. What follows `--` belongs to the job and is not looked at.
 */
import {parseArgs} from 'node:util';
import {StreamError} from '../base/errors.ts';
import {editDistance, nearestTo} from '../base/nearest.ts';

/** One option of a command. */
export interface OptionSpec {
  readonly name: string;
  readonly short?: string;
  /** What its value is called in help texts; absent: the option is a switch. */
  readonly value?: string;
  /** The only values that it takes. */
  readonly choices?: readonly string[];
  /** May be given several times. */
  readonly isRepeatable?: boolean;
  readonly description: string;
}

/** One command. */
export interface CommandSpec {
  readonly name: string;
  readonly summary: string;
  /** Behind `millrace`, as help texts show it. */
  readonly usage: string;
  readonly description: readonly string[];
  readonly options: readonly OptionSpec[];
  readonly examples: readonly string[];
}

/** A command line, taken apart and checked. */
export interface ParsedArguments {
  readonly positionals: readonly string[];
  /** What follows `--`. */
  readonly jobArgs: readonly string[];
  /** Whether a switch was given. */
  has(name: string): boolean;
  /** The value of an option, the last one if it was given several times. */
  value(name: string): string | undefined;
  /** All values of an option, in their order. */
  values(name: string): readonly string[];
}

/** How many changes a name may need to be worth a suggestion. */
const TYPO_DISTANCE_MAX = 3;

/**
 * Parses what stands behind the name of a command.
 *
 * Errors: `E_CLI_OPTION` for an option that the command lacks, or without the value that it needs, or with
 * one that it does not take.
 */
export function parseArguments(command: CommandSpec, args: readonly string[]): ParsedArguments {
  const {tokens} = parseArgs({
    args: [...args],
    options: Object.fromEntries(
      command.options.map(({name, short, value}) => [
        name,
        {
          type: value === undefined ? ('boolean' as const) : ('string' as const),
          multiple: true,
          ...(short === undefined ? {} : {short}),
        },
      ]),
    ),
    allowPositionals: true,
    // Node's own complaints know nothing of near misses, nor of the arguments of jobs.
    strict: false,
    tokens: true,
  });
  const positionals: string[] = [];
  const given = new Map<string, string[]>();
  let jobArgs: readonly string[] = [];
  for (const token of tokens) {
    if (token.kind === 'option-terminator') {
      jobArgs = args.slice(token.index + 1);
      break;
    }
    if (token.kind === 'positional') {
      positionals.push(token.value);
      continue;
    }
    const option = command.options.find(({name}) => name === token.name);
    if (option === undefined) throw unknownOption(command, token.rawName);
    const values = given.get(option.name) ?? [];
    values.push(checkedValue(command, option, token));
    given.set(option.name, values);
  }
  return {
    positionals,
    jobArgs,
    has: name => given.has(name),
    value: name => given.get(name)?.at(-1),
    values: name => given.get(name) ?? [],
  };
}

/** What somebody who wrote `written` may have meant; undefined if nothing is near. */
export function nearMiss(written: string, names: readonly string[]): string | undefined {
  const nearest = nearestTo(written, names);
  const limit = Math.min(TYPO_DISTANCE_MAX, Math.ceil(nearest.length / 2));
  return editDistance(written, nearest) <= limit ? nearest : undefined;
}

interface OptionToken {
  readonly rawName: string;
  readonly value?: string | undefined;
  readonly inlineValue?: boolean | undefined;
}

function checkedValue(command: CommandSpec, option: OptionSpec, token: OptionToken): string {
  const {rawName, value, inlineValue} = token;
  if (option.value === undefined) {
    if (value === undefined) return '';
    throw optionError(command, `${rawName} takes no value`, {value});
  }
  // `--parallelism --json` is a forgotten value rather than one that looks like an option.
  if (value === undefined || value === '' || (inlineValue === false && value.startsWith('-'))) {
    throw optionError(command, `${rawName} needs a value: ${rawName} ${option.value}`);
  }
  if (option.choices !== undefined && !option.choices.includes(value)) {
    throw optionError(command, `${rawName} does not take this value`, {
      value,
      nearest: nearMiss(value, option.choices),
      choices: option.choices.join(', '),
    });
  }
  return value;
}

function unknownOption(command: CommandSpec, rawName: string): StreamError {
  const names = command.options.map(({name}) => `--${name}`);
  const nearest = nearMiss(rawName, names);
  return new StreamError(
    'E_CLI_OPTION',
    `millrace ${command.name} has no option ${rawName}`,
    {},
    {
      remedy:
        (nearest === undefined ? '' : `did you mean ${nearest}? `) +
        `Options of the job itself go behind --: millrace ${command.name} job.ts -- ${rawName} …`,
    },
  );
}

function optionError(
  command: CommandSpec,
  what: string,
  details: Record<string, string | undefined> = {},
): StreamError {
  return new StreamError('E_CLI_OPTION', what, details, {
    remedy: `see millrace ${command.name} --help`,
  });
}
