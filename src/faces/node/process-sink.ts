/** Output into a process, and processes as the user's shell starts them. Loaded when the first one is wanted. */

import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import type { Sink } from './sinks.ts';

/** The standard input of a process, with its pace: what it does not take is not computed. */
export class ProcessSink implements Sink {
  readonly #start: () => ChildProcess;
  #process: { readonly child: ChildProcess; readonly ended: Promise<number> } | undefined;
  #closed = false;

  constructor(start: () => ChildProcess) {
    this.#start = start;
  }

  async write(text: string): Promise<boolean> {
    const { child, ended } = this.#running();
    if (this.#closed || child.stdin === null) return false;
    if (child.stdin.write(text)) return true;
    const { stdin } = child;
    const drained = new Promise<void>((resolve) => {
      stdin.once('drain', resolve);
      stdin.once('close', resolve);
    });
    await Promise.race([drained, ended]);
    return !this.#closed;
  }

  async end(answered: boolean): Promise<void> {
    if (this.#process === undefined && !answered) return;
    const { child, ended } = this.#running();
    child.stdin?.end();
    await ended;
  }

  async status(): Promise<number | undefined> {
    return this.#process?.ended;
  }

  #running(): { readonly child: ChildProcess; readonly ended: Promise<number> } {
    if (this.#process !== undefined) return this.#process;
    const child = this.#start();
    const close = (): void => {
      this.#closed = true;
    };
    child.stdin?.on('error', close);
    child.stdin?.on('close', close);
    const ended = exitOf(child);
    void ended.then(close);
    this.#process = { child, ended };
    return this.#process;
  }
}

/** A process ended: its status, or 127 where it could not be started. */
export function exitOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve) => {
    child.once('error', () => resolve(127));
    child.once('exit', (code, signal) => resolve(code ?? (signal === null ? 1 : 128)));
  });
}

/** A line that the user typed, given to the shell. Nothing from a dump ever comes here. */
export function startShell(
  command: string,
  stdio: StdioOptions,
  environment: NodeJS.ProcessEnv = process.env,
): ChildProcess {
  return spawn(command, { shell: true, stdio, env: environment });
}
