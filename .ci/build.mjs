/**
 * Makes dist/, which is what the package publishes, out of src/: `node .ci/build.mjs [DIRECTORY]`.
 *
 *   dist/lib     the modules as JavaScript, joined into few files that all lie side by side
 *   dist/types   their declarations, a file per module
 *
 * Each of a job's four threads would have to find, read and link up to 150 modules before the first
 * record: 0.9 ms of CPU per module (docs/decisions/0004-cold-start.md). Modules are joined by who needs
 * them, so that a thread loads a handful of files and little that it never uses. A module still exists
 * once per thread, whichever way it was imported: `instanceof` and module state hold between the engine
 * and the imports of a job. Names and line breaks stay, for stacks that can be read; packages stay outside.
 */
import {spawnSync} from 'node:child_process';
import {chmodSync, rmSync} from 'node:fs';
import {createRequire} from 'node:module';
import {join, resolve} from 'node:path';
import {fileURLToPath} from 'node:url';
import {rolldown} from 'rolldown';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = resolve(root, process.argv[2] ?? 'dist');

/** What is imported by name or loaded by URL; `src/scheduler/entry-url.ts` relies on the names. */
const ENTRIES = {
  index: 'src/index.ts',
  testing: 'src/testing/index.ts',
  cli: 'src/cli/main.ts',
  'job-runtime': 'src/api/job-runtime.ts',
  'coordinator-boot': 'src/scheduler/coordinator-boot.ts',
  'worker-boot': 'src/scheduler/worker-boot.ts',
};

/**
 * The files beside those of the entries, most wanted first: each gets the modules that are named here
 * and all that those import, as far as no file before it has them.
 */
const GROUPS = [
  // Imported by hosts and job modules, and by every thread.
  [
    'core',
    'index|base/.*|scheduler/(control-link|drain-output|failure|job-board|job-module|job-status|results|task-state)',
  ],
  ['print', 'connectors/print-sink'],
  // The coordinator, and every worker: from a builder to a deployment.
  ['plan', 'api/coordinator-side'],
  // Workers, and hosts with streams: records in batches, channels.
  ['data', 'records/batch-(reader|writer)|network/.*|scheduler/gate-input'],
  ['host', 'api/(job-handle|host-side)'],
  // Workers: operators, state, tasks and their loop.
  ['run', 'api/worker-side|scheduler/worker-loop'],
  // The command line (its main module waits for the rest, so nothing may lie in its file): before a
  // command is known, what starts a job, and what is shown while it starts.
  ['cli-command', 'cli/command-line'],
  ['cli-run', 'cli/run'],
  ['cli-show', 'cli/(?!main).*'],
];

rmSync(dist, {recursive: true, force: true});

const bundle = await rolldown({
  cwd: root,
  input: ENTRIES,
  platform: 'node',
  external: id => !/^(src\/|[./]|[A-Z]:)/.test(id),
  // Whether a dynamic import lies in a file of its own is decided by the groups, on purpose.
  checks: {ineffectiveDynamicImport: false},
});
await bundle.write({
  dir: join(dist, 'lib'),
  format: 'esm',
  comments: false,
  entryFileNames: '[name].js',
  chunkFileNames: '[name].js',
  codeSplitting: {
    groups: GROUPS.map(([name, modules], index) => ({
      name,
      test: new RegExp(`[\\\\/]src[\\\\/](${modules.replaceAll('/', '[\\\\/]')})\\.ts$`),
      priority: GROUPS.length - index,
    })),
  },
});
await bundle.close();
chmodSync(join(dist, 'lib/cli.js'), 0o755);

const tsc = join(createRequire(import.meta.url).resolve('typescript/package.json'), '../bin/tsc');
const {status} = spawnSync(
  process.execPath,
  [tsc, '-p', 'tsconfig.build.json', '--outDir', join(dist, 'types')],
  {cwd: root, stdio: 'inherit'},
);
process.exitCode = status ?? 1;
