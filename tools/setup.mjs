// Makes the checkout runnable: installs the dependencies of package-lock.json when they are not there yet.
// Plain JavaScript without dependencies, since it runs before there are any (Node 20 runs no .ts).
// Invariant: a stamp in node_modules holds the hash of the lock file that was installed last.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const stamp = `${root}node_modules/.vmscope-lock-hash`;
const lock = createHash('sha256')
  .update(readFileSync(`${root}package-lock.json`))
  .digest('hex');
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`vmscope needs Node 20.19 or newer; this is ${process.version}.`);
  process.exit(1);
}
if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== lock) {
  console.error('Installing the development dependencies (npm ci) …');
  try {
    execFileSync('npm', ['ci', '--no-fund', '--no-audit', '--loglevel=error'], { cwd: root, stdio: ['ignore', 2, 2] });
  } catch {
    console.error('npm ci failed: the npm registry could not be reached, or refused a package (its message is above).');
    process.exit(1);
  }
  writeFileSync(stamp, lock);
}
