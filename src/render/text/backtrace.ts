/** Stacks in crash's line form, with inlined calls on lines of their own: see DESIGN.md, "Exactness". */

import { hex } from '../../base/addr.ts';
import type { SourceLine } from '../../debuginfo/dwarf/dwarf-info.ts';
import type { Registers } from '../../arch/architecture.ts';
import type { Backtrace, BacktraceColumns, BacktraceFrame, TaskHeader } from '../../query/backtrace.ts';
import { escapeLine } from './escape.ts';

const registerRows: readonly (readonly string[])[] = [
  ['RIP', 'RSP', 'RFLAGS'],
  ['RAX', 'RBX', 'RCX'],
  ['RDX', 'RSI', 'RDI'],
  ['RBP', 'R8', 'R9'],
  ['R10', 'R11', 'R12'],
  ['R13', 'R14', 'R15'],
  ['ORIG_RAX', 'CS', 'SS'],
];

export function headerLine({ pid, task, cpu, command }: TaskHeader): string {
  const address = task === undefined ? '?'.padEnd(16) : hex(task, 16);
  const name = command === undefined ? '?' : `"${escapeLine(command)}"`;
  return `PID: ${String(pid ?? '?').padEnd(7)}  TASK: ${address}  CPU: ${String(cpu ?? '?').padEnd(3)}  COMMAND: ${name}`;
}

export function* renderBacktrace(trace: Backtrace): Generator<string> {
  yield headerLine(trace.header);
  let stack: string | undefined;
  for (const frame of trace.frames) {
    if (stack !== undefined && stack !== '' && frame.stack !== stack) yield `--- <${stack} stack> ---`;
    stack = frame.stack;
    yield* renderFrame(frame, trace.show);
  }
  if (trace.userRegisters !== undefined) yield* renderRegisters(trace.userRegisters);
  if (trace.incomplete !== undefined) yield `    (the stack ends here: ${trace.incomplete})`;
}

function* renderFrame(frame: BacktraceFrame, show: BacktraceColumns): Generator<string> {
  const number = `#${frame.number}`.padStart(3);
  const offset = show.offsets === 'none' ? '' : `+${show.offsets === 'hex' ? `0x${hex(frame.offset)}` : frame.offset}`;
  const name = frame.symbol === undefined ? '(unknown)' : `${frame.symbol}${offset}`;
  const guess = frame.origin === 'scan' || frame.origin === 'frame-pointer' ? ' ?' : '';
  const module = frame.module === undefined ? '' : ` [${frame.module}]`;
  const recovered = frame.recovered === undefined ? '' : ` (return address recovered from ${frame.recovered})`;
  yield `${number} [${hex(frame.slot, 16)}] ${name} at ${hex(frame.address, 16)}${module}${guess}${recovered}`;
  if (frame.exception !== undefined) {
    const where = frame.symbol === undefined ? hex(frame.address, 16) : `${frame.symbol}+${frame.offset}`;
    yield `    [exception RIP: ${where}]`;
    yield* renderRegisters(frame.exception);
  }
  for (const inlined of frame.inlined) {
    yield `    #${frame.number}.${inlined.number} ${inlined.name} (inlined)${show.lines ? '' : at(inlined.source)}`;
    if (show.lines) yield* lineOf(inlined.source, 8);
  }
  if (show.lines) yield* lineOf(frame.source, 4);
}

function at(source: SourceLine | undefined): string {
  return source === undefined ? '' : ` at ${source.file}: ${source.line}`;
}

function* lineOf(source: SourceLine | undefined, indent: number): Generator<string> {
  if (source !== undefined) yield `${' '.repeat(indent)}${source.file}: ${source.line}`;
}

/** Eight lines, as crash prints them; a register that is not known is shown so. */
function* renderRegisters(registers: Registers): Generator<string> {
  for (const [index, row] of registerRows.entries()) {
    const cells = row.map((name, column) => {
      const value = registers[name.toLowerCase()];
      const digits = name === 'RFLAGS' ? 8 : name === 'CS' || name === 'SS' ? 4 : 16;
      const label = index > 0 && index < 6 && column > 0 ? name.padStart(3) : name;
      return `${label}: ${value === undefined ? '(unknown)'.padEnd(digits) : hex(value, digits)}`;
    });
    yield `    ${cells.join('  ')}`;
  }
}
