/**
 * From the words of a command line to a command and its exit code. Nothing is loaded here that only one
 * command needs; whatever goes wrong on the way is reported in one form.
 */
import {StreamError} from '../base/errors.ts';
import {COMMANDS} from './commands.ts';
import {EXIT_FINISHED, exitCodeOfError} from './exit-code.ts';
import {nearMiss, parseArguments, type CommandSpec, type ParsedArguments} from './options.ts';

/** What every command is: takes the command line apart, returns the exit code. */
export type Command = (args: ParsedArguments) => Promise<number>;

const LOAD: Readonly<Record<string, () => Promise<Command>>> = {
  run: async () => (await import('./run.ts')).run,
  explain: async () => (await import('./explain.ts')).explainJob,
};

/** Runs the command that `args`, the words behind `millrace`, ask for. Returns the exit code. */
export async function runCommandLine(args: readonly string[]): Promise<number> {
  try {
    return await dispatch(args);
  } catch (error) {
    const {reportError} = await import('./error-report.ts');
    reportError(error, {showsAllFrames: args.includes('--stack')});
    return exitCodeOfError(error instanceof StreamError ? error.code : '');
  }
}

async function dispatch(args: readonly string[]): Promise<number> {
  const [first, ...rest] = args;
  if (first === undefined || first === '--help' || first === '-h') return await showHelp();
  if (first === 'help') return await showHelp(rest[0]);
  if (first === '--version' || first === '-v') return await showVersion();

  const command = findCommand(first);
  const parsed = parseArguments(command, rest);
  if (parsed.has('help')) return await showHelp(command.name);
  return await (
    await LOAD[command.name]!()
  )(parsed);
}

function findCommand(written: string): CommandSpec {
  const command = COMMANDS.find(({name}) => name === written);
  if (command !== undefined) return command;
  const names = COMMANDS.map(({name}) => name);
  if (written.startsWith('-')) {
    throw new StreamError(
      'E_CLI_OPTION',
      `there is no option ${written} in front of a command`,
      {},
      {remedy: `write the command first: ${names.map(name => `millrace ${name}`).join(', ')}`},
    );
  }
  const isModule = /\.[cm]?[jt]s$/.test(written);
  const nearest = nearMiss(written, names);
  throw new StreamError(
    'E_CLI_COMMAND',
    `there is no command ${written}`,
    {commands: names.join(', ')},
    {
      remedy: isModule
        ? `did you mean millrace run ${written}?`
        : nearest === undefined
          ? 'see millrace --help'
          : `did you mean millrace ${nearest}?`,
    },
  );
}

async function showHelp(name?: string): Promise<number> {
  const [{commandHelp, generalHelp}, {paintFor}, {writeDocument}] = await Promise.all([
    import('./help.ts'),
    import('./paint.ts'),
    import('./standard-streams.ts'),
  ]);
  const paint = paintFor(process.stdout);
  const text = name === undefined ? generalHelp(paint) : commandHelp(findCommand(name), paint);
  await writeDocument(process.stdout, text);
  return EXIT_FINISHED;
}

async function showVersion(): Promise<number> {
  const [{readFileSync}, {writeDocument}] = await Promise.all([
    import('node:fs'),
    import('./standard-streams.ts'),
  ]);
  // The same number of folders above src/cli and dist/cli.
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const {version} = JSON.parse(manifest) as {version: string};
  await writeDocument(process.stdout, `millrace ${version}\n`);
  return EXIT_FINISHED;
}
