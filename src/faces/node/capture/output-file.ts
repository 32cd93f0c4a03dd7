/**
 * The file that QEMU is to write. QEMU opens it as `O_CREAT | O_TRUNC`, so it would overwrite: therefore we create it
 * first, empty and exclusively, and QEMU fills what is ours. Where QEMU may not write a file of ours (another user, a
 * folder with the sticky bit), or we may not write in that folder, QEMU creates it: what comes between our look and
 * QEMU's opening is then overwritten.
 *
 * Invariant: nothing is removed but a file that was not there before.
 */

import { closeSync, fstatSync, lstatSync, openSync, statfsSync, unlinkSync, type Stats } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { OpenError } from '../../../base/errors.ts';
import { escapeLine } from '../../../render/text/escape.ts';
import { systemMessage } from '../system-message.ts';

/** The memory of a machine is full of secrets. */
const OWNER_ONLY = 0o600;

export interface FreeSpace {
  /** In bytes, for anybody. */
  readonly available: number;
  /** In bytes, with what is reserved for root. */
  readonly free: number;
}

export class OutputFile {
  /** Absolute. */
  readonly path: string;
  /** The path, for messages. */
  readonly name: string;
  readonly folder: string;
  #ours: Stats | undefined;

  private constructor(path: string, ours: Stats | undefined) {
    this.path = path;
    this.name = escapeLine(path);
    this.folder = dirname(path);
    this.#ours = ours;
  }

  /**
   * Creates the file, or finds that QEMU will have to.
   * @throws OpenError where something is there already, or nothing can be
   */
  static reserve(name: string): OutputFile {
    const path = resolve(name);
    try {
      const descriptor = openSync(path, 'wx', OWNER_ONLY);
      try {
        return new OutputFile(path, fstatSync(descriptor));
      } finally {
        closeSync(descriptor);
      }
    } catch (error) {
      const code = codeOf(error);
      const says = (text: string): OpenError => new OpenError(`${escapeLine(path)}: ${text}`);
      if (code === 'EEXIST' && isFolder(path)) throw says('is a folder: name a file in it');
      if (code === 'EEXIST') throw says('is there already, and is not overwritten: name another file, or remove it');
      if (code === 'ENOENT') throw says(`the folder ${escapeLine(dirname(path))} is not there`);
      if ((code !== 'EACCES' && code !== 'EPERM') || !isAbsent(path)) throw says(systemMessage(error));
      return new OutputFile(path, undefined);
    }
  }

  /** Whether it is a file that we created, so that QEMU may lack the permission to write it. */
  get isReserved(): boolean {
    return this.#ours !== undefined;
  }

  /** Takes the reservation back: QEMU is to create the file. */
  leaveToQemu(): void {
    this.remove();
    this.#ours = undefined;
  }

  /** In bytes; undefined where there is none, or another one took its place. */
  size(): number | undefined {
    return this.#stat()?.size;
  }

  /** Why it could not be removed; undefined where nothing is left. */
  remove(): string | undefined {
    try {
      if (this.#stat() !== undefined) unlinkSync(this.path);
      return undefined;
    } catch (error) {
      return codeOf(error) === 'ENOENT' ? undefined : systemMessage(error);
    }
  }

  /** Of the file system; undefined where it does not tell. */
  freeSpace(): FreeSpace | undefined {
    try {
      const { bavail, bfree, bsize } = statfsSync(this.folder);
      return { available: bavail * bsize, free: bfree * bsize };
    } catch {
      return undefined;
    }
  }

  #stat(): Stats | undefined {
    const stat = lstatSync(this.path, { throwIfNoEntry: false });
    if (stat?.isFile() !== true) return undefined;
    const another = this.#ours !== undefined && (stat.ino !== this.#ours.ino || stat.dev !== this.#ours.dev);
    return another ? undefined : stat;
  }
}

function isAbsent(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) === undefined;
  } catch {
    return false;
  }
}

function isFolder(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
