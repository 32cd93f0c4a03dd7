/** The built program, run as a user runs it: in a folder from where no node_modules can be found. */

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll } from 'vitest';
import { Fixture } from '../dumps/fixture.ts';

export const sample = new Fixture('nfs').folder;
export const vmcore = `${sample}/vmcore`;
export const vmlinux = `${sample}/vmlinux`;

const LONGEST_RUN = 60_000;
const buildTool = fileURLToPath(new URL('../../tools/build.mjs', import.meta.url));

export interface Run {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly input?: string;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** A build of the program and a folder for the files of a test; both are gone at the end of the test file. */
export class Program {
  readonly folder = mkdtempSync(join(tmpdir(), 'vmscope-test-'));
  readonly path = join(this.folder, 'dist', 'vmscope.js');

  run(words: readonly string[], { input = '', cwd, env = {} }: RunOptions = {}): Promise<Run> {
    return this.finish(process.execPath, [this.path, ...words], { input, env, ...(cwd === undefined ? {} : { cwd }) });
  }

  /** A line for the shell, in which $VMSCOPE is the program. */
  shell(line: string): Promise<Run> {
    return this.finish('/bin/sh', ['-c', line], { env: { VMSCOPE: `${process.execPath} ${this.path}` } });
  }

  finish(program: string, words: readonly string[], { input = '', cwd, env = {} }: RunOptions): Promise<Run> {
    const child = spawn(program, words, {
      cwd,
      // Nothing that the user has fetched, and no server that the user has chosen, decides what a test sees.
      env: { ...process.env, DEBUGINFOD_URLS: '', DEBUGINFOD_CACHE_PATH: join(this.folder, 'debuginfod'), ...env },
      timeout: LONGEST_RUN,
      killSignal: 'SIGKILL',
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
    return new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (status) => resolve({ status, stdout, stderr }));
    });
  }

  async build(): Promise<void> {
    const script = `import(${JSON.stringify(buildTool)}).then((tool) => tool.buildProgram(${JSON.stringify(join(this.folder, 'dist'))}))`;
    const { status, stderr } = await this.finish(process.execPath, ['--input-type=module', '-e', script], {});
    if (status !== 0) throw new Error(stderr);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Builds before the tests of a file and cleans up behind them. */
export function useProgram(): Program {
  const program = new Program();
  beforeAll(() => program.build());
  afterAll(() => program.remove());
  return program;
}
