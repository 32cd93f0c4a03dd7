/**
 * Where the output of a command goes: a descriptor, a file; process-sink.ts has the processes. Files and processes are
 * begun with the first piece of output or at the end of a command that was answered: one that fails touches nothing.
 */

import { closeSync, openSync, statSync } from 'node:fs';
import { OpenError, UsageError } from '../../base/errors.ts';
import { systemMessage } from './system-message.ts';
import { userPath } from './user-path.ts';
import { writeFully, writeStandard } from './write-fully.ts';

export interface Sink {
  /** False where nobody wants more of it. */
  write(text: string): boolean | Promise<boolean>;
  /** @param answered whether the command ran to its end without failing */
  end(answered: boolean): void | Promise<void>;
  /** After `end`, of a process: its exit status. Undefined where it never began. */
  status?(): Promise<number | undefined>;
}

/** Standard output, or standard error. It stays open from command to command. */
export class DescriptorSink implements Sink {
  readonly #descriptor: 1 | 2;
  #closed = false;

  constructor(descriptor: 1 | 2) {
    this.#descriptor = descriptor;
  }

  /** Nobody reads it any more, or it cannot be written. */
  get closed(): boolean {
    return this.#closed;
  }

  /** @throws OutputError, once: then it is closed */
  write(text: string): boolean {
    if (this.#closed) return false;
    this.#closed = true;
    this.#closed = !writeStandard(this.#descriptor, text);
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
    this.#path = userPath(path);
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
    const descriptor = this.#descriptor;
    this.#descriptor = undefined;
    try {
      if (descriptor !== undefined) closeSync(descriptor);
    } catch (error) {
      throw new OpenError(`cannot write ${this.#path}: ${systemMessage(error)}`);
    }
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
