/**
 * The options of a job, as one table: key, Flink's key where it has one, kind of value, default and a
 * sentence. Parsing, checking, help texts and the typed `Config` all come from it. Options arrive as
 * an object (`start(url, {config})`) or as text (`--config k=v`), and leave as plain numbers and
 * booleans that cross threads.
 *
 * It lies in this layer, because the scheduler reads it and the API hands it out (api/config.ts).
 */
import {availableParallelism} from 'node:os';
import {StreamError, showValue} from '../base/errors.ts';
import {nearestTo} from '../base/nearest.ts';
import {parseMemorySize} from '../memory/segment-budget.ts';
import {MAX_PARALLELISM_LIMIT} from '../base/key-group.ts';
import type {GraphSettings, RuntimeMode} from './stream-graph.ts';

/** The options of a job, checked, with every default filled in. Plain data. */
export interface Config {
  readonly name: string;
  readonly parallelism: number;
  /** Absent: derived from each operator's parallelism. */
  readonly maxParallelism: number | undefined;
  /** Absent: the parallelism of the job. */
  readonly workers: number | undefined;
  /** Bytes. */
  readonly memory: number;
  /** Bytes. */
  readonly segmentSize: number;
  readonly exclusiveCredits: number;
  readonly floatingCredits: number;
  readonly bufferTimeoutMs: number;
  readonly debloat: boolean;
  readonly debloatTargetMs: number;
  readonly autoWatermarkIntervalMs: number;
  readonly sourceIdleTimeoutMs: number;
  readonly runtimeMode: RuntimeMode;
  readonly operatorChaining: boolean;
  readonly chainDifferentMaxParallelism: boolean;
  readonly batchCombine: boolean;
  readonly stateBackend: 'memory' | 'lmdb';
  /** Absent: the directory of the system for temporary files. */
  readonly stateDirectory: string | undefined;
  /** Bytes. */
  readonly stateCacheSize: number;
  /** Bytes. */
  readonly batchSortMemory: number;
  /** Absent: the system's. */
  readonly temporaryDirectory: string | undefined;
  readonly codeGeneration: boolean;
  readonly metrics: boolean;
  readonly debug: boolean;
  readonly taskTimeoutMs: number;
  readonly cancellationTimeoutMs: number;
}

/** Options as users write them: sizes such as `'64MB'`, durations as numbers or `'30 s'`. */
export type ConfigInput = {
  readonly [K in keyof Config]?:
    Config[K] | (Config[K] extends boolean ? never : string) | undefined;
};

/** One option, for help texts and documentation. */
export interface ConfigOption {
  readonly key: keyof Config;
  /** The name of the same option in Flink, which is accepted as well. */
  readonly flinkKey?: string;
  readonly kind: 'text' | 'integer' | 'size' | 'duration' | 'boolean' | 'choice';
  /** As a user would write it; undefined if the default depends on the machine or the job. */
  readonly default: string | undefined;
  readonly choices?: readonly string[];
  readonly min?: number;
  readonly max?: number;
  readonly description: string;
}

/** Largest delay of a JavaScript timer, about 24.8 days. */
const DURATION_MS_MAX = 2 ** 31 - 1;

/** All options. */
export const CONFIG_OPTIONS: readonly ConfigOption[] = [
  {
    key: 'name',
    flinkKey: 'pipeline.name',
    kind: 'text',
    default: 'job',
    description: 'Name of the job, as shown in messages and metrics.',
  },
  {
    key: 'parallelism',
    flinkKey: 'parallelism.default',
    kind: 'integer',
    default: undefined,
    min: 1,
    max: MAX_PARALLELISM_LIMIT,
    description: 'Subtasks of each operator that is given no number; default: cores.',
  },
  {
    key: 'maxParallelism',
    flinkKey: 'pipeline.max-parallelism',
    kind: 'integer',
    default: undefined,
    min: 1,
    max: MAX_PARALLELISM_LIMIT,
    description:
      'Key groups, a limit to rescaling; default: 128, or more for more than 85 subtasks.',
  },
  {
    key: 'workers',
    kind: 'integer',
    default: undefined,
    min: 1,
    max: 1024,
    description: 'Worker threads at most; default: the parallelism.',
  },
  {
    key: 'memory',
    flinkKey: 'taskmanager.memory.network.max',
    kind: 'size',
    default: '64MB',
    description: 'Memory for records in flight between tasks.',
  },
  {
    key: 'segmentSize',
    flinkKey: 'taskmanager.memory.segment-size',
    kind: 'size',
    default: '32KB',
    min: 1024,
    max: 16 * 1024 * 1024,
    description: 'Size of a batch of records; a power of two.',
  },
  {
    key: 'exclusiveCredits',
    flinkKey: 'taskmanager.network.memory.buffers-per-channel',
    kind: 'integer',
    default: '2',
    min: 1,
    max: 1024,
    description: 'Batches that each channel may have in flight at any time.',
  },
  {
    key: 'floatingCredits',
    flinkKey: 'taskmanager.network.memory.floating-buffers-per-gate',
    kind: 'integer',
    default: '8',
    min: 0,
    max: 65536,
    description: 'Further batches in flight that the channels of a gate share.',
  },
  {
    key: 'bufferTimeoutMs',
    flinkKey: 'execution.buffer-timeout.interval',
    kind: 'duration',
    default: '100',
    min: -1,
    description:
      'How long a batch may wait to fill while its task is busy; 0 sends each record, -1 only full batches.',
  },
  {
    key: 'debloat',
    flinkKey: 'taskmanager.network.memory.buffer-debloat.enabled',
    kind: 'boolean',
    default: 'false',
    description: 'Keep data in flight worth a target time by making batches smaller.',
  },
  {
    key: 'debloatTargetMs',
    flinkKey: 'taskmanager.network.memory.buffer-debloat.target',
    kind: 'duration',
    default: '1000',
    min: 1,
    description: 'The target time of debloating.',
  },
  {
    key: 'autoWatermarkIntervalMs',
    flinkKey: 'pipeline.auto-watermark-interval',
    kind: 'duration',
    default: '200',
    min: 0,
    description: 'How often watermarks are emitted; 0: never, only punctuated ones are.',
  },
  {
    key: 'sourceIdleTimeoutMs',
    kind: 'duration',
    default: '60s',
    min: 0,
    description:
      'When a silent split of an unbounded source with several counts as idle, if its strategy says nothing; 0: never.',
  },
  {
    key: 'runtimeMode',
    flinkKey: 'execution.runtime-mode',
    kind: 'choice',
    default: 'streaming',
    choices: ['streaming', 'batch', 'automatic'],
    description:
      'batch: only final results, from input sorted by key; automatic: batch if all sources are bounded.',
  },
  {
    key: 'operatorChaining',
    flinkKey: 'pipeline.operator-chaining.enabled',
    kind: 'boolean',
    default: 'true',
    description: 'Run operators that forward to each other as one loop.',
  },
  {
    key: 'chainDifferentMaxParallelism',
    flinkKey: 'pipeline.operator-chaining.chain-operators-with-different-max-parallelism',
    kind: 'boolean',
    default: 'true',
    description: 'Chain operators also if their max parallelism differs.',
  },
  {
    key: 'batchCombine',
    kind: 'boolean',
    default: 'true',
    description: 'Batch mode: combine sums and extremes per key before records cross.',
  },
  {
    key: 'stateBackend',
    flinkKey: 'state.backend.type',
    kind: 'choice',
    default: 'memory',
    choices: ['memory', 'lmdb'],
    description: 'Where keyed state lies; lmdb: on disk, for more than fits into memory.',
  },
  {
    key: 'stateDirectory',
    kind: 'text',
    default: undefined,
    description: 'Where lmdb keeps its files while a job runs; default: for temporary files.',
  },
  {
    key: 'stateCacheSize',
    kind: 'size',
    default: '64MB',
    description: 'About what lmdb caches in memory for each keyed operator of a task.',
  },
  {
    key: 'batchSortMemory',
    kind: 'size',
    default: '64MB',
    min: 1024,
    description: 'Batch mode: rows that a task sorts in memory, about; more go into files.',
  },
  {
    key: 'temporaryDirectory',
    flinkKey: 'io.tmp.dirs',
    kind: 'text',
    default: undefined,
    description: "Where sorts in batch mode put their files; default: the system's directory.",
  },
  {
    key: 'codeGeneration',
    kind: 'boolean',
    default: 'true',
    description: 'Compile chains and codecs; false interprets them, many times slower.',
  },
  {
    key: 'metrics',
    kind: 'boolean',
    default: 'true',
    description: 'Count records and time; false is for measuring what that costs.',
  },
  {
    key: 'debug',
    kind: 'boolean',
    default: 'false',
    description: 'Check the use of memory (sentinels, use after release); slower.',
  },
  {
    key: 'taskTimeoutMs',
    kind: 'duration',
    default: '30s',
    min: 1,
    description: 'A task whose user function does not return for so long fails the job.',
  },
  {
    key: 'cancellationTimeoutMs',
    flinkKey: 'task.cancellation.timeout',
    kind: 'duration',
    default: '180s',
    min: 1,
    description: 'A worker that does not react to cancelling for so long is terminated.',
  },
];

/**
 * Checks options and fills in defaults. Both our names and Flink's are accepted.
 *
 * Errors: `E_CONFIG_KEY` for an unknown key, naming the nearest one; `E_CONFIG_VALUE` for a value that
 * does not suit its key; `E_CONFIG_TWICE` if an option comes under both its names.
 */
export function resolveConfig(input: ConfigInput | Readonly<Record<string, unknown>> = {}): Config {
  const values: Record<string, unknown> = {};
  const writtenAs = new Map<string, string>();
  for (const [written, value] of Object.entries(input)) {
    if (value === undefined) continue;
    const option = findOption(written);
    const other = writtenAs.get(option.key);
    if (other !== undefined) {
      throw new StreamError('E_CONFIG_TWICE', 'an option is given under two names', {
        first: other,
        second: written,
      });
    }
    writtenAs.set(option.key, written);
    values[option.key] = parseValue(option, written, value);
  }
  for (const option of CONFIG_OPTIONS) {
    if (Object.hasOwn(values, option.key)) continue;
    values[option.key] =
      option.default === undefined ? undefined : parseValue(option, option.key, option.default);
  }
  values['parallelism'] ??= availableParallelism();
  return values as unknown as Config;
}

/**
 * Reads `k=v` texts, as `--config` takes them; of a key that comes twice the last one counts.
 *
 * Errors: `E_CONFIG_SYNTAX` for a text without `=`, and those of `resolveConfig`, which see the values.
 */
export function parseConfigPairs(pairs: readonly string[]): Record<string, string> {
  const values: Record<string, string> = {};
  for (const pair of pairs) {
    const at = pair.indexOf('=');
    if (at <= 0) {
      throw new StreamError(
        'E_CONFIG_SYNTAX',
        'an option is not of the form key=value',
        {option: showValue(pair)},
        {remedy: 'write for instance --config memory=128MB'},
      );
    }
    const key = pair.slice(0, at).trim();
    values[findOption(key).key] = pair.slice(at + 1).trim();
  }
  return values;
}

/** What the graph needs to know of a config. */
export function graphSettings(config: Config): GraphSettings {
  return {
    jobName: config.name,
    parallelism: config.parallelism,
    maxParallelism: config.maxParallelism,
    bufferTimeoutMs: config.bufferTimeoutMs,
    runtimeMode: config.runtimeMode,
    operatorChaining: config.operatorChaining,
    chainDifferentMaxParallelism: config.chainDifferentMaxParallelism,
    batchCombine: config.batchCombine,
  };
}

function findOption(written: string): ConfigOption {
  const option = CONFIG_OPTIONS.find(({key, flinkKey}) => key === written || flinkKey === written);
  if (option !== undefined) return option;
  const names = CONFIG_OPTIONS.flatMap(({key, flinkKey}) => [key, ...(flinkKey ? [flinkKey] : [])]);
  throw new StreamError(
    'E_CONFIG_KEY',
    'there is no such option',
    {key: written, nearest: nearestTo(written, names)},
    {remedy: `options are ${CONFIG_OPTIONS.map(({key}) => key).join(', ')}`},
  );
}

function parseValue(option: ConfigOption, written: string, value: unknown): unknown {
  switch (option.kind) {
    case 'text':
      if (typeof value === 'string' && value !== '') return value;
      throw badValue(written, value, 'write a text that is not empty');
    case 'boolean':
      if (typeof value === 'boolean') return value;
      if (value === 'true' || value === 'false') return value === 'true';
      throw badValue(written, value, 'write true or false');
    case 'choice': {
      const choice = typeof value === 'string' ? value.toLowerCase() : '';
      if (option.choices!.includes(choice)) return choice;
      throw badValue(written, value, `write one of ${option.choices!.join(', ')}`);
    }
    case 'integer':
      return inRange(option, written, value, toNumber(value), 'a whole number');
    case 'duration':
      return inRange(
        option,
        written,
        value,
        toMilliseconds(value),
        "milliseconds, or such as '30s'",
      );
    case 'size': {
      let bytes: number;
      try {
        bytes = parseMemorySize(value as string | number);
      } catch (error) {
        if (!(error instanceof StreamError)) throw error;
        throw badValue(written, value, "write a size such as '64MB' or '32KB'");
      }
      return inRange(option, written, value, bytes, "a size such as '64MB'");
    }
  }
}

function inRange(
  option: ConfigOption,
  written: string,
  value: unknown,
  parsed: number,
  expected: string,
): number {
  const min = option.min ?? (option.kind === 'size' ? 1 : 0);
  const max =
    option.max ?? (option.kind === 'duration' ? DURATION_MS_MAX : Number.MAX_SAFE_INTEGER);
  const isPowerOfTwo = option.key !== 'segmentSize' || Math.log2(parsed) % 1 === 0;
  if (Number.isInteger(parsed) && parsed >= min && parsed <= max && isPowerOfTwo) return parsed;
  const power = option.key === 'segmentSize' ? ', a power of two' : '';
  const unit = option.kind === 'size' ? ' bytes' : option.kind === 'duration' ? ' ms' : '';
  throw badValue(written, value, `write ${expected} from ${min} to ${max}${unit}${power}`);
}

function badValue(written: string, value: unknown, remedy: string): StreamError {
  return new StreamError(
    'E_CONFIG_VALUE',
    'an option has a value that does not suit it',
    {key: written, value: showValue(value)},
    {remedy},
  );
}

function toNumber(value: unknown): number {
  if (typeof value === 'number') return value;
  return typeof value === 'string' && /^-?\d+$/.test(value.trim()) ? Number(value) : NaN;
}

const UNIT_MS: Record<string, number> = {'': 1, ms: 1, s: 1000, min: 60_000, h: 3_600_000};

function toMilliseconds(value: unknown): number {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string') return NaN;
  const [, count, unit] = /^\s*(-?\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(value) ?? [];
  if (count === undefined || !Object.hasOwn(UNIT_MS, unit!.toLowerCase())) return NaN;
  return Number(count) * UNIT_MS[unit!.toLowerCase()]!;
}
