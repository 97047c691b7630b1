/**
 * The harness's end of a measuring process (measure.ts): starts it, asks it for rounds one at a time, and
 * keeps what it answers. A process that dies or falls silent is a failure of its engine only.
 */
import {fork, type ChildProcess} from 'node:child_process';
import {join} from 'node:path';
import type {AnyJob} from '../jobs/index.ts';
import type {Engine} from '../jobs/job.ts';
import type {FromMeasure} from '../measure.ts';
import type {Round} from './rows.ts';

const ROUND_LIMIT_MS = 600_000;

export interface ContestantOptions {
  readonly size: 'smoke' | 'full';
  /** Variables of the process beside those of the harness. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** The measuring process of one engine, as the harness sees it. */
export class Contestant {
  readonly engine: Engine;
  readonly rounds: Round[] = [];
  failure: string | undefined;
  readonly #child: ChildProcess;
  #settle: (message: FromMeasure) => void = () => {};

  constructor(job: AnyJob, engine: Engine, {size, environment = {}}: ContestantOptions) {
    this.engine = engine;
    this.#child = fork(join(import.meta.dirname, '../measure.ts'), [job.name, engine, size], {
      execArgv: ['--disable-warning=ExperimentalWarning'],
      env: {...process.env, ...environment},
    });
    this.#child.on('message', message => this.#settle(message as FromMeasure));
    this.#child.on('exit', (code, signal) =>
      this.#settle({
        kind: 'error',
        message: `measuring process ended: code=${code}, signal=${signal}`,
      }),
    );
  }

  /** The next message of the process, after `what` was sent to it; a failure is kept. */
  async #next(what?: string): Promise<FromMeasure> {
    const message = await new Promise<FromMeasure>(resolve => {
      const limit = setTimeout(() => {
        resolve({kind: 'error', message: `no answer for ${ROUND_LIMIT_MS / 1000} s`});
      }, ROUND_LIMIT_MS);
      this.#settle = settled => {
        clearTimeout(limit);
        resolve(settled);
      };
      if (what !== undefined) this.#child.send(what);
    });
    if (message.kind === 'error') this.failure = message.message;
    return message;
  }

  async ready(): Promise<void> {
    await this.#next();
  }

  async round({counts}: {counts: boolean}): Promise<Round | undefined> {
    const message = await this.#next('run');
    if (message.kind !== 'round') return undefined;
    // A wrong answer counts even while warming up: the row must not be called checked.
    if (counts || !message.round.checked) this.rounds.push(message.round);
    return message.round;
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise(resolve => this.#child.once('exit', resolve));
    if (this.failure === undefined && this.#child.connected) this.#child.disconnect();
    else this.#child.kill('SIGKILL');
    await ended;
  }
}
