/** The page of options is what the engine's own table says. */
import {readFileSync} from 'node:fs';
import test from 'ava';
import {PAGE, configurationPage} from '../../docs/reference/configuration.gen.ts';
import {CONFIG_OPTIONS} from '../../src/graph/config.ts';

test('docs/reference/configuration.md is up to date; if not: node docs/reference/configuration.gen.ts', t => {
  t.is(readFileSync(PAGE, 'utf8'), configurationPage());
});

test('the page has every option, its default and its name in Flink', t => {
  const page = configurationPage();

  for (const {key, flinkKey, default: value, description} of CONFIG_OPTIONS) {
    t.true(page.includes(`### \`${key}\``), key);
    t.true(page.includes(description), key);
    if (flinkKey !== undefined) t.true(page.includes(`\`${flinkKey}\``), flinkKey);
    if (value !== undefined) t.true(page.includes(`Default: \`${value}\``), key);
  }
});
