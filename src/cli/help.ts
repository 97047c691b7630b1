/** Help texts, made from the tables of the commands. */
import {COMMANDS} from './commands.ts';
import type {CommandSpec, OptionSpec} from './options.ts';
import type {Paint} from './paint.ts';

const WIDTH = 80;

const EXIT_CODES: ReadonlyArray<readonly [string, string]> = [
  ['0', 'the job has finished, or the reader of its output has gone (| head)'],
  ['1', 'the job failed'],
  ['2', "nothing was run: wrong usage, options, the job's module or its graph"],
  ['130', 'cancelled by Ctrl-C (143 by SIGTERM, 129 by SIGHUP)'],
  ['137', 'killed by a second Ctrl-C'],
];

/** What `millrace --help` shows. */
export function generalHelp(paint: Paint): string {
  return sections(paint, [
    ['', ["Stream processing with Apache Flink's semantics inside one Node.js process."]],
    ['Usage', ['millrace <command> [options]']],
    ['Commands', table(COMMANDS.map(({name, summary}) => [name, summary]))],
    [
      'Options',
      table([
        ['-h, --help', 'Show this text; behind a command, what the command can do.'],
        ['-v, --version', 'Show the version.'],
      ]),
    ],
    ['Exit codes', table(EXIT_CODES)],
    [
      'Try',
      ['millrace run examples/wordcount.ts', 'millrace run --help', 'millrace explain --help'],
    ],
  ]);
}

/** What `millrace <command> --help` shows. */
export function commandHelp(command: CommandSpec, paint: Paint): string {
  return sections(paint, [
    ['', [command.summary]],
    ['Usage', [`millrace ${command.usage}`]],
    ['', command.description.flatMap(paragraph => wrap(paragraph, WIDTH - 2))],
    ['Options', table(command.options.map(option => [optionName(option), option.description]))],
    ['Examples', command.examples],
    ['Exit codes', table(EXIT_CODES)],
  ]);
}

function optionName({name, short, value}: OptionSpec): string {
  const names = short === undefined ? `    --${name}` : `-${short}, --${name}`;
  return value === undefined ? names : `${names} ${value}`;
}

function sections(
  paint: Paint,
  parts: ReadonlyArray<readonly [title: string, lines: readonly string[]]>,
): string {
  const texts = parts.map(([title, lines]) =>
    title === ''
      ? lines.join('\n')
      : [paint('bold', title), ...lines.map(line => `  ${line}`)].join('\n'),
  );
  return `${texts.join('\n\n')}\n`;
}

/** Two columns; the second is wrapped. */
function table(rows: ReadonlyArray<readonly [string, string]>): string[] {
  const left = Math.max(...rows.map(([name]) => name.length)) + 2;
  return rows.flatMap(([name, text]) =>
    wrap(text, WIDTH - 2 - left).map(
      (line, index) => (index === 0 ? name : '').padEnd(left) + line,
    ),
  );
}

function wrap(text: string, width: number): string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1)!;
    if (line === '') lines[lines.length - 1] = word;
    else if (line.length + 1 + word.length <= width) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines;
}
