/** Row codecs where no code may be generated: the same answers as those of generated code. */
import {spawnSync} from 'node:child_process';
import test from 'ava';
import {boolean, float64, int32, schema} from '../../src/records/schema.ts';
import {codecOfSchema, codecOfValue} from '../../src/state/row-codec.ts';
import {answersOf, type Codecs} from './row-codec-answers.ts';

const CODECS: Codecs = {codecOfSchema, codecOfValue, schema, int32, float64, boolean};

test('records are taken apart and built without generated code as with it', t => {
  const script = `
    import * as records from './src/records/schema.ts';
    import {isCodeGenerationAllowed} from './src/records/compiler.ts';
    import * as codecs from './src/state/row-codec.ts';
    import {answersOf} from './test/state/row-codec-answers.ts';
    console.log(JSON.stringify([isCodeGenerationAllowed(), answersOf({...records, ...codecs})]));`;

  const {stdout, stderr} = spawnSync(
    process.execPath,
    ['--disallow-code-generation-from-strings', '--input-type=module', '--eval', script],
    {encoding: 'utf8', cwd: new URL('../..', import.meta.url)},
  );

  const expected = answersOf(CODECS);
  t.true(expected.length > 20);
  t.is(stdout.trim(), JSON.stringify([false, expected]), stderr);
});
