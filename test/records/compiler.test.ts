/** Generated code: safe names, readable stacks, and an interpreter where it is forbidden. */
import {spawnSync} from 'node:child_process';
import test from 'ava';
import {
  compileFactory,
  isCodeGenerationAllowed,
  propertyText,
  quote,
} from '../../src/records/compiler.ts';
import {flattenString} from '../../src/records/flatten.ts';

test('parameters are bound, and the unit is named in stacks', t => {
  const fail = compileFactory<() => never>(
    'millrace/chain-3',
    ['text'],
    'return () => { throw new Error(text); };',
  )('boom');
  const error = t.throws(fail, {message: 'boom'});
  t.regex(error.stack!, /millrace\/chain-3/);
  t.true(isCodeGenerationAllowed());
});

test('a name that is no identifier is refused, and quoted text stays text', t => {
  t.throws(() => compileFactory('x', ['a b'], ''), {name: 'InvariantError'});
  for (const text of ['"', '\\', '\n', '\u2028', '`${1}', '*/ throw 1']) {
    t.is(compileFactory<string>('x', [], `return ${quote(text)};`)(), text);
    t.is(compileFactory<number>('x', ['o'], `return ${propertyText('o', text)};`)({[text]: 7}), 7);
  }
  t.is(compileFactory<number>('evil\nthrow 1', [], 'return 1;')(), 1);
});

test('where code generation is forbidden, batches are interpreted', t => {
  const script = `
    import {isCodeGenerationAllowed} from './src/records/compiler.ts';
    import {carry} from './test/support/record-stream.ts';
    const values = [{a: 1, s: 'x'}, {a: 2.5, s: 'y'}, {a: 3, s: null}];
    const {delivered} = carry(values, {segmentSizeBytes: 1024, targetCount: 1, timestamps: true,
      interpretWriter: false, interpretReader: false, sampleCount: 1});
    console.log(JSON.stringify([isCodeGenerationAllowed(), delivered[0].map(one => one.value)]));`;
  const {stdout, stderr} = spawnSync(
    process.execPath,
    ['--disallow-code-generation-from-strings', '--input-type=module', '--eval', script],
    {encoding: 'utf8', cwd: new URL('../..', import.meta.url)},
  );
  t.is(stdout.trim(), '[false,[{"a":1,"s":"x"},{"a":2.5,"s":"y"},{"a":3,"s":null}]]', stderr);
});

test('a flattened text is equal and does not keep its parent', t => {
  const texts = [
    '',
    'short',
    'a longer text than thirteen',
    'é'.repeat(40),
    '中\ud800'.repeat(40),
    'x'.repeat(2_000_000),
  ];
  for (const text of texts) t.is(flattenString(text), text);

  const before = process.memoryUsage().heapUsed;
  const kept: string[] = [];
  for (let i = 0; i < 200; i += 1) {
    const parent = Buffer.alloc(1 << 20, 97 + (i % 26)).toString('latin1');
    kept.push(flattenString(parent.substring(i, i + 40)));
  }
  t.is(kept.length, 200);
  t.true(process.memoryUsage().heapUsed - before < 100 << 20);
});
