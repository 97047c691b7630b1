/** Copies lines of text from `args.input` to a directory, in two subtasks. */
import {job} from '../../../src/index.ts';

export interface CopyLinesArgs {
  readonly input: string | readonly string[];
  /** Absent: the lines are dropped. */
  readonly output?: string;
}

export default job<CopyLinesArgs>((env, {input, output}) => {
  const lines = env.readText(input).name('Lines').uid('lines');
  const sink = output === undefined ? lines.discard() : lines.writeText(output);
  sink.name('Copy').uid('copy');
});
