// Times whole processes, on this machine and inside the oracles' chroot, with their peak memory.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Workspace } from '../oracles/chroot.ts';

export interface Measure {
  readonly seconds: number;
  readonly peakMiB: number;
}

export interface Row {
  readonly what: string;
  readonly measures: readonly Measure[];
}

/** A command on this machine, its peak memory read from /proc while it runs. */
export async function measure(program: string, args: readonly string[]): Promise<Measure> {
  const started = performance.now();
  const child = spawn(program, args, { stdio: 'ignore' });
  let peakKiB = 0;
  const poll = setInterval(() => {
    peakKiB = Math.max(peakKiB, peakOf(child.pid));
  }, 5);
  await new Promise((resolve) => child.once('exit', resolve));
  clearInterval(poll);
  return { seconds: (performance.now() - started) / 1000, peakMiB: peakKiB / 1024 };
}

function peakOf(pid: number | undefined): number {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

export async function repeat(what: string, runs: number, once: () => Promise<Measure>): Promise<Row> {
  await once();
  const measures: Measure[] = [];
  for (let run = 0; run < runs; run++) measures.push(await once());
  return { what, measures };
}

/** Times a command inside the chroot by the kernel's own accounting of a finished child. */
const timer = `
import json, resource, subprocess, sys, time
start = time.monotonic()
subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
wall = time.monotonic() - start
print(json.dumps([wall, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024]))
`;

/** A command inside the chroot. */
export async function measureInside(workspace: Workspace, command: readonly string[]): Promise<Measure> {
  await writeFile(join(workspace.folder, 'timer.py'), timer);
  const { stdout } = await workspace.run('python3', ['timer.py', ...command]);
  const [seconds = 0, peakMiB = 0]: number[] = JSON.parse(stdout);
  return { seconds, peakMiB };
}

/** Wraps a command so that the processor's time it took, user and system, is all that is written to stderr. */
export function withProcessorTime(command: readonly string[]): [string, ...string[]] {
  return ['bash', '-c', 'TIMEFORMAT="%U %S"; time "$@" > /dev/null 2>&1', 'bash', ...command];
}

/** In seconds, from what such a command wrote. */
export function processorTimeIn(stderr: string): number {
  return stderr
    .trim()
    .split(' ')
    .reduce((sum, part) => sum + Number(part), 0);
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}
