/**
 * A capture from its first question to the file: what is asked of QEMU in which order, and what is done about the file
 * when something fails.
 *
 * Invariants: the file is removed where QEMU never opened it, and where QEMU says that writing failed. It is kept where
 * QEMU may still be writing (Ctrl-C, a lost connection), and where QEMU has ended: then it holds what is left of the
 * guest.
 */

import { setTimeout as timer } from 'node:timers/promises';
import { OpenError } from '../../../base/errors.ts';
import { addressText, Qmp, QmpError } from '../qmp.ts';
import { sizeText } from '../amounts.ts';
import type { CaptureOptions } from './arguments.ts';
import {
  dumpEnd,
  dumpState,
  memorySize,
  offeredFormats,
  refusesDetach,
  runState,
  startDump,
  type DumpEnd,
} from './guest.ts';
import { OutputFile } from './output-file.ts';
import { Progress, type Screen } from '../progress.ts';

const POLL_MILLISECONDS = 200;
/** Between the state of a dump that has ended and the event that says why. */
const EVENT_MILLISECONDS = 2_000;
/** For the question whether a QEMU that closed the connection still runs. */
const ALIVE_MILLISECONDS = 1_000;
/** A file system with less room than this is full. */
const FULL = 1 << 20;

export interface Captured {
  readonly file: OutputFile;
  /** In bytes. */
  readonly size: number;
  readonly milliseconds: number;
}

export interface Voice {
  readonly screen: Screen;
  /** A line for standard error. */
  say(line: string): void;
}

export class Capture {
  readonly #options: CaptureOptions;
  readonly #voice: Voice;
  readonly #progress: Progress;
  readonly #status: string;
  readonly #leave = new AbortController();
  #file: OutputFile | undefined;
  #stage: 'asking' | 'starting' | 'writing' | 'ended' = 'asking';
  #memory: number | undefined;
  #done = '';

  constructor(options: CaptureOptions, voice: Voice, quoted: (word: string) => string) {
    this.#options = options;
    this.#voice = voice;
    this.#progress = new Progress(voice.screen);
    this.#status = `vmscope capture --qmp ${quoted(addressText(options.address))} --status`;
  }

  /**
   * Has the dump written; with --detach only begun, and then there is nothing to give.
   * @throws OpenError where there is no dump
   */
  async run(): Promise<Captured | undefined> {
    const file = OutputFile.reserve(this.#options.file);
    this.#file = file;
    try {
      const qmp = await Qmp.connect(this.#options.address, { signal: this.#leave.signal });
      await this.#checkBefore(qmp, file);
      const begin = performance.now();
      const end = await this.#write(qmp, file);
      if (end === undefined) return this.#tellDetached(file);
      this.#stage = 'ended';
      this.#progress.clear();
      if (end.status === 'failed') throw new OpenError(this.#failed(file, end.error));
      return { file, size: this.#sizeOf(file, end), milliseconds: performance.now() - begin };
    } catch (error) {
      this.#progress.clear();
      if (this.#stage === 'asking') file.remove();
      const lost = error instanceof QmpError && error.trouble !== 'refused';
      if (lost && (this.#stage === 'writing' || this.#stage === 'starting')) throw await this.#lost(file, error);
      throw error;
    } finally {
      this.#leave.abort();
    }
  }

  /** The user wants to leave: gives what to tell. */
  interrupt(): string {
    const { name } = this.#file ?? { name: '' };
    const stage = this.#stage;
    this.#stage = 'ended';
    this.#progress.clear();
    this.#leave.abort();
    if (stage === 'asking') {
      this.#file?.remove();
      return 'interrupted: no dump was begun';
    }
    if (stage === 'ended') return `interrupted: ${name} is written`;
    return [
      `interrupted, but QMP cannot stop a dump: QEMU writes ${name} to its end${this.#done}, and the guest stands`,
      `still until then. Nothing was removed. To see how far it is: ${this.#status}`,
    ].join('\n');
  }

  async #checkBefore(qmp: Qmp, file: OutputFile): Promise<void> {
    const { format } = this.#options;
    const dump = await dumpState(qmp);
    if (dump?.status === 'active') {
      throw new OpenError(
        `QEMU is writing a dump already (${sizeText(dump.completed)} of ${sizeText(dump.total)}), and writes one at a time. To see how far it is: ${this.#status}`,
      );
    }
    const offered = await offeredFormats(qmp);
    if (!offered.includes(format)) {
      throw new OpenError(`this QEMU (${qmp.version}) does not offer ${format}, but: ${offered.join(', ')}`);
    }
    const { status, running } = await runState(qmp);
    this.#memory = await memorySize(qmp);
    const memory = this.#memory === undefined ? '' : `, ${sizeText(this.#memory)} of memory`;
    const then = running ? 'stands still until its memory is written, and goes on then' : 'stays as it is';
    this.#voice.say(`guest: ${status} (QEMU ${qmp.version}${memory}); it ${then}`);
    this.#checkSpace(file);
  }

  #checkSpace(file: OutputFile): void {
    const space = file.freeSpace();
    if (space === undefined || this.#memory === undefined || space.available >= this.#memory) return;
    const lack = `${file.folder} has ${sizeText(space.available)} free, and the guest ${sizeText(this.#memory)} of memory`;
    const surely = this.#options.format === 'elf' && space.free < this.#memory;
    if (!surely || this.#options.noSpaceCheck) {
      this.#voice.say(`warning: ${lack}: the dump may not fit`);
      return;
    }
    throw new OpenError(
      `${lack}, which does not fit: name a file elsewhere, or try --format kdump-zlib, which is smaller (--no-space-check begins all the same)`,
    );
  }

  /** How it ended; undefined where it was only begun. */
  async #write(qmp: Qmp, file: OutputFile): Promise<DumpEnd | undefined> {
    const end = dumpEnd(qmp);
    try {
      await this.#start(qmp, file, true);
    } catch (error) {
      if (!refusesDetach(error)) throw this.#refused(file, error);
      return this.#writeBlocking(qmp, file);
    }
    this.#stage = 'writing';
    return this.#options.detach ? undefined : this.#follow(qmp, end);
  }

  /** Where QEMU may not write the file that we made for it, it is to make its own. */
  async #start(qmp: Qmp, file: OutputFile, detach: boolean): Promise<void> {
    const request = { path: file.path, format: this.#options.format, paging: this.#options.paging };
    this.#stage = 'starting';
    try {
      await startDump(qmp, request, detach);
    } catch (error) {
      if (!file.isReserved || !mayNotOpen(error)) throw error;
      file.leaveToQemu();
      await startDump(qmp, request, detach);
    }
  }

  async #follow(qmp: Qmp, end: Promise<DumpEnd>): Promise<DumpEnd> {
    for (;;) {
      const ended = await Promise.race([end, this.#sleep(POLL_MILLISECONDS)]);
      if (ended !== undefined) return ended;
      const state = await dumpState(qmp).catch((error: unknown) => {
        if (error instanceof QmpError && error.trouble === 'silent') return undefined;
        throw error;
      });
      if (state === undefined) continue;
      this.#show(state.completed, state.total);
      if (state.status === 'completed' || state.status === 'failed') {
        return (await Promise.race([end, this.#sleep(EVENT_MILLISECONDS)])) ?? { ...state, error: undefined };
      }
    }
  }

  /** QEMU before 2.6: it answers when all is written, and only the file's size tells how far it is. */
  async #writeBlocking(qmp: Qmp, file: OutputFile): Promise<DumpEnd> {
    if (this.#options.detach) {
      throw this.#refused(file, new OpenError(`this QEMU (${qmp.version}) cannot --detach: do without it, and wait`));
    }
    const work = this.#start(qmp, file, false).then(
      (): Pick<DumpEnd, 'status' | 'error'> => ({ status: 'completed', error: undefined }),
      (error: unknown): Pick<DumpEnd, 'status' | 'error'> => {
        const failed = error instanceof QmpError && error.trouble === 'refused' && !cannotOpen(error);
        if (failed) return { status: 'failed', error: error.description };
        throw this.#refused(file, error);
      },
    );
    const total = this.#options.format === 'elf' ? (this.#memory ?? 0) : 0;
    for (;;) {
      const ended = await Promise.race([work, this.#sleep(POLL_MILLISECONDS)]);
      if (ended !== undefined) return { ...ended, completed: 0, total: 0 };
      this.#show(file.size() ?? 0, total);
    }
  }

  /** Ends early when the capture does: the program is not to stay for a timer. */
  async #sleep(milliseconds: number): Promise<undefined> {
    await timer(milliseconds, undefined, { signal: this.#leave.signal }).catch(() => undefined);
  }

  #show(completed: number, total: number): void {
    if (total > 0) this.#done = ` (${sizeText(completed)} of ${sizeText(total)} so far)`;
    this.#progress.update(completed, total);
  }

  /** QEMU did not begin. */
  #refused(file: OutputFile, error: unknown): unknown {
    const refused = error instanceof QmpError && error.trouble === 'refused';
    if (!refused && error instanceof QmpError) return error;
    this.#stage = 'ended';
    file.remove();
    if (!refused || !cannotOpen(error)) return error;
    return new OpenError(
      [
        `QEMU cannot write ${file.name}: ${error.description}`,
        'QEMU opens the file itself: with its own user, its own view of the folders (a container, another machine), and',
        'what AppArmor, SELinux or its sandbox leave it. Name a folder where QEMU may write. A guest of libvirt:',
        'virsh dump --memory-only DOMAIN FILE (docs/capture.md).',
      ].join('\n'),
    );
  }

  /** QEMU began, and says that it failed. */
  #failed(file: OutputFile, error: string | undefined): string {
    const space = file.freeSpace();
    const full = (error !== undefined && error.includes('No space left')) || (space && space.available < FULL);
    const size = file.size();
    const stays = file.remove();
    const lines = [`QEMU could not write ${file.name}: ${error ?? 'it does not say why'}`];
    if (full === true) {
      const smaller = this.#options.format === 'elf' ? ', or try --format kdump-zlib, which is smaller' : '';
      lines.push(`The disk is full: name a file elsewhere${smaller}.`);
    }
    if (stays !== undefined)
      lines.push(`The partial file could not be removed (${stays}): remove ${file.name} yourself.`);
    else if (size !== undefined) lines.push('The partial file is removed.');
    return lines.join('\n');
  }

  /** The connection is lost while QEMU writes: does QEMU still run? */
  async #lost(file: OutputFile, error: QmpError): Promise<OpenError> {
    const alive = await Qmp.connect(this.#options.address, { greetingLimit: ALIVE_MILLISECONDS }).then(
      (qmp) => {
        qmp.close();
        return true;
      },
      (reason: unknown) => !(reason instanceof QmpError && reason.trouble === 'unreachable'),
    );
    const size = file.size() ?? 0;
    if (alive) {
      return new OpenError(
        `${error.message}, while it was writing ${file.name}. It still runs, and may write on: nothing was removed. To see how far it is: ${this.#status}`,
      );
    }
    if (size === 0) {
      file.remove();
      return new OpenError(`${error.message} and has ended, before it wrote anything to ${file.name}`);
    }
    return new OpenError(
      [
        `${error.message} and has ended, while it was writing ${file.name}, of which ${sizeText(size)} are there${this.#done}.`,
        "The file is not whole. It is kept, since the guest's memory is gone with QEMU: what is missing is its end, and",
        'vmscope opens an ELF dump that was cut off.',
      ].join('\n'),
    );
  }

  /** The size of what is there now, after a look whether it can be what QEMU wrote. */
  #sizeOf(file: OutputFile, end: DumpEnd): number {
    const size = file.size() ?? 0;
    if (size === 0) {
      file.remove();
      throw new OpenError(
        `QEMU says that it wrote ${file.name}, but here that file is empty or another: QEMU sees other folders than this shell (a container, another machine). Look for it there`,
      );
    }
    if (this.#options.format === 'elf' && size < end.total) {
      throw new OpenError(
        `QEMU says that it wrote ${sizeText(end.total)} of memory, but ${file.name} has only ${sizeText(size)}: it is cut off, and kept as it is`,
      );
    }
    return size;
  }

  #tellDetached(file: OutputFile): undefined {
    this.#voice.say(
      [
        `QEMU writes ${file.name} now; the guest stands still until it is done.`,
        `To see how far it is: ${this.#status}`,
        'Should it fail, the file stays, not whole: remove it yourself.',
      ].join('\n'),
    );
    return undefined;
  }
}

function cannotOpen(error: QmpError): boolean {
  return /could not open/i.test(error.description);
}

/** Old QEMUs do not say why they cannot open it. */
function mayNotOpen(error: unknown): boolean {
  return error instanceof QmpError && cannotOpen(error) && !/no such file/i.test(error.description);
}
