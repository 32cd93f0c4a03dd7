// Runs other programs. Every child started here, with its own children, is ended when this process ends or is stopped
// by a signal: each is the leader of a process group of its own.
// A program that fails is a ToolError with the last lines it wrote.
import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, closeSync, constants, openSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { ToolError } from './tool-error.ts';

const children = new Set<ChildProcess>();

/** Ends a program and the programs that it started. */
export function end(child: ChildProcess): void {
  // No id: it never ran. Not among the children: it has ended, and its id may be another's.
  if (child.pid !== undefined && children.has(child)) process.kill(-child.pid, 'SIGKILL');
}

function endChildren(): void {
  for (const child of children) end(child);
}

process.once('exit', endChildren);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    endChildren();
    process.exit(1);
  });
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** A file that is its standard input; none is empty. */
  readonly input?: string;
  /** Give the output even when the program fails. */
  readonly mayFail?: boolean;
}

export interface Output {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts a program that ends with this process; the caller waits for it. */
export function start(program: string, args: readonly string[], options: RunOptions = {}): ChildProcess {
  const input = options.input === undefined ? 'ignore' : openSync(options.input, 'r');
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: { ...process.env, PATH: programFolders().join(delimiter), LC_ALL: 'C.UTF-8', ...options.env },
    stdio: [input, 'pipe', 'pipe'],
    detached: true,
  });
  if (typeof input === 'number') closeSync(input);
  children.add(child);
  child.once('exit', () => children.delete(child));
  child.once('error', () => children.delete(child));
  return child;
}

/** The last lines of what a program wrote, for an error message. */
export function lastLines(text: string, count: number): string {
  return text.trimEnd().split('\n').slice(-count).join('\n');
}

/** Runs a program to its end and gives its output. */
export async function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<Output> {
  const child = start(program, args, options);
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => stderr.push(chunk));
  const status = await new Promise<number>((resolve, reject) => {
    child.once('error', () => reject(new ToolError(`${program} could not be started: is it installed?`)));
    child.once('close', (code) => resolve(code ?? 1));
  });
  const output = { status, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() };
  if (status !== 0 && options.mayFail !== true) {
    const command = [program, ...args].join(' ');
    throw new ToolError(`failed (status ${status}): ${command}\n${lastLines(output.stderr || output.stdout, 12)}`);
  }
  return output;
}

/** The path, and the folders of the administrator's programs, which a user's path may lack. */
function programFolders(): string[] {
  return (process.env['PATH'] ?? '').split(delimiter).concat('/usr/sbin', '/sbin');
}

/** Whether a program is among those that can be run. */
export function isOnPath(program: string): boolean {
  return programFolders().some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
