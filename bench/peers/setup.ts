/**
 * `npm run bench:peers`: builds the peers that are programs of their own, each with its ecosystem's
 * own tool from its own registry: Flink and Jet with mvn, timely with cargo.
 *
 * A tool that is not installed is named and its peers are left out; so is a peer that fails to
 * build. The others are built all the same. Exit code 0 if everything whose tools are here was
 * built, else 1. What was built from the same files before is not built again: beside each build
 * lies a stamp with a hash of its sources.
 */
import {execFileSync} from 'node:child_process';
import {createHash} from 'node:crypto';
import {existsSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {externalTrouble} from '../lib/external.ts';
import {versionOf} from '../lib/machine.ts';

interface Peer {
  readonly engine: 'flink' | 'jet' | 'timely';
  /** What must be installed. */
  readonly tools: readonly string[];
  readonly command: readonly string[];
}

const MAVEN = ['mvn', '--quiet', '--batch-mode', 'process-classes'];

const PEERS: readonly Peer[] = [
  {engine: 'flink', tools: ['java', 'mvn'], command: MAVEN},
  {engine: 'jet', tools: ['java', 'mvn'], command: MAVEN},
  {engine: 'timely', tools: ['cargo'], command: ['cargo', 'build', '--release', '--locked']},
];

const VERSION_OPTION: Readonly<Record<string, string>> = {java: '-version'};

const versions = new Map<string, string | undefined>();
function toolVersion(tool: string): string | undefined {
  if (!versions.has(tool)) {
    const version = versionOf(tool, VERSION_OPTION[tool] ?? '--version');
    versions.set(tool, version === 'not installed' ? undefined : version);
  }
  return versions.get(tool);
}

/** The hash of everything that a build depends on, but for what it fetches. */
function hashOfSources(folder: string, tools: readonly string[]): string {
  const hash = createHash('sha256').update(tools.map(toolVersion).join('\n'));
  const add = (path: string): void => {
    if (statSync(path).isDirectory()) {
      for (const name of readdirSync(path).sort()) if (name !== 'target') add(join(path, name));
    } else hash.update(`\n${path}\n`).update(readFileSync(path));
  };
  add(folder);
  return hash.digest('hex');
}

/** Builds one peer; the result is what to tell of it, and whether that is a failure. */
function build({engine, tools, command}: Peer): {text: string; failed: boolean} {
  const missing = tools.filter(tool => toolVersion(tool) === undefined);
  if (missing.length > 0) {
    return {text: `left out: ${missing.join(' and ')} not installed`, failed: false};
  }
  const folder = join(import.meta.dirname, engine);
  const stamp = join(folder, 'target/built-from');
  const sources = hashOfSources(folder, tools);
  const isBuilt = () => externalTrouble(engine) === undefined;
  if (isBuilt() && existsSync(stamp) && readFileSync(stamp, 'utf8') === sources) {
    return {text: 'up to date', failed: false};
  }
  process.stdout.write(`${engine}: ${command.join(' ')}\n`);
  const startMs = performance.now();
  // Maven adds to what it finds; libraries of two versions must not lie side by side.
  if (command === MAVEN) rmSync(join(folder, 'target'), {recursive: true, force: true});
  try {
    execFileSync(command[0], command.slice(1), {cwd: folder, stdio: 'inherit'});
  } catch (error) {
    return {text: `failed: ${(error as Error).message}`, failed: true};
  }
  if (!isBuilt()) return {text: 'failed: the build left no program', failed: true};
  writeFileSync(stamp, sources);
  return {text: `built in ${((performance.now() - startMs) / 1000).toFixed(0)} s`, failed: false};
}

for (const peer of PEERS) {
  const {text, failed} = build(peer);
  process.stdout.write(`${peer.engine}: ${text}\n`);
  if (failed) process.exitCode = 1;
}
