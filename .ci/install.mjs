/**
 * Installs what is missing, before `npm start` and `npm test`: nothing if node_modules is what the lock
 * file says. Runs on whatever Node there is; the scripts behind it run on the one that this installs.
 */
import {spawnSync} from 'node:child_process';
import {existsSync, readFileSync} from 'node:fs';
import {fileURLToPath} from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** What the lock file wants, by folder, without what is for other platforms. */
function missing() {
  const installed = `${root}node_modules/.package-lock.json`;
  if (!existsSync(installed)) return 'everything';
  const have = JSON.parse(readFileSync(installed, 'utf8')).packages;
  const want = JSON.parse(readFileSync(`${root}package-lock.json`, 'utf8')).packages;
  for (const [folder, {version, optional, devOptional}] of Object.entries(want)) {
    if (folder === '' || optional || devOptional) continue;
    if (have[folder]?.version !== version) return folder;
  }
  return undefined;
}

const what = missing();
if (what !== undefined) {
  console.error(`Installing dependencies (${what} is missing) …`);
  const {status} = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
  if (status !== 0) {
    console.error('npm ci failed; see above.');
    process.exit(1);
  }
}
