/** Runs the `millrace` command as a process of its own, the way a user does. */
import {spawn, type ChildProcess} from 'node:child_process';
import {once} from 'node:events';
import {join} from 'node:path';

const MAIN = join(import.meta.dirname, '../../src/cli/main.ts');

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class CommandLine {
  readonly child: ChildProcess;
  #stdout = '';
  #stderr = '';

  constructor(...args: readonly string[]) {
    const {FORCE_COLOR: _color, ...env} = process.env;
    this.child = spawn(process.execPath, [MAIN, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {...env, NO_COLOR: '1', NODE_NO_WARNINGS: '1'},
    });
    this.child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text;
    });
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
    });
  }

  /** Resolves when `stream` has shown `text`; rejects if the process ends before. */
  async shows(stream: 'stdout' | 'stderr', text: string): Promise<void> {
    const shown = (): boolean => (stream === 'stdout' ? this.#stdout : this.#stderr).includes(text);
    const ended = new AbortController();
    const end = once(this.child, 'close', {signal: ended.signal}).then(() => {
      if (!shown()) throw new Error(`it ended without showing ${text}: ${this.#stderr}`);
    });
    end.catch(() => {});
    while (!shown()) await Promise.race([once(this.child[stream]!, 'data'), end]);
    ended.abort();
  }

  /** How the process ends. */
  async exit(): Promise<Exit> {
    const [code, signal] = (await once(this.child, 'close')) as [
      number | null,
      NodeJS.Signals | null,
    ];
    return {code, signal, stdout: this.#stdout, stderr: this.#stderr};
  }
}

/** Runs the command to its end. */
export async function millrace(...args: readonly string[]): Promise<Exit> {
  return await new CommandLine(...args).exit();
}
