/**
 * The process in which one engine runs one job: `node bench/measure.ts JOB ENGINE full|smoke`,
 * started by bench/run.ts. It runs a round for each message 'run', holds the watch, checks the
 * answer, and reports a `Round`. One process per pair, so that no engine meets the call sites, the
 * heap or the peak memory of another.
 */
import {spawn, type ChildProcess} from 'node:child_process';
import {expectedAnswer, jobNamed} from './jobs/index.ts';
import type {Answer, Engine, Outcome} from './jobs/job.ts';
import {loadRunner} from './lib/engines.ts';
import type {Round} from './lib/rows.ts';

export type FromMeasure =
  | {readonly kind: 'ready'}
  | {readonly kind: 'round'; readonly round: Round}
  | {readonly kind: 'error'; readonly message: string};

const [jobName, engineName, size] = process.argv.slice(2);
const job = jobNamed(jobName);
const engine = engineName as Engine;
const parameters = size === 'smoke' ? {...job.smoke} : {...job.full};
const share = job.share?.[engine];
if (share !== undefined && size !== 'smoke') {
  (parameters as {records: number}).records *= share;
}

function send(message: FromMeasure): void {
  process.send!(message);
}

/** The process that wants a core for itself while a contended job runs; it does not outlive this one. */
function startBurner(): ChildProcess {
  const burn = `while (process.ppid === ${process.pid}) for (let i = 0; i < 1e8; i += 1);`;
  return spawn(process.execPath, ['-e', burn], {stdio: 'ignore'});
}

/** The expected answer of a job does not change from round to round, that of an open loop does. */
const answers = new Map<number, Answer>();
function answerTo(outcome: Outcome): Answer {
  const key = job.name === 'latency' ? outcome.records : 0;
  let answer = answers.get(key);
  if (answer === undefined) answers.set(key, (answer = expectedAnswer(job, parameters, outcome)));
  return answer;
}

async function main(): Promise<void> {
  const run = await loadRunner(engine, job);

  async function round(): Promise<Round> {
    const burner = job.contended ? startBurner() : undefined;
    try {
      const cpuBefore = process.cpuUsage();
      const startMs = performance.now();
      const outcome = await run(parameters);
      const seconds = (performance.now() - startMs) / 1000;
      const cpu = process.cpuUsage(cpuBefore);
      const answer = answerTo(outcome);
      const checked = outcome.records === answer.records && outcome.checksum === answer.checksum;
      return {
        ...outcome,
        seconds: outcome.seconds ?? seconds,
        cpuSeconds: outcome.cpuSeconds ?? (cpu.user + cpu.system) / 1e6,
        peakRssMb: outcome.peakRssMb ?? process.resourceUsage().maxRSS / 1024,
        checked,
        ...(checked
          ? {}
          : {
              complaint:
                `records=${outcome.records}, checksum=${outcome.checksum}; expected ` +
                `records=${answer.records}, checksum=${answer.checksum}`,
            }),
      };
    } finally {
      burner?.kill('SIGKILL');
    }
  }

  // Rounds come one at a time; the parent waits for each. It disconnects to end this process.
  process.on('message', () => {
    round().then(
      done => send({kind: 'round', round: done}),
      (error: unknown) => send({kind: 'error', message: String((error as Error).stack ?? error)}),
    );
  });
  process.on('disconnect', () => process.exit(0));
  send({kind: 'ready'});
}

main().catch((error: unknown) => {
  send({kind: 'error', message: String((error as Error).stack ?? error)});
});
