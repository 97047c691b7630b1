/** What a reader must know of the machine, and how much of it others used meanwhile. */
import {execFileSync} from 'node:child_process';
import {readFileSync} from 'node:fs';
import {availableParallelism, cpus, release, totalmem, type} from 'node:os';

export interface MachineFacts {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly system: string;
  readonly node: string;
  readonly java: string;
  readonly cargo: string;
}

/** The first line with a digit that a command prints, on either stream; what is missing otherwise. */
export function versionOf(command: string, ...args: string[]): string {
  try {
    const text = execFileSync('sh', ['-c', `${[command, ...args].join(' ')} 2>&1`], {
      encoding: 'utf8',
    });
    return (
      text
        .split('\n')
        .find(line => /\d/.test(line))
        ?.trim() ?? 'unknown'
    );
  } catch {
    return 'not installed';
  }
}

export function machineFacts(): MachineFacts {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGb: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()}`,
    node: process.version,
    java: versionOf('java', '-version'),
    cargo: versionOf('cargo', '--version'),
  };
}

const TICKS_PER_SECOND = 100;

/** CPU-seconds that the whole machine has used since its start; NaN where /proc is missing. */
export function machineCpuSeconds(): number {
  try {
    const line = readFileSync('/proc/stat', 'utf8').split('\n', 1)[0];
    const [user, nice, system, , , irq, softirq, steal] = line
      .trim()
      .split(/\s+/)
      .slice(1)
      .map(Number);
    return (user + nice + system + irq + softirq + steal) / TICKS_PER_SECOND;
  } catch {
    return NaN;
  }
}

/** CPU-seconds of the children that this process has waited for; NaN where /proc is missing. */
export function childrenCpuSeconds(): number {
  try {
    const text = readFileSync('/proc/self/stat', 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[13]) + Number(fields[14])) / TICKS_PER_SECOND;
  } catch {
    return NaN;
  }
}
