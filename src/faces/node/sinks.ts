/**
 * Where the output of a command goes: a descriptor, a file, a shell command. Files and processes are begun with the
 * first piece of output or at the end of a command that was answered: one that fails touches nothing.
 */

import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { closeSync, openSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { OpenError, UsageError } from '../../base/errors.ts';
import { systemMessage } from './system-message.ts';
import { writeFully } from './write-fully.ts';

export interface Sink {
  /** False where nobody wants more of it. */
  write(text: string): boolean | Promise<boolean>;
  /** @param answered whether the command ran to its end without failing */
  end(answered: boolean): void | Promise<void>;
}

/** Standard output, or standard error. It stays open from command to command. */
export class DescriptorSink implements Sink {
  readonly #descriptor: number;
  #closed = false;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  /** Nobody reads it any more. */
  get closed(): boolean {
    return this.#closed;
  }

  write(text: string): boolean {
    if (!this.#closed) this.#closed = !writeFully(this.#descriptor, text);
    return !this.#closed;
  }

  end(): void {
    // The next command goes on here.
  }
}

export class FileSink implements Sink {
  readonly #path: string;
  readonly #append: boolean;
  readonly #protectedPaths: readonly string[];
  #descriptor: number | undefined;

  /** @param protectedPaths files that must not be written: the dump and its vmlinux */
  constructor(path: string, append: boolean, protectedPaths: readonly string[]) {
    this.#path = path.startsWith('~/') ? join(homedir(), path.slice(2)) : path;
    this.#append = append;
    this.#protectedPaths = protectedPaths;
  }

  write(text: string): boolean {
    const descriptor = this.#open();
    try {
      writeFully(descriptor, text);
    } catch (error) {
      throw new OpenError(`cannot write ${this.#path}: ${systemMessage(error)}`);
    }
    return true;
  }

  end(answered: boolean): void {
    if (answered) this.#open();
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }

  #open(): number {
    if (this.#descriptor !== undefined) return this.#descriptor;
    if (this.#protectedPaths.some((path) => isSameFile(path, this.#path))) {
      throw new UsageError(`${this.#path} is being read by this very session; it is not written over`);
    }
    try {
      this.#descriptor = openSync(this.#path, this.#append ? 'a' : 'w');
    } catch (error) {
      throw new OpenError(`cannot write ${this.#path}: ${systemMessage(error)}`);
    }
    return this.#descriptor;
  }
}

function isSameFile(one: string, other: string): boolean {
  const a = statSync(one, { throwIfNoEntry: false });
  const b = statSync(other, { throwIfNoEntry: false });
  return a !== undefined && b !== undefined && a.dev === b.dev && a.ino === b.ino;
}

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

  /** After `end`: 126 and 127 mean that the shell could not run it. Undefined where it never began. */
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
export function startShell(command: string, stdio: StdioOptions, environment: NodeJS.ProcessEnv = process.env): ChildProcess {
  return spawn(command, { shell: true, stdio, env: environment });
}
