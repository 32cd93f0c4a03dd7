// One process at a time works on the cache: test runs may start side by side.
// The lock is a file that holds its owner's process id. It is made with its contents in one step (a hard link of a
// finished file), and one whose owner no longer runs is free to take.
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { note } from './progress.ts';

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return hasCode(error, 'EPERM');
  }
}

async function tryTake(path: string): Promise<boolean> {
  const own = `${path}.${process.pid}`;
  await writeFile(own, String(process.pid));
  try {
    await link(own, path);
    return true;
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
    return false;
  } finally {
    await rm(own, { force: true });
  }
}

async function owner(path: string): Promise<number | undefined> {
  try {
    return Number(await readFile(path, 'utf8'));
  } catch {
    return undefined;
  }
}

/** Runs the work while this process alone holds the lock file. */
export async function withLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  await mkdir(dirname(path), { recursive: true });
  let told = false;
  while (!(await tryTake(path))) {
    const pid = await owner(path);
    if (pid !== undefined && !isRunning(pid)) {
      await rm(path, { force: true });
      continue;
    }
    if (!told) note(`waiting for process ${pid ?? '?'}, which works on the cache`);
    told = true;
    await sleep(200);
  }
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}
