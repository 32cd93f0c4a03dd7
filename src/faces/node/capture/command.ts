/** `vmscope capture`: asks QEMU for a dump of its guest's memory, and tells what came of it. */

import { VmcoreError } from '../../../base/errors.ts';
import { escapeControl, escapeLine } from '../../../render/text/escape.ts';
import type { ExitStatus } from '../main.ts';
import { Qmp, type QmpAddress } from '../qmp.ts';
import { complain, tell } from '../write-fully.ts';
import { sizeText, timeText } from '../amounts.ts';
import { captureHelp, parseCaptureArguments, type CaptureOptions } from './arguments.ts';
import { Capture, type Captured } from './capture.ts';
import { dumpState } from './guest.ts';
import { standardErrorScreen } from '../progress.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export async function capture(words: readonly string[]): Promise<ExitStatus> {
  const parsed = parseCaptureArguments(words);
  if (parsed.kind === 'help') return tell(`${captureHelp()}\n`);
  if (parsed.kind === 'wrong') {
    complain(`vmscope: ${parsed.message}`);
    return 2;
  }
  try {
    return parsed.kind === 'status' ? await tellStatus(parsed.address) : await writeDump(parsed.options);
  } catch (error) {
    if (!(error instanceof VmcoreError)) throw error;
    complain(`vmscope: ${escapeControl(error.message)}`);
    return 1;
  }
}

async function writeDump(options: CaptureOptions): Promise<ExitStatus> {
  const work = new Capture(
    options,
    { screen: standardErrorScreen(), say: (line) => complain(`vmscope: ${line}`) },
    quoted,
  );
  const leave: { now: () => void } = { now: () => undefined };
  const interrupted = new Promise<'interrupted'>((resolve) => (leave.now = () => resolve('interrupted')));
  for (const signal of SIGNALS) process.once(signal, leave.now);
  try {
    const outcome = await Promise.race([work.run(), interrupted]);
    if (outcome === 'interrupted') {
      complain(`vmscope: ${work.interrupt()}`);
      return 1;
    }
    return outcome === undefined ? 0 : await tellCaptured(outcome);
  } finally {
    for (const signal of SIGNALS) process.off(signal, leave.now);
  }
}

async function tellCaptured({ file, size, milliseconds }: Captured): Promise<ExitStatus> {
  const { inspectDump } = await import('./inspect.ts');
  const inspection = inspectDump(file.path);
  const written = `${file.name}: ${sizeText(size)} in ${timeText(milliseconds)}`;
  const next = (files: string): string => `next: vmscope ${files}\n`;
  if ('trouble' in inspection) {
    complain(`vmscope: warning: QEMU has written it, but vmscope cannot open it: ${escapeLine(inspection.trouble)}`);
    return tell(`${written}\n`);
  }
  const { format, vmcoreinfo, warnings } = inspection;
  for (const warning of warnings) complain(`vmscope: warning: ${escapeLine(warning)}`);
  if (vmcoreinfo) return tell(`${written}, ${format}, with VMCOREINFO\n${next(quoted(file.path))}`);
  complain(
    [
      'vmscope: warning: there is no VMCOREINFO in it, which tells the build-id of the vmlinux: name the vmlinux yourself.',
      'The next dump has it where QEMU has -device vmcoreinfo and the guest has loaded qemu_fw_cfg before it crashes.',
    ].join('\n'),
  );
  return tell(`${written}, ${format}, without VMCOREINFO\n${next(`vmlinux ${quoted(file.path)}`)}`);
}

async function tellStatus(address: QmpAddress): Promise<ExitStatus> {
  const qmp = await Qmp.connect(address);
  try {
    const state = await dumpState(qmp);
    if (state === undefined) {
      complain(`vmscope: this QEMU (${qmp.version}) cannot tell how far a dump is`);
      return 1;
    }
    const { completed, total, status } = state;
    const texts: Readonly<Record<typeof status, string>> = {
      none: 'no dump was begun since QEMU started',
      active: `QEMU is writing a dump: ${percent(completed, total)} %, ${sizeText(completed)} of ${sizeText(total)} of memory`,
      completed: `the last dump is complete: ${sizeText(total)} of memory`,
      failed: `the last dump failed, after ${sizeText(completed)} of ${sizeText(total)} of memory: its file is not whole`,
    };
    const told = tell(`${texts[status]}\n`);
    return status === 'failed' ? 1 : told;
  } finally {
    qmp.close();
  }
}

function percent(part: number, whole: number): number {
  return whole > 0 ? Math.min(100, Math.floor((part / whole) * 100)) : 0;
}

/** As the shell takes it. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${escapeLine(word).replaceAll("'", String.raw`'\''`)}'`;
}
