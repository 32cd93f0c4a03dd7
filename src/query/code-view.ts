/**
 * Code with what is known of it, wherever it is from: the kernel in a dump, a process in it, a file. The questions
 * that `dis` and `faddr2line` answer are asked of this.
 */

import type { Architecture } from '../arch/architecture.ts';
import { addVirt, type VirtAddr } from '../base/addr.ts';
import { FaultError, isExpected } from '../base/errors.ts';
import type { DwarfInfo, SourceLine } from '../debuginfo/dwarf/dwarf-info.ts';
import { readCode, readPages, type Code } from '../kernel/code.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { userSpace } from '../kernel/mm.ts';
import type { CodeRange } from '../kernel/symbols.ts';
import type { Task } from '../kernel/tasks.ts';
import type { CodeFile } from '../target/code-file.ts';
import { codeObjectAt } from '../unwind/code-lookup.ts';

export interface SymbolLabel {
  readonly name: string;
  /** In bytes from the symbol. */
  readonly offset: number;
  readonly module: string | undefined;
}

/** A function an address is in; those it was inlined into follow it. */
export interface CodeFrame {
  readonly functionName: string | undefined;
  /** Where in it: the statement itself for the innermost, the call of the next inner one for the others. */
  readonly source: SourceLine | undefined;
  readonly inlined: boolean;
}

export interface CodeLines {
  /** Innermost first; empty where nothing is known. */
  readonly frames: readonly CodeFrame[];
  /** Why nothing is known. */
  readonly missing: string | undefined;
}

export interface CodeView {
  readonly architecture: Architecture['name'];
  /** The code is a file's: what a kernel patches when it starts is as it was built. */
  readonly asBuilt: boolean;
  /** @throws FaultError where not even the first byte can be had */
  read(address: VirtAddr, length: number): Code;
  /** The code around an address that bears one name. */
  rangeAt(address: VirtAddr): CodeRange | undefined;
  /** Where the kernel would say that code ends which begins there: at the next symbol, whichever it counts. */
  endsAt(start: VirtAddr): readonly VirtAddr[];
  labelAt(address: VirtAddr): SymbolLabel | undefined;
  /** What the kernel keeps at an address of the per-CPU area. */
  perCpuLabelAt(address: VirtAddr): SymbolLabel | undefined;
  linesAt(address: VirtAddr): CodeLines;
}

/** The kernel's and its modules' code, as it is in the dump. */
export function kernelCode(kernel: Kernel): CodeView {
  const { symbols } = kernel;
  const label = (found: ReturnType<typeof symbols.at>): SymbolLabel | undefined =>
    found && { name: found.symbol.name, offset: found.offset, module: found.symbol.module };
  return {
    architecture: kernel.target.architecture.name,
    asBuilt: false,
    read: (address, length) => readCode(kernel, address, length),
    rangeAt: (address) => symbols.codeAt(address),
    endsAt: (start) => symbols.endsAt(start),
    labelAt: (address) => label(symbols.at(address)),
    perCpuLabelAt: (address) => label(symbols.perCpuAt(address)),
    linesAt: (address) => kernelLinesAt(kernel, address),
  };
}

/** The code of a process, of which no symbols are known. */
export function userCode(kernel: Kernel, task: Task): CodeView {
  const space = userSpace(kernel, task);
  return {
    architecture: kernel.target.architecture.name,
    asBuilt: false,
    read: (address, length) =>
      readPages(address, length, (at, size) => ({
        address: at,
        bytes: space.bytes(at, size),
        substitute: undefined,
        slide: 0n,
      })),
    rangeAt: () => undefined,
    endsAt: () => [],
    labelAt: () => undefined,
    perCpuLabelAt: () => undefined,
    linesAt: () => ({ frames: [], missing: 'lines are known of kernel code alone' }),
  };
}

/** The code of a file, as it was built. */
export function fileCode(file: CodeFile): CodeView {
  const { symbols } = file;
  return {
    architecture: 'x86_64',
    asBuilt: true,
    read: (address, length) => {
      const bytes = file.bytesAt(address, length);
      if (bytes === undefined || bytes.length === 0) throw new FaultError('file', address, 'not-in-dump');
      const fault = bytes.length < length ? `${file.path} ends there` : undefined;
      return { pieces: [{ address, bytes, substitute: undefined, slide: 0n }], fault };
    },
    rangeAt: (address) => {
      const symbol = symbols.at(address);
      if (symbol === undefined) return undefined;
      const sized = addVirt(symbol.address, symbol.size);
      const end = address < sized ? sized : (symbols.nextAddress(address) ?? addVirt(address, 1));
      return { symbol, start: symbol.address, end };
    },
    endsAt: (start) => {
      const end = file.sectionEnd(start);
      return [true, false].flatMap((padding) => {
        const next = symbols.nextAddress(start, padding);
        return end !== undefined && (next === undefined || next > end) ? [end] : (next ?? []);
      });
    },
    labelAt: (address) => {
      const symbol = symbols.at(address);
      return symbol && { name: symbol.name, offset: Number(address - symbol.address), module: undefined };
    },
    perCpuLabelAt: () => undefined,
    linesAt: (address) => {
      const dwarf = file.dwarf();
      if (dwarf === undefined) return { frames: [], missing: `${file.path} has no DWARF` };
      return dwarfLinesAt(dwarf, Number(BigInt.asIntN(64, address)), symbols.at(address)?.name);
    },
  };
}

function kernelLinesAt(kernel: Kernel, address: VirtAddr): CodeLines {
  const code = codeObjectAt(kernel, address);
  if (code === undefined) return { frames: [], missing: `${address.toString(16)} is no code of the kernel` };
  try {
    const dwarf = code.dwarf();
    if (dwarf !== undefined) return dwarfLinesAt(dwarf, code.toTable(address), kernel.symbols.at(address)?.symbol.name);
    return { frames: [], missing: code.whyNoDwarf() };
  } catch (error) {
    if (!isExpected(error)) throw error;
    return { frames: [], missing: error.message };
  }
}

/** @param symbol what assembler, which has lines but no functions, is called by */
function dwarfLinesAt(dwarf: DwarfInfo, address: number, symbol: string | undefined): CodeLines {
  try {
    const frames = dwarf
      .framesAt(address)
      .map(({ functionName, source, inlined }) => ({ functionName, source, inlined }));
    if (frames.length > 0) return { frames, missing: undefined };
    const source = dwarf.lineAt(address);
    if (source === undefined) return { frames: [], missing: 'the debug information has no line for this address' };
    return { frames: [{ functionName: symbol, source, inlined: false }], missing: undefined };
  } catch (error) {
    if (!isExpected(error)) throw error;
    return { frames: [], missing: error.message };
  }
}
