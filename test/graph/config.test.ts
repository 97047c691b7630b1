/** Options: defaults, both spellings, and errors that say what to write. */
import test from 'ava';
import {
  CONFIG_OPTIONS,
  parseConfigPairs,
  resolveConfig,
  type Config,
} from '../../src/graph/config.ts';

test('every option has its default', t => {
  t.deepEqual(
    {...resolveConfig({parallelism: 2})},
    {
      name: 'job',
      parallelism: 2,
      maxParallelism: undefined,
      workers: undefined,
      memory: 64 * 1024 * 1024,
      autoWatermarkIntervalMs: 200,
      sourceIdleTimeoutMs: 60_000,
      segmentSize: 32 * 1024,
      exclusiveCredits: 2,
      floatingCredits: 8,
      bufferTimeoutMs: 100,
      debloat: false,
      debloatTargetMs: 1000,
      runtimeMode: 'streaming',
      operatorChaining: true,
      chainDifferentMaxParallelism: true,
      batchCombine: true,
      batchSortMemory: 64 * 1024 * 1024,
      temporaryDirectory: undefined,
      stateBackend: 'memory',
      stateDirectory: undefined,
      stateCacheSize: 64 * 1024 * 1024,
      codeGeneration: true,
      metrics: true,
      debug: false,
      taskTimeoutMs: 30_000,
      cancellationTimeoutMs: 180_000,
    },
  );
});

test('the parallelism is that of the machine unless it is given', t => {
  t.true(resolveConfig().parallelism >= 1);
});

test("options are read from texts, under our names and Flink's", t => {
  const pairs = parseConfigPairs([
    'memory=1GB',
    'parallelism.default=3',
    'taskTimeoutMs=2 min',
    'debug=true',
    'execution.runtime-mode=BATCH',
    'bufferTimeoutMs=-1',
    'name=a=b',
  ]);

  t.like(resolveConfig(pairs), {
    memory: 2 ** 30,
    parallelism: 3,
    taskTimeoutMs: 120_000,
    debug: true,
    runtimeMode: 'batch',
    bufferTimeoutMs: -1,
    name: 'a=b',
  });
});

test('of an option that comes twice on the command line the last one counts', t => {
  t.is(resolveConfig(parseConfigPairs(['parallelism=2', 'parallelism.default=5'])).parallelism, 5);
});

test('a resolved config resolves to itself', t => {
  const config = resolveConfig({memory: '128MB', parallelism: 4, workers: 2});

  t.deepEqual(resolveConfig(config), config);
});

for (const [name, run, code, message] of [
  [
    'a misspelt key',
    () => resolveConfig({paralelism: 2}),
    'E_CONFIG_KEY',
    /key=paralelism, nearest=parallelism;/,
  ],
  [
    'a key in the wrong case',
    () => parseConfigPairs(['segmentsize=1']),
    'E_CONFIG_KEY',
    /nearest=segmentSize;/,
  ],
  [
    'a Flink key that is not one',
    () => parseConfigPairs(['taskmanager.memory.segment-sizes=1']),
    'E_CONFIG_KEY',
    /nearest=taskmanager\.memory\.segment-size;/,
  ],
  [
    'a pair without =',
    () => parseConfigPairs(['memory']),
    'E_CONFIG_SYNTAX',
    /option="memory".*memory=128MB/,
  ],
  [
    'a size that is none',
    () => resolveConfig({memory: 'lots'}),
    'E_CONFIG_VALUE',
    /key=memory, value="lots".*64MB/,
  ],
  [
    'a segment size that is no power of two',
    () => resolveConfig({segmentSize: '33KB'}),
    'E_CONFIG_VALUE',
    /a power of two/,
  ],
  [
    'a parallelism of 0',
    () => resolveConfig({parallelism: 0}),
    'E_CONFIG_VALUE',
    /value=0; write a whole number from 1 to 32768/,
  ],
  [
    'a parallelism that is no integer',
    () => resolveConfig({parallelism: '2.5'}),
    'E_CONFIG_VALUE',
    /value="2\.5"/,
  ],
  [
    'a duration with a wrong unit',
    () => resolveConfig({taskTimeoutMs: '3 days'}),
    'E_CONFIG_VALUE',
    /3 days/,
  ],
  [
    'a boolean that is none',
    () => resolveConfig({debug: 'yes'}),
    'E_CONFIG_VALUE',
    /value="yes"; write true or false/,
  ],
  [
    'a mode that is none',
    () => resolveConfig({runtimeMode: 'fast'}),
    'E_CONFIG_VALUE',
    /streaming, batch, automatic/,
  ],
  [
    'an option under both its names',
    () => resolveConfig({parallelism: 1, 'parallelism.default': 2}),
    'E_CONFIG_TWICE',
    /first=parallelism, second=parallelism\.default/,
  ],
] as Array<[string, () => unknown, string, RegExp]>) {
  test(`${name} is refused: ${code}`, t => {
    const error = t.throws(run, {code});
    t.regex(error.message, message);
  });
}

test('the table has every option of the config once, each with a sentence', t => {
  const keys = CONFIG_OPTIONS.map(({key}) => key);
  t.deepEqual(
    [...keys].sort(),
    Object.keys(resolveConfig() satisfies Config).sort() as typeof keys,
  );
  t.is(new Set(keys).size, keys.length);
  t.true(keys.length <= 40);
  for (const {description} of CONFIG_OPTIONS) t.regex(description, /^\S.*\.$/);
});
