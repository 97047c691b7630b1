/**
 * Writes configuration.md from the table of options that the engine itself goes by:
 *
 *   node docs/reference/configuration.gen.ts
 *
 * test/cli/configuration-reference.test.ts fails when the page is not what this makes.
 */
import {writeFileSync} from 'node:fs';
import {fileURLToPath} from 'node:url';
import {CONFIG_OPTIONS, type ConfigOption} from '../../src/graph/config.ts';

export const PAGE = new URL('configuration.md', import.meta.url);

const KINDS: Readonly<Record<ConfigOption['kind'], string>> = {
  text: 'text',
  integer: 'whole number',
  size: 'size',
  duration: 'duration',
  boolean: '`true` or `false`',
  choice: 'one of',
};

/** The page as it should be. */
export function configurationPage(): string {
  return `<!-- Made by configuration.gen.ts. Change the table in src/graph/config.ts instead. -->

# Options of a job

An option is set on the command line, \`millrace run job.ts --config memory=128MB\` (or \`-D memory=128MB\`), or
in a program, \`start(url, {config: {memory: '128MB'}})\`. What an operator says for itself comes first, then
what the job says through \`env\`, then these options.

- A size is a number of bytes, or a number with a unit: \`64MB\`, \`32KB\`. Units are powers of 1024.
- A duration is a number of milliseconds, or a number with a unit: \`500ms\`, \`30s\`, \`5min\`, \`1h\`.

Where an option does what one of Flink does, Flink's name is accepted as well.

## All options

${CONFIG_OPTIONS.map(describe).join('\n\n')}
`;
}

function describe(option: ConfigOption): string {
  const {key, flinkKey, description} = option;
  return [
    `### \`${key}\``,
    '',
    description,
    '',
    `- Value: ${valueOf(option)}`,
    `- Default: ${option.default === undefined ? 'see above' : `\`${option.default}\``}`,
    ...(flinkKey === undefined ? [] : [`- Flink: \`${flinkKey}\``]),
  ].join('\n');
}

function valueOf({kind, choices, min, max}: ConfigOption): string {
  if (choices !== undefined)
    return `${KINDS[kind]} ${choices.map(each => `\`${each}\``).join(', ')}`;
  const range =
    min !== undefined && max !== undefined
      ? ` from ${min} to ${max}`
      : min !== undefined
        ? ` from ${min}`
        : '';
  const unit = range === '' ? '' : ({size: ' bytes', duration: ' ms'}[kind as string] ?? '');
  return `${KINDS[kind]}${range}${unit}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(PAGE, configurationPage());
