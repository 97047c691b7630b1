/**
 * Errors as a user reads them: what happened, the values involved one per line, what to do about it, and
 * what was thrown below with the frames of the user's own code. Never a raw dump.
 */
import {spawnSync} from 'node:child_process';
import {fileURLToPath} from 'node:url';
import {relative, sep} from 'node:path';
import {toErrorData, type ErrorData, type ErrorDetails} from '../base/errors.ts';
import {harmless} from './display-width.ts';
import {paintFor, type Paint} from './paint.ts';

export interface ErrorReportOptions {
  readonly paint: Paint;
  /** Paths below it are shown relative to it. */
  readonly directory: string;
  /** Show the frames of the engine, its packages and Node too. */
  readonly showsAllFrames: boolean;
  /** The place of an error of syntax in a file, for errors that do not tell it themselves. */
  readonly syntaxExcerpt?: (url: string) => readonly string[];
}

/** Folder of the engine's own code, `src` or `dist`; frames in it say nothing to a user. */
const ENGINE_DIRECTORY = fileURLToPath(new URL('..', import.meta.url));
const ENGINE_PACKAGES = new RegExp(`\\${sep}node_modules\\${sep}(?:piscina|comlink)\\${sep}`);
const INDENT = '  ';

/** Prints an error on standard error. */
export function reportError(
  error: unknown,
  {showsAllFrames, stream = process.stderr}: {showsAllFrames: boolean; stream?: NodeJS.WriteStream},
): void {
  const lines = errorLines(error, {
    paint: paintFor(stream),
    directory: process.cwd(),
    showsAllFrames,
    syntaxExcerpt,
  });
  stream.write(`${lines.join('\n')}\n`);
}

/** An error as lines of text. */
export function errorLines(error: unknown, options: ErrorReportOptions): string[] {
  const data = toErrorData(error);
  const {paint} = options;
  const {what, remedy} = takeApart(data);
  const isOurs = data.code.startsWith('E_') && data.code !== 'E_UNEXPECTED';
  const lines = [
    `${paint('red', paint('bold', 'Error:'))} ${paint('bold', isOurs ? what : titleOf(data))}` +
      (isOurs ? ` ${paint('dim', `(${data.code})`)}` : ''),
    ...detailLines(data, options),
  ];
  if (remedy !== undefined) lines.push(`${paint('cyan', '→')} ${remedy}`);
  // An error of the engine's own is explained by its text; where it was thrown is for its developers.
  if (!isOurs || options.showsAllFrames) lines.push(...stackLines(data, options));
  for (let {cause} = data; cause !== undefined; cause = cause.cause) {
    lines.push('', ...causeLines(cause, data.details['module'], options));
  }
  return lines;
}

/** What happened and what to do, out of `E_CODE what: name=value, name=value; remedy`. */
export function takeApart({code, message, details}: ErrorData): {
  what: string;
  remedy: string | undefined;
} {
  const text = message.startsWith(`${code} `) ? message.slice(code.length + 1) : message;
  const shown = Object.entries(details)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${String(value)}`)
    .join(', ');
  if (shown !== '') {
    const at = text.indexOf(`: ${shown}`);
    if (at >= 0) {
      const rest = text.slice(at + 2 + shown.length);
      return {what: text.slice(0, at), remedy: rest.startsWith('; ') ? rest.slice(2) : undefined};
    }
  }
  const at = text.indexOf('; ');
  if (at < 0) return {what: text, remedy: undefined};
  return {what: text.slice(0, at), remedy: text.slice(at + 2)};
}

function detailLines({details, cause}: ErrorData, options: ErrorReportOptions): string[] {
  const shown = Object.entries(details).filter(
    ([, value]) => value !== undefined && !isToldBy(cause, value),
  ) as ReadonlyArray<[string, NonNullable<ErrorDetails[string]> | null]>;
  const width = Math.max(0, ...shown.map(([name]) => name.length));
  return shown.map(
    ([name, value]) =>
      `${INDENT}${options.paint('dim', name.padEnd(width))}  ${harmless(shownPath(String(value), options.directory))}`,
  );
}

/** Whether a value is the message of the cause, which is shown below with its stack. */
function isToldBy(cause: ErrorData | undefined, value: ErrorDetails[string]): boolean {
  if (cause === undefined) return false;
  return value === cause.message || value === `${cause.name}: ${cause.message}`;
}

function causeLines(
  cause: ErrorData,
  module: ErrorDetails[string],
  options: ErrorReportOptions,
): string[] {
  const {paint} = options;
  const [first, ...more] = titleOf(cause).split('\n');
  return [
    `${paint('red', 'Caused by')} ${first}`,
    ...more.map(line => INDENT + line),
    ...stackLines(cause, options, typeof module === 'string' ? module : undefined),
  ];
}

/** The name of an error says something only if it is not that of every error. */
function titleOf({name, message}: ErrorData): string {
  return name === 'Error' || name === 'StreamError' ? message : `${name}: ${message}`;
}

/** The frames of the user's code, each with its place; for errors of syntax the line that is wrong. */
function stackLines(error: ErrorData, options: ErrorReportOptions, module?: string): string[] {
  const {paint, showsAllFrames} = options;
  const stack = error.stack ?? '';
  const all = stack.split('\n');
  const frames = all.filter(line => /^\s+at /.test(line));
  const kept = showsAllFrames ? frames : frames.filter(isFrameOfUser);
  const lines = [
    ...excerptOf(error, all, module, options).map(
      line => INDENT + shownPath(line, options.directory),
    ),
    ...kept.map(frame => paint('dim', `    ${shownPath(frame.trim(), options.directory)}`)),
  ];
  const hidden = frames.length - kept.length;
  if (hidden > 0) {
    lines.push(paint('dim', `    … ${hidden} more inside Millrace and Node; --stack shows them`));
  }
  return lines;
}

/** The line of source text that is wrong, with the place: Node puts it in front of the stack, or not. */
function excerptOf(
  error: ErrorData,
  stack: readonly string[],
  module: string | undefined,
  {syntaxExcerpt: excerpt}: ErrorReportOptions,
): readonly string[] {
  if (error.name !== 'SyntaxError') return [];
  const given = linesBefore(stack, error.name);
  return given.length > 0 || module === undefined ? given : (excerpt?.(module) ?? []);
}

/** Asks Node for the place of an error of syntax; it tells it only to whom it runs a file for. */
function syntaxExcerpt(url: string): readonly string[] {
  if (!/^file:.*\.[cm]?js$/.test(url)) return [];
  const {stderr} = spawnSync(process.execPath, ['--check', fileURLToPath(url)], {encoding: 'utf8'});
  return linesBefore(stderr.split('\n'), 'SyntaxError');
}

function linesBefore(lines: readonly string[], title: string): readonly string[] {
  const at = lines.findIndex(line => line.startsWith(title));
  return at <= 0 ? [] : lines.slice(0, at).filter(line => line.trim() !== '');
}

function isFrameOfUser(frame: string): boolean {
  const [, place] =
    /(?:\(|at (?:async )?)((?:file:\/\/|\/|[A-Za-z]:\\)[^()]*)\)?$/.exec(frame) ?? [];
  if (place === undefined) return false;
  const path = place.startsWith('file://') ? pathOf(place) : place;
  return !path.startsWith(ENGINE_DIRECTORY) && !ENGINE_PACKAGES.test(path);
}

/** URLs of files become paths, and paths below `directory` relative ones. */
function shownPath(text: string, directory: string): string {
  return text.replace(/file:\/\/[^\s()'"]+/g, url => {
    const path = pathOf(url);
    const short = relative(directory, path);
    return short.startsWith('..') || short === '' ? path : short;
  });
}

function pathOf(url: string): string {
  const [, address, position] = /^(.*?)((?::\d+)*)$/.exec(url)!;
  try {
    return fileURLToPath(address!) + position!;
  } catch {
    return url;
  }
}
