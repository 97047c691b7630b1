/** `millrace explain`: prints the plan of a job. The job is built in this thread; nothing is started. */
import {explain} from '../api/explain.ts';
import {parseConfigPairs} from '../graph/config.ts';
import type {ExplainFormat} from '../graph/explain.ts';
import {StreamError} from '../base/errors.ts';
import {EXIT_FINISHED} from './exit-code.ts';
import {jobFileOf, jobNameOf} from './job-file.ts';
import type {ParsedArguments} from './options.ts';
import {replaceStandardStream, writeDocument} from './standard-streams.ts';

/** Runs the command; returns the exit code. */
export async function explainJob(args: ParsedArguments): Promise<number> {
  const file = jobFileOf('explain', args);
  const format = args.value('format') as ExplainFormat | undefined;
  if (args.has('code') && format !== undefined && format !== 'text') {
    throw new StreamError(
      'E_CLI_OPTION',
      '--code goes only with the format text',
      {format},
      {remedy: 'leave one of the two out'},
    );
  }
  const parallelism = args.value('parallelism');
  // What the builder of the job prints must not get into the document.
  const stdout = replaceStandardStream('stdout', process.stderr);
  const text = await explain(file, {
    args: args.jobArgs,
    config: {
      name: jobNameOf(file),
      ...parseConfigPairs(args.values('config')),
      ...(parallelism === undefined ? {} : {parallelism}),
    },
    ...(format === undefined ? {} : {format}),
    code: args.has('code'),
  });
  await writeDocument(stdout, text);
  return EXIT_FINISHED;
}
