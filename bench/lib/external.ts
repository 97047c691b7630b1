/**
 * Peers that are programs of their own, in Java and Rust.
 *
 * Such a program gets the job and its parameters as `--name value`, then reads lines from its
 * standard input. Each line asks for one round; the program answers with one line of JSON,
 * {seconds, cpuSeconds, records, checksum, peakRssMb, …}, and ends with its input. So it stays warm
 * between rounds, is interleaved with the others, and can be tried by hand: `yes | head -3 | …`.
 * Whatever else it prints goes to standard error.
 */
import {spawn, type ChildProcess} from 'node:child_process';
import {existsSync} from 'node:fs';
import {join} from 'node:path';
import {createInterface} from 'node:readline';
import type {Engine, Outcome, Runner} from '../jobs/job.ts';
import {wordcountFile} from '../jobs/wordcount.ts';

const PEERS = join(import.meta.dirname, '../peers');

/** Flink and Jet reach into these packages of the JDK. */
const JAVA_OPTIONS = [
  '-Xmx4g',
  ...[
    'java.base/java.lang',
    'java.base/java.lang.invoke',
    'java.base/java.net',
    'java.base/java.nio',
    'java.base/java.text',
    'java.base/java.time',
    'java.base/java.util',
    'java.base/java.util.concurrent',
    'java.base/java.util.concurrent.atomic',
    'java.base/sun.nio.ch',
    'java.management/sun.management',
    'jdk.management/com.sun.management.internal',
  ].flatMap(name => ['--add-opens', `${name}=ALL-UNNAMED`]),
  ...['java.base/jdk.internal.ref'].flatMap(name => ['--add-exports', `${name}=ALL-UNNAMED`]),
  '--add-modules',
  'java.se',
  // Against G1, on two cores: the same with 1024 keys, half as fast again with a million of them.
  '-XX:+UseParallelGC',
];

interface External {
  /** What must exist for the program to run. */
  readonly built: string;
  readonly needs: string;
  readonly command: readonly string[];
}

const FLINK = join(PEERS, 'flink/target');
const JET = join(PEERS, 'jet/target');
const TIMELY = join(PEERS, 'timely/target/release/millrace-bench-timely');

const EXTERNAL: Partial<Record<Engine, External>> = {
  flink: {
    built: join(FLINK, 'classes/millrace/bench/FlinkPeer.class'),
    needs: 'java and mvn',
    command: [
      'java',
      ...JAVA_OPTIONS,
      '-cp',
      `${FLINK}/classes:${FLINK}/dependency/*`,
      'millrace.bench.FlinkPeer',
    ],
  },
  jet: {
    built: join(JET, 'classes/millrace/bench/JetPeer.class'),
    needs: 'java and mvn',
    command: [
      'java',
      ...JAVA_OPTIONS,
      '-cp',
      `${JET}/classes:${JET}/dependency/*`,
      'millrace.bench.JetPeer',
    ],
  },
  timely: {built: TIMELY, needs: 'cargo', command: [TIMELY]},
};

export function isExternal(engine: Engine): boolean {
  return EXTERNAL[engine] !== undefined;
}

/** Why the program cannot run here; undefined if it can. */
export function externalTrouble(engine: Engine): string | undefined {
  const external = EXTERNAL[engine];
  if (external === undefined || existsSync(external.built)) return undefined;
  return `not built; \`npm run bench:peers\` does it and needs ${external.needs}`;
}

/** The command line of an external peer, for a cold start. */
export function externalCommand(engine: Engine, ...args: string[]): string[] {
  const external = EXTERNAL[engine];
  if (external === undefined) throw new Error(`${engine} is not an external peer`);
  return [...external.command, ...args];
}

function argumentsOf(module: string, parameters: object): string[] {
  const values: Record<string, unknown> = {job: module, ...parameters};
  // The size of the text is of no use to a program that was not told where it lies.
  if (module === 'wordcount') values.file = wordcountFile(parameters as {bytes: number});
  return Object.entries(values).flatMap(([name, value]) => [`--${name}`, String(value)]);
}

class ExternalProgram {
  readonly #child: ChildProcess;
  readonly #waiting: {resolve: (line: string) => void; reject: (error: Error) => void}[] = [];
  #said = '';

  constructor(command: readonly string[]) {
    this.#child = spawn(command[0], command.slice(1), {stdio: ['pipe', 'pipe', 'pipe']});
    createInterface({input: this.#child.stdout!}).on('line', line => {
      if (line.startsWith('{')) this.#waiting.shift()?.resolve(line);
      else this.#note(`${line}\n`);
    });
    this.#child.stderr!.on('data', (bytes: Buffer) => this.#note(bytes.toString()));
    this.#child.on('error', error => this.#fail(error));
    this.#child.on('exit', (code, signal) =>
      this.#fail(new Error(`${command[0]} ended: code=${code}, signal=${signal}\n${this.#said}`)),
    );
    // The program must not outlive the harness, however that ends.
    process.on('exit', () => this.#child.kill('SIGKILL'));
  }

  #note(text: string): void {
    this.#said = (this.#said + text).slice(-4000);
  }

  #fail(error: Error): void {
    for (const {reject} of this.#waiting.splice(0)) reject(error);
  }

  async round(): Promise<Outcome> {
    if (this.#child.exitCode !== null) throw new Error(`the program has ended\n${this.#said}`);
    const line = await new Promise<string>((resolve, reject) => {
      this.#waiting.push({resolve, reject});
      this.#child.stdin!.write('run\n');
    });
    return JSON.parse(line) as Outcome;
  }
}

/** A runner that keeps its program from round to round. One set of parameters per process. */
export function externalRunner(engine: Engine, module: string): Runner<object> {
  if (module === 'start')
    return async () => (await import('../peers/external-start.ts')).run(engine);
  let program: ExternalProgram | undefined;
  let asked = '';
  return async parameters => {
    const args = argumentsOf(module, parameters);
    if (program === undefined || asked !== args.join(' ')) {
      if (program !== undefined) throw new Error('an external peer takes one set of parameters');
      program = new ExternalProgram(externalCommand(engine, ...args));
      asked = args.join(' ');
    }
    return program.round();
  };
}
