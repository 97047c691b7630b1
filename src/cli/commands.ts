/** The commands of `millrace`, as tables. What they do is in files of their own, loaded when needed. */
import type {CommandSpec, OptionSpec} from './options.ts';

const HELP: OptionSpec = {name: 'help', short: 'h', description: 'Show this text.'};

const PARALLELISM: OptionSpec = {
  name: 'parallelism',
  short: 'p',
  value: 'N',
  description: 'Subtasks of each operator that the job gives no number; default: cores.',
};

const CONFIG: OptionSpec = {
  name: 'config',
  short: 'D',
  value: 'KEY=VALUE',
  isRepeatable: true,
  description: "Set an option of the job, such as memory=128MB; Flink's names work too.",
};

const STACK: OptionSpec = {
  name: 'stack',
  description: "Show all frames of errors, not only those of the job's own code.",
};

export const COMMANDS: readonly CommandSpec[] = [
  {
    name: 'run',
    summary: 'Run a job and show how it is getting on.',
    usage: 'run <job.ts|job.js> [options] [-- arguments of the job]',
    description: [
      'The module of a job exports by default what job() returns. TypeScript runs as it is.',
      'Standard output belongs to the job; progress and the summary go to standard error. Ctrl-C cancels the job, a second one ends the process at once.',
    ],
    options: [
      PARALLELISM,
      CONFIG,
      {
        name: 'json',
        description:
          'Print one JSON document with the result; output of the job goes to standard error.',
      },
      {
        name: 'watermarks',
        description: 'Also show where event time stands and what holds it back.',
      },
      {
        name: 'quiet',
        short: 'q',
        description: 'Show nothing but the output of the job and errors.',
      },
      STACK,
      HELP,
    ],
    examples: [
      'millrace run examples/wordcount.ts -- --input "texts/*.txt" --top 10',
      'millrace run job.ts --parallelism 4 --config memory=256MB',
      'millrace run job.js --json --quiet > result.json',
    ],
  },
  {
    name: 'explain',
    summary: 'Show what a job would do: tasks, channels, memory, generated code.',
    usage: 'explain <job.ts|job.js> [options] [-- arguments of the job]',
    description: ['The job is built and planned as `run` would do it, but nothing runs.'],
    options: [
      {
        name: 'format',
        short: 'f',
        value: 'FORMAT',
        choices: ['text', 'json', 'dot', 'mermaid'],
        description: 'text (default), json, or a picture for Graphviz (dot) or Mermaid.',
      },
      {name: 'code', description: 'Also show the loops that the chains become (text only).'},
      PARALLELISM,
      CONFIG,
      STACK,
      HELP,
    ],
    examples: [
      'millrace explain examples/wordcount.ts --code',
      'millrace explain job.ts --format dot | dot -Tsvg > job.svg',
    ],
  },
];
