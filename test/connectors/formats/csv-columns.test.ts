/** Records of CSV rows: generated code and the loop that stands in for it give the same. */
import {spawnSync} from 'node:child_process';
import test from 'ava';
import {createRowMaker} from '../../../src/connectors/formats/csv-columns.ts';
import {int32, nullable, schema, string} from '../../../src/records/schema.ts';

const shape = schema({n: nullable(int32), 'odd "name"\\': string});
const columns = ['odd "name"\\', 'unused', 'n'];

test('names and types reach the generated code safely', t => {
  const make = createRowMaker(columns, shape);

  t.deepEqual(make(['a', 'b', '5'], []), {n: 5, 'odd "name"\\': 'a'});
  t.deepEqual(make(['a', 'b', ''], []), {n: null, 'odd "name"\\': 'a'});
});

test('where code generation is forbidden a loop makes the same records', t => {
  const path = (name: string) => new URL(`../../../src/${name}`, import.meta.url).href;
  const script = `
    import {createRowMaker} from '${path('connectors/formats/csv-columns.ts')}';
    import {isCodeGenerationAllowed} from '${path('records/compiler.ts')}';
    import {int32, nullable, schema, string} from '${path('records/schema.ts')}';
    if (isCodeGenerationAllowed()) throw new Error('the flag has no effect');
    const shape = schema({n: nullable(int32), 'odd "name"\\\\': string});
    const make = createRowMaker(${JSON.stringify(columns)}, shape);
    console.log(JSON.stringify([make(['a', 'b', '5'], []), make(['a', 'b', ''], [])]));`;
  const {stdout, stderr} = spawnSync(
    process.execPath,
    ['--disallow-code-generation-from-strings', '--input-type=module', '-e', script],
    {encoding: 'utf8'},
  );

  t.deepEqual(JSON.parse(stdout === '' ? stderr : stdout), [
    {n: 5, 'odd "name"\\': 'a'},
    {n: null, 'odd "name"\\': 'a'},
  ]);
});
