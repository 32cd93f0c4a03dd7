/** What capture asks of QEMU, in types (qapi/run-state.json, machine.json, dump.json in the QEMU tree). */

import { isObject, QmpError, stringOr, type JsonObject, type Qmp } from '../qmp.ts';

/** Since QEMU 8.2 there is `kdump-raw-*`: the same without the flattened layout around it. */
export const dumpFormats = [
  'elf',
  'kdump-zlib',
  'kdump-lzo',
  'kdump-snappy',
  'kdump-raw-zlib',
  'kdump-raw-lzo',
  'kdump-raw-snappy',
] as const;

export type DumpFormat = (typeof dumpFormats)[number];

export interface RunState {
  /** running, paused, prelaunch, guest-panicked, inmigrate … */
  readonly status: string;
  readonly running: boolean;
}

export interface DumpState {
  readonly status: 'none' | 'active' | 'completed' | 'failed';
  /** Bytes of memory, not of the file. */
  readonly completed: number;
  readonly total: number;
}

export interface DumpEnd extends DumpState {
  /** QEMU's words, where it failed. */
  readonly error: string | undefined;
}

export interface DumpRequest {
  /** Absolute: QEMU has a folder of its own. */
  readonly path: string;
  readonly format: DumpFormat;
  readonly paging: boolean;
}

export async function runState(qmp: Qmp): Promise<RunState> {
  const answer = object(await qmp.execute('query-status'));
  return { status: stringOr(answer['status'], 'unknown'), running: answer['running'] === true };
}

/** What this QEMU can write; QEMU before 2.0 writes ELF alone and cannot be asked. */
export async function offeredFormats(qmp: Qmp): Promise<readonly string[]> {
  const answer = await whereKnown(() => qmp.execute('query-dump-guest-memory-capability'));
  const formats = object(answer)['formats'];
  return Array.isArray(formats) ? formats.map((format) => stringOr(format, '?')) : ['elf'];
}

/** In bytes; undefined with QEMU before 2.11, which cannot be asked. */
export async function memorySize(qmp: Qmp): Promise<number | undefined> {
  const answer = object(await whereKnown(() => qmp.execute('query-memory-size-summary')));
  const size = number(answer['base-memory']) + number(answer['plugged-memory']);
  return size > 0 ? size : undefined;
}

/** Of the latest dump; undefined with QEMU before 2.6, which cannot be asked. */
export async function dumpState(qmp: Qmp): Promise<DumpState | undefined> {
  const answer = await whereKnown(() => qmp.execute('query-dump'));
  return answer === undefined ? undefined : dumpStateOf(answer);
}

/** The end of the dump that is begun next. To be called before that. */
export function dumpEnd(qmp: Qmp): Promise<DumpEnd> {
  return new Promise((resolve) => {
    qmp.onEvent(({ name, data }) => {
      if (name !== 'DUMP_COMPLETED') return;
      const error = data['error'];
      resolve({ ...dumpStateOf(data['result']), error: typeof error === 'string' ? error : undefined });
    });
  });
}

/** Begins a dump: answered at once where it is detached, else at its end. */
export async function startDump(qmp: Qmp, { path, format, paging }: DumpRequest, detach: boolean): Promise<void> {
  const request = {
    paging,
    protocol: `file:${path}`,
    ...(format === 'elf' ? {} : { format }),
    ...(detach ? { detach } : {}),
  };
  await qmp.execute('dump-guest-memory', request, Infinity);
}

/** QEMU before 2.6 knows no argument `detach`. */
export function refusesDetach(error: unknown): boolean {
  return error instanceof QmpError && error.trouble === 'refused' && /\bdetach\b/.test(error.description);
}

async function whereKnown(ask: () => Promise<unknown>): Promise<unknown> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof QmpError && error.errorClass === 'CommandNotFound') return undefined;
    throw error;
  }
}

function dumpStateOf(answer: unknown): DumpState {
  const { status, completed, total } = object(answer);
  const known = status === 'none' || status === 'active' || status === 'completed' || status === 'failed';
  return { status: known ? status : 'active', completed: number(completed), total: number(total) };
}

function object(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}

function number(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : 0;
}
