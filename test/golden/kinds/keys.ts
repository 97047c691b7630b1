/** Where keys go: hashes, key groups, their ranges, partitioners. Tables without an operator. */
import {
  defaultMaxParallelism,
  keyGroupOf,
  keyGroupRange,
  subtaskOf,
} from '../../../src/base/key-group.ts';
import {hashBigint, hashBoolean, hashDouble, hashString, murmur} from '../../../src/base/hash.ts';
import {Random} from '../../../src/base/random.ts';
import {
  ALL_CHANNELS,
  broadcastPartitioner,
  constantPartitioner,
  customPartitioner,
  hashPartitioner,
  roundRobinPartitioner,
  shufflePartitioner,
  type Partitioner,
} from '../../../src/network/partitioner.ts';
import {keyReader} from '../../../src/operators/key.ts';
import {Unsupported, type Outcome, type Output, type Step, type Vector} from '../vector.ts';

/** Java's `hashCode` of a key that is written down with its Java type. */
function hashOf(type: string, text: string): number {
  switch (type) {
    case 'integer':
    case 'int':
    case 'short':
    case 'byte':
      return Number(text);
    case 'long':
      return hashBigint(BigInt(text));
    case 'string':
      return hashString(text);
    case 'boolean':
      return hashBoolean(text === 'true');
    case 'double':
      return hashDouble(Number(text));
    case 'float':
      return new Int32Array(Float32Array.of(Number(text)).buffer)[0]!;
    case 'character':
    case 'char':
      return text.charCodeAt(0);
    default:
      throw new Unsupported(`key type ${type}`);
  }
}

/** One row of output for each row of input. */
function table(vector: Vector, row: (step: Step, expected: Output) => object): Outcome {
  return {
    expected: vector.input.map((step, index) => ({
      step: index,
      ...row(step, vector.expected[index] ?? {step: index}),
    })),
    side: {},
  };
}

export function runKeyGroups(vector: Vector): Outcome {
  const maxParallelism = Number(vector.operator.maxParallelism);
  return table(vector, (step, expected) => {
    const hashCode = hashOf(String(step.type), String(step.key));
    const keyGroup = keyGroupOf(hashCode, maxParallelism);
    // The columns carry parameters in their names: keyGroup4096, subtask3.
    return Object.fromEntries(
      Object.keys(expected).flatMap(column => {
        const [, name, parameter] = /^([a-zA-Z]+)(\d*)$/.exec(column)!;
        if (name === 'step') return [];
        if (name === 'hashCode') return [[column, hashCode]];
        if (name === 'murmur') return [[column, murmur(hashCode)]];
        if (name === 'keyGroup') {
          const groups = parameter === '' ? maxParallelism : Number(parameter);
          return [[column, keyGroupOf(hashCode, groups)]];
        }
        if (name === 'subtask') {
          return [[column, subtaskOf(keyGroup, maxParallelism, Number(parameter))]];
        }
        throw new Unsupported(`column ${column}`);
      }),
    );
  });
}

export function runKeyGroupRanges(vector: Vector): Outcome {
  return table(vector, (step, expected) => {
    const given = {...vector.operator, ...step};
    const maxParallelism = Number(given.maxParallelism);
    const parallelism = Number(given.parallelism);
    const rangeOf = (subtask: number) => keyGroupRange(subtask, maxParallelism, parallelism);
    const subtask = given.subtask ?? given.index ?? given.operatorIndex;
    return Object.fromEntries(
      Object.entries(expected).flatMap(([column, value]): Array<[string, unknown]> => {
        if (column === 'step') return [];
        if (Array.isArray(value) && subtask === undefined) {
          // All ranges, each as it is written there: `[first, last]`, `{start, end}`, 'first-last'.
          const ranges = Array.from({length: parallelism}, (_, index) => rangeOf(index));
          return [[column, ranges.map((range, index) => inForm(range, value[index]))]];
        }
        if (subtask === undefined) throw new Unsupported(`column ${column}`);
        const range = rangeOf(Number(subtask));
        if (typeof value !== 'number') return [[column, inForm(range, value)]];
        if (/^(start|first|from|min)/i.test(column)) return [[column, range.first]];
        if (/^(end|last|to|max)/i.test(column)) return [[column, range.last]];
        if (/count|size|number/i.test(column)) return [[column, range.last - range.first + 1]];
        throw new Unsupported(`column ${column}`);
      }),
    );
  });
}

function inForm({first, last}: {first: number; last: number}, form: unknown): unknown {
  if (Array.isArray(form)) return [first, last];
  if (typeof form === 'string') return form.replace(/-?\d+(\D+)-?\d+/, `${first}$1${last}`);
  if (typeof form === 'object' && form !== null) {
    return Object.fromEntries(
      Object.keys(form).map(name => [name, /^(start|first|from)/i.test(name) ? first : last]),
    );
  }
  return `${first}-${last}`;
}

export function runDefaultMaxParallelism(vector: Vector): Outcome {
  return table(vector, (step, expected) => {
    const parallelism = Number(step.parallelism ?? step.value);
    const columns = Object.keys(expected).filter(column => column !== 'step');
    return Object.fromEntries(columns.map(column => [column, defaultMaxParallelism(parallelism)]));
  });
}

export function runPartition(vector: Vector): Outcome {
  const {operator} = vector;
  const channels = Number(operator.channels);
  const partitioner = partitionerOf(vector, channels);
  let first: number | undefined;
  return table(vector, (step, expected) => {
    const channel = partitioner.select(step);
    if ('relativeChannel' in expected) {
      first ??= channel;
      return {relativeChannel: (channel - first + channels) % channels};
    }
    const [column = 'channel'] = Object.keys(expected).filter(name => name !== 'step');
    const all = Array.from({length: channels}, (_, index) => index);
    if (channel !== ALL_CHANNELS) return {[column]: channel};
    return {
      [column]: Array.isArray(expected[column]) ? all : expected[column] === 'all' ? 'all' : -1,
    };
  });
}

function partitionerOf({operator, description}: Vector, channels: number): Partitioner {
  const key = keyReader({kind: 'fields', paths: [['key']]});
  switch (operator.partitioner) {
    case 'hash':
      return hashPartitioner(key, channels, Number(operator.maxParallelism ?? 128));
    case 'rebalance':
      return roundRobinPartitioner(channels, new Random(1).below(channels));
    case 'rescale':
      return roundRobinPartitioner(channels, 0);
    case 'shuffle':
      return shufflePartitioner(channels, new Random(1));
    case 'broadcast':
      return broadcastPartitioner();
    case 'global':
    case 'forward':
      return constantPartitioner(0);
    case 'custom': {
      const isByLength = /length/i.test(description);
      const select = (step: unknown) =>
        isByLength ? (step as Step).key!.length : (step as Step).value;
      return customPartitioner((part, count) => Number(part) % count, select, channels);
    }
    default:
      throw new Unsupported(`partitioner ${String(operator.partitioner)}`);
  }
}
