/** Machine code as instructions, with the names of what they refer to: the answer to `dis`. */

import { addVirt, type VirtAddr } from '../base/addr.ts';
import { checkCancelled } from '../base/cancel.ts';
import { attempt, LookupError } from '../base/errors.ts';
import { disassemblerFor, type Disassembler } from '../disasm/disassembler.ts';
import { memoryOperandOf, type Instruction, type InstructionKind } from '../disasm/instruction.ts';
import { bytesOf, type CodePiece } from '../kernel/code.ts';
import type { CodeFrame, CodeLines, CodeView, SymbolLabel } from './code-view.ts';

/** Something that an instruction refers to by its address. */
export interface CodeReference {
  readonly address: VirtAddr;
  readonly symbol: SymbolLabel | undefined;
  /** The address is one of the per-CPU area: each CPU has its own. */
  readonly perCpu: boolean;
}

export interface InstructionRow {
  readonly address: VirtAddr;
  readonly symbol: SymbolLabel | undefined;
  /** In hex, one after the other. */
  readonly bytes: string;
  readonly kind: InstructionKind;
  /** In AT&T syntax as GNU tools print it, without symbols. */
  readonly text: string;
  /** Where a direct call or jump leads. */
  readonly target: CodeReference | undefined;
  /** The variable that is accessed, where the instruction alone tells. */
  readonly data: CodeReference | undefined;
  /** The current task is here: the instruction an exception interrupted, or a call that has not returned. */
  readonly current: boolean;
  /** The place where the function tracer would put its call. */
  readonly tracingNop: boolean;
  /** Innermost first, where lines are wanted and they differ from those of the row before. */
  readonly source: readonly CodeFrame[] | undefined;
  /** Why the bytes from here on are not from the dump. */
  readonly substitute: string | undefined;
}

export interface Disassembly {
  readonly type: 'disassembly';
  readonly show: { readonly radix: 10 | 16; readonly symbols: boolean };
  readonly rows: readonly InstructionRow[];
  /** What has to be said of the answer. */
  readonly notes: readonly string[];
}

/** Where the current task is: see `current` of a row. */
export interface CurrentPlaces {
  readonly exact: ReadonlySet<VirtAddr>;
  readonly returns: ReadonlySet<VirtAddr>;
}

export interface DisassemblyRequest {
  readonly address: VirtAddr;
  /**
   * `from`: `count` instructions from the address on. `function`: the whole of it. `reverse`: from its start to the
   * address, `forward`: from the address to its end.
   */
  readonly extent: 'from' | 'function' | 'reverse' | 'forward';
  readonly count: number | undefined;
  /** The address may be one that a call returns to: it was not given as the name of a function. */
  readonly mayBeReturn: boolean;
  readonly radix: 10 | 16;
  readonly lines: boolean;
  readonly symbols: boolean;
  /** Bytes behind each ud2 that are no code. */
  readonly bugBytes: number;
  readonly places: CurrentPlaces | undefined;
}

/** In bytes: what is longer is cut, and said to be. */
const LONGEST = 1 << 20;
const TRACING_NOP = 'nopl   0x0(%rax,%rax,1)';

/** @throws FaultError where nothing can be read there, LookupError where a function is wanted and none is known */
export function disassemble(view: CodeView, request: DisassemblyRequest): Disassembly {
  const disassembler = disassemblerFor(view.architecture);
  const notes: string[] = [];
  const { instructions, pieces } = select(view, disassembler, request, notes);
  const rows: InstructionRow[] = [];
  let lines = '';
  let before: Instruction | undefined;
  const unknown = new Set<string>();
  for (const instruction of instructions) {
    if ((rows.length & 0xff) === 0) checkCancelled();
    const text = disassembler.text(instruction);
    const symbol = view.labelAt(instruction.address);
    const { frames, missing } = request.lines ? view.linesAt(instruction.address) : noLines;
    if (missing !== undefined) unknown.add(missing);
    const key = keyOf(frames);
    const piece = pieceOf(pieces, instruction);
    const piecesDiffer = before === undefined ? piece?.substitute !== undefined : piece !== pieceOf(pieces, before);
    rows.push({
      address: instruction.address,
      symbol,
      bytes: Array.from(instruction.bytes, (byte) => byte.toString(16).padStart(2, '0')).join(''),
      kind: instruction.kind,
      text,
      target: reference(view, instruction.target),
      data: dataOf(view, instruction, request.symbols ? (piece?.slide ?? 0n) : undefined),
      current: isCurrent(instruction, request.places),
      tracingNop: text === TRACING_NOP && isEntry(symbol, before),
      source: frames.length > 0 && key !== lines ? frames : undefined,
      substitute: piecesDiffer ? (piece?.substitute ?? 'bytes from the dump again') : undefined,
    });
    lines = key;
    before = instruction;
  }
  notes.push(...Array.from(unknown, (why) => `lines are missing: ${why}`));
  return { type: 'disassembly', show: { radix: request.radix, symbols: request.symbols }, rows, notes };
}

const noLines: CodeLines = { frames: [], missing: undefined };

interface Selection {
  readonly instructions: readonly Instruction[];
  readonly pieces: readonly CodePiece[];
}

function select(view: CodeView, disassembler: Disassembler, request: DisassemblyRequest, notes: string[]): Selection {
  const { address, extent, bugBytes, count = Infinity } = request;
  if (extent === 'from') {
    const most = request.count ?? 1;
    const length = Math.min(LONGEST, most * (disassembler.longest + bugBytes));
    const selection = decode(view, disassembler, address, length, bugBytes, most, notes);
    const { instructions, pieces } = selection;
    if (instructions.length < most && bytesOf(pieces).length === LONGEST)
      notes.push(`cut after ${instructions.length} of ${most} instructions: dis reads ${LONGEST} bytes at the most`);
    return selection;
  }
  const range = view.rangeAt(address);
  if (range === undefined) throw new LookupError('function at address', address.toString(16));
  if (extent === 'reverse' && request.mayBeReturn && address === range.start) {
    const before = lastCall(view, disassembler, request, notes);
    if (before !== undefined) return before;
  }
  const length = Math.min(LONGEST, Number(range.end - range.start));
  const { instructions: all, pieces } = decode(view, disassembler, range.start, length, bugBytes, Infinity, notes);
  const instructions = range.symbol.size === 0 ? withoutPadding(all, address) : all;
  if (range.end - range.start > LONGEST) notes.push(`${range.symbol.name} is cut after ${LONGEST} bytes`);
  const holder = instructions.findIndex((one) => address < addVirt(one.address, one.bytes.length));
  const found = holder < 0 ? instructions.length - 1 : holder;
  const at = instructions[found];
  const aligned = extent === 'function' || at?.address === address;
  if (!aligned && at !== undefined)
    notes.push(`${address.toString(16)} is inside of an instruction, the one at ${at.address.toString(16)}`);
  if (extent === 'reverse') {
    const shown = instructions.slice(0, found + 1);
    return { instructions: count === Infinity ? shown : shown.slice(-count), pieces };
  }
  const shown = extent === 'function' ? instructions : instructions.slice(found);
  return { instructions: count === Infinity ? shown : shown.slice(0, count), pieces };
}

/** The function before, where it ends with a call that would return here if it returned at all. */
function lastCall(
  view: CodeView,
  disassembler: Disassembler,
  { address, bugBytes, count = Infinity }: DisassemblyRequest,
  notes: string[],
): Selection | undefined {
  const range = view.rangeAt(addVirt(address, -1));
  const length = range === undefined ? 0 : Number(address - range.start);
  if (range === undefined || length > LONGEST) return undefined;
  const selection = attempt(() => decode(view, disassembler, range.start, length, bugBytes, Infinity, []));
  const last = selection?.instructions.at(-1);
  if (selection === undefined || last?.kind !== 'call' || addVirt(last.address, last.bytes.length) !== address)
    return undefined;
  notes.push(
    `${address.toString(16)} is the end of ${range.symbol.name}: the call before it does not return (the function that begins there: dis -f)`,
  );
  return { ...selection, instructions: selection.instructions.slice(-count) };
}

/** Code whose end is where the next symbol begins ends in what aligns that one, unless it is what was asked for. */
function withoutPadding(instructions: readonly Instruction[], address: VirtAddr): readonly Instruction[] {
  const last = instructions.findLastIndex((one) => !isPadding(one) || one.address === address);
  return last < 0 ? instructions : instructions.slice(0, last + 1);
}

function isPadding({ name, operands }: Instruction): boolean {
  const [one, other] = operands;
  const isSelf = one?.kind === 'register' && other?.kind === 'register' && one.name === other.name;
  return name === 'nop' || (name === 'xchg' && isSelf);
}

function decode(
  view: CodeView,
  disassembler: Disassembler,
  start: VirtAddr,
  length: number,
  bugBytes: number,
  most: number,
  notes: string[],
): Selection {
  const { pieces, fault } = view.read(start, length);
  const bytes = bytesOf(pieces);
  const instructions: Instruction[] = [];
  for (let at = 0; at < bytes.length && instructions.length < most;) {
    const next = disassembler.decode(bytes.subarray(at), addVirt(start, at), most - instructions.length);
    const bug = bugBytes === 0 ? -1 : next.findIndex(({ name }) => name === 'ud2');
    const taken = bug < 0 ? next : next.slice(0, bug + 1);
    for (const instruction of taken) instructions.push(instruction);
    const last = taken.at(-1);
    if (bug < 0 || last === undefined) break;
    at = Number(addVirt(last.address, last.bytes.length) - start) + bugBytes;
  }
  const last = instructions.at(-1);
  const end = last === undefined ? start : addVirt(last.address, last.bytes.length);
  if (fault !== undefined && instructions.length < most) notes.push(`${end.toString(16)}: ${fault}`);
  return { instructions, pieces };
}

function pieceOf(pieces: readonly CodePiece[], { address }: Instruction): CodePiece | undefined {
  return pieces.findLast((piece) => piece.address <= address);
}

function reference(view: CodeView, address: VirtAddr | undefined): CodeReference | undefined {
  return address === undefined ? undefined : { address, symbol: view.labelAt(address), perCpu: false };
}

/**
 * Kernel code reaches per-CPU variables by gs, everything else without a segment.
 * @param slide undefined for code that is not the kernel's
 */
function dataOf(view: CodeView, instruction: Instruction, slide: bigint | undefined): CodeReference | undefined {
  const memory = memoryOperandOf(instruction);
  if (memory?.address === undefined) return undefined;
  const { address, segment } = memory;
  if (segment === undefined) return { address, symbol: view.labelAt(address), perCpu: false };
  if (segment !== 'gs' || slide === undefined) return { address, symbol: undefined, perCpu: false };
  const symbol = view.perCpuLabelAt(address);
  if (symbol !== undefined || slide === 0n) return { address, symbol, perCpu: true };
  // Offsets from zero do not move with the code; only the loader would tell that to an operand relative to it.
  const unmoved = addVirt(address, -slide);
  const found = view.perCpuLabelAt(unmoved);
  return found === undefined ? { address, symbol, perCpu: true } : { address: unmoved, symbol: found, perCpu: true };
}

function keyOf(frames: readonly CodeFrame[]): string {
  return frames.map(({ functionName, source }) => `${functionName} ${source?.file}:${source?.line}`).join('\n');
}

function isCurrent(instruction: Instruction, places: CurrentPlaces | undefined): boolean {
  if (places === undefined) return false;
  if (places.exact.has(instruction.address)) return true;
  return instruction.kind === 'call' && places.returns.has(addVirt(instruction.address, instruction.bytes.length));
}

/** At the symbol itself, or behind the endbr64 that is. */
function isEntry(symbol: SymbolLabel | undefined, before: Instruction | undefined): boolean {
  if (symbol?.offset === 0) return true;
  return before?.name === 'endbr64' && symbol?.offset === before.bytes.length;
}
