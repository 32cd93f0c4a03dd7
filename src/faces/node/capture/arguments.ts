/** The words behind `vmscope capture`. */

import { escapeLine } from '../../../render/text/escape.ts';
import { optionHelp, readOptions, type OptionRow } from '../option-words.ts';
import { parseQmpAddress, type QmpAddress } from '../qmp.ts';
import { dumpFormats, type DumpFormat } from './guest.ts';

export interface CaptureOptions {
  readonly address: QmpAddress;
  readonly file: string;
  readonly format: DumpFormat;
  readonly paging: boolean;
  readonly detach: boolean;
  /** Begin even where the file cannot fit. */
  readonly noSpaceCheck: boolean;
}

export type CaptureArguments =
  | { readonly kind: 'help' }
  | { readonly kind: 'wrong'; readonly message: string }
  | { readonly kind: 'status'; readonly address: QmpAddress }
  | { readonly kind: 'capture'; readonly options: CaptureOptions };

interface Draft {
  qmp: string | undefined;
  file: string | undefined;
  format: string | undefined;
  paging: boolean;
  detach: boolean;
  noSpaceCheck: boolean;
  status: boolean;
  help: boolean;
}

const rows: readonly OptionRow<Draft>[] = [
  {
    names: ['--qmp'],
    value: 'SOCKET',
    text: "QEMU's QMP socket: a path, or HOST:PORT",
    apply: (to, address) => (to.qmp = address),
  },
  {
    names: ['-o', '--output'],
    value: 'FILE',
    text: 'where the dump goes; nothing may be there yet',
    apply: (to, file) => (to.file = file),
  },
  {
    names: ['--format'],
    value: 'FORMAT',
    text: 'elf (the default), kdump-zlib, kdump-lzo or kdump-snappy, as far as this QEMU has it',
    apply: (to, format) => (to.format = format),
  },
  {
    names: ['--paging'],
    text: "write one ELF segment a mapping of the guest's page tables, for gdb; vmscope needs it not",
    apply: (to) => (to.paging = true),
  },
  {
    names: ['--detach'],
    text: 'leave when QEMU has begun; it goes on by itself',
    apply: (to) => (to.detach = true),
  },
  {
    names: ['--status'],
    text: 'with --qmp alone: how far the dump is that QEMU is writing, or how the last one ended',
    apply: (to) => (to.status = true),
  },
  {
    names: ['--no-space-check'],
    text: 'begin even where the disk seems too small (a file system that compresses)',
    apply: (to) => (to.noSpaceCheck = true),
  },
  { names: ['-h', '--help'], text: 'show this', apply: (to) => (to.help = true) },
];

export function parseCaptureArguments(words: readonly string[]): CaptureArguments {
  const draft: Draft = {
    qmp: undefined,
    file: undefined,
    format: undefined,
    paging: false,
    detach: false,
    noSpaceCheck: false,
    status: false,
    help: false,
  };
  const read = readOptions(rows, words, draft);
  if ('wrong' in read) return wrong(read.wrong);
  if (draft.help) return { kind: 'help' };
  const [stray] = read.rest;
  if (stray !== undefined) {
    return wrong(`${stray} belongs to no option: the file goes behind -o, QEMU's socket behind --qmp`);
  }
  if (draft.qmp === undefined) return wrong("QEMU's socket is missing: --qmp SOCKET");
  const address = parseQmpAddress(draft.qmp);
  if (address === undefined) return wrong(`${draft.qmp} is neither the path of a socket nor HOST:PORT`);
  if (draft.status) return statusArguments(draft, address);
  if (draft.file === undefined) return wrong('the file to write is missing: -o FILE');
  const format = dumpFormats.find((known) => known === (draft.format ?? 'elf'));
  if (format === undefined) return wrong(`there is no format ${draft.format}; there are ${dumpFormats.join(', ')}`);
  const { paging, detach, noSpaceCheck, file } = draft;
  if (paging && format !== 'elf') return wrong(`QEMU writes ${format} without --paging only: that is for elf`);
  return { kind: 'capture', options: { address, file, format, paging, detach, noSpaceCheck } };
}

function statusArguments(draft: Draft, address: QmpAddress): CaptureArguments {
  const { file, format, paging, detach, noSpaceCheck } = draft;
  const alone = file === undefined && format === undefined && !paging && !detach && !noSpaceCheck;
  return alone ? { kind: 'status', address } : wrong('--status begins no dump: it goes with --qmp alone');
}

function wrong(message: string): CaptureArguments {
  return { kind: 'wrong', message: `${escapeLine(message)} ("vmscope capture --help" lists the options)` };
}

export function captureHelp(): string {
  return [
    'usage: vmscope capture --qmp SOCKET -o FILE [options]',
    '       vmscope capture --qmp SOCKET --status',
    '',
    'Has QEMU write the memory of its guest to FILE, through its control socket (-qmp unix:SOCKET,server=on,wait=off).',
    'The guest stands still meanwhile, and goes on afterwards where it was running. QEMU itself opens FILE, with its',
    'own permissions. A partial file is removed where QEMU says that it failed. Ctrl-C ends vmscope alone: QMP cannot',
    'stop a dump.',
    '',
    ...optionHelp(rows),
    '',
    'Before the crash: panic_on_oops=1 in the guest; for VMCOREINFO in the dump, -device vmcoreinfo and the guest module',
    'qemu_fw_cfg. docs/capture.md tells more.',
    '',
    'Exit status: 0 done, 1 the capture failed, 2 wrong usage.',
  ].join('\n');
}
