/**
 * From `function+offset/size`, as call traces print it, to file and line: the answer to `faddr2line`. The line is that
 * of the call itself: a return address is that of the instruction behind it, whose line may be another, in another
 * inlined function, or even in another function where the call never returns.
 */

import { addVirt, type VirtAddr } from '../base/addr.ts';
import { attempt, LookupError, UsageError } from '../base/errors.ts';
import { nearestNames } from '../base/suggest.ts';
import { disassemblerFor } from '../disasm/disassembler.ts';
import type { Instruction } from '../disasm/instruction.ts';
import { bytesOf } from '../kernel/code.ts';
import type { CodeFrame, CodeView } from './code-view.ts';
import type { FunctionAddress } from './function-address.ts';

/** Where code can be looked up by the names of functions. */
export interface FunctionSource {
  readonly view: CodeView;
  /** Functions of that name, in every object or in one module. */
  named(name: string, module: string | undefined): readonly VirtAddr[];
  names(): Iterable<string>;
  /** What it is, for the user: "vmlinux". */
  readonly what: string;
}

/**
 * Why an address is looked up as it is. `call`: the bytes that end there are a call, so the call's own lines.
 * `exact`: they are none, so the lines of the instruction there.
 */
export type LookUp = 'call' | 'exact';

export interface LinesAt {
  readonly lookUp: LookUp;
  /** The address whose lines these are, and its offset in the function. */
  readonly address: VirtAddr;
  readonly offset: number;
  readonly frames: readonly CodeFrame[];
  readonly missing: string | undefined;
}

export interface FunctionCandidate {
  readonly name: string;
  readonly module: string | undefined;
  readonly start: VirtAddr;
  /** In bytes. */
  readonly size: number;
  /** Two where it is in doubt which one is meant: the call first. */
  readonly lines: readonly LinesAt[];
  /** Why those, in words. */
  readonly why: string;
}

export interface FunctionLines {
  readonly type: 'function-lines';
  readonly asked: FunctionAddress;
  /** Functions of that name, which the size did not tell apart, or which it fits not at all. */
  readonly candidates: readonly FunctionCandidate[];
  /** What has to be said of the choice. */
  readonly note: string | undefined;
}

/** @throws LookupError where there is no such function, UsageError where the offset is outside of all of them */
export function functionLines(source: FunctionSource, asked: FunctionAddress): FunctionLines {
  const ranges = source
    .named(asked.name, asked.module)
    .flatMap((address) => source.view.rangeAt(address) ?? [])
    .map(({ symbol, start, end }): Range => {
      const sizes = [end, ...source.view.endsAt(start)].map((one) => Number(one - start));
      const size = asked.size !== undefined && sizes.includes(asked.size) ? asked.size : Number(end - start);
      return { module: symbol.module, start, size, reach: Math.max(...sizes) };
    });
  if (ranges.length === 0) throw unknownFunction(source, asked);
  const fitting = asked.size === undefined ? ranges : ranges.filter(({ size }) => size === asked.size);
  const chosen = fitting.length > 0 ? fitting : ranges;
  const inside = chosen.filter(({ reach }) => asked.offset <= reach);
  if (inside.length === 0) throw outside(asked, chosen);
  const candidates = inside.map((range): FunctionCandidate => {
    const { module, start, size } = range;
    return { name: asked.name, module, start, size, ...linesOf(source.view, range, asked) };
  });
  return { type: 'function-lines', asked, candidates, note: noteOf(asked, ranges, fitting) };
}

/**
 * Each of several; what fails keeps no other from being answered.
 * @throws what the only one that fails throws, UsageError where several do
 */
export function* eachFunctionLines(
  source: FunctionSource,
  asked: readonly FunctionAddress[],
): Generator<FunctionLines, void, void> {
  const failures: (LookupError | UsageError)[] = [];
  for (const one of asked) {
    try {
      yield functionLines(source, one);
    } catch (error) {
      if (!(error instanceof LookupError || error instanceof UsageError)) throw error;
      failures.push(error);
    }
  }
  if (failures.length > 1) throw new UsageError(failures.map(({ message }) => message).join('\n'));
  if (failures[0] !== undefined) throw failures[0];
}

interface Range {
  readonly module: string | undefined;
  readonly start: VirtAddr;
  /** As the call trace has it where that fits: it counts to the next symbol; else as the file has it. */
  readonly size: number;
  /** The largest that may be meant. */
  readonly reach: number;
}

function noteOf(asked: FunctionAddress, all: readonly Range[], fitting: readonly Range[]): string | undefined {
  const sizes = all.map(({ size }) => `0x${size.toString(16)}`).join(', ');
  if (fitting.length === 0) {
    const what =
      all.length === 1 ? 'is not that of the function here (another build?):' : 'fits none of them, whose sizes are';
    return `size 0x${(asked.size ?? 0).toString(16)} ${what} ${sizes}`;
  }
  if (fitting.length === 1) return undefined;
  const why = asked.size === undefined ? 'no size tells them apart' : 'they are of one size';
  return `${fitting.length} functions are called ${asked.name}, and ${why}: all of them follow`;
}

function unknownFunction(source: FunctionSource, { name, module }: FunctionAddress): LookupError {
  const where = module === undefined ? '' : ` in module ${module}`;
  return new LookupError(`function${where} of ${source.what}`, name, nearestNames(name, source.names()));
}

function outside({ text }: FunctionAddress, ranges: readonly Range[]): UsageError {
  const sizes = ranges.map(({ size }) => `0x${size.toString(16)}`).join(', ');
  return new UsageError(`${text}: the offset is behind the end of the function (size ${sizes})`);
}

function linesOf(
  view: CodeView,
  { start, reach }: Range,
  { offset, exact }: FunctionAddress,
): { lines: LinesAt[]; why: string } {
  const at = (lookUp: LookUp): LinesAt => {
    const place = lookUp === 'call' ? offset - 1 : offset;
    const address = addVirt(start, place);
    return { lookUp, address, offset: place, ...view.linesAt(address) };
  };
  if (offset === 0) return { lines: [at('exact')], why: 'the start of the function' };
  if (exact) return { lines: [at('exact')], why: 'an instruction pointer, not a return address' };
  const { verdict, why } = judge(view, start, reach, offset);
  return { lines: verdict === 'doubt' ? [at('call'), at('exact')] : [at(verdict)], why };
}

interface Judgement {
  readonly verdict: LookUp | 'doubt';
  readonly why: string;
}

/** Decoded from the start of the function: its instructions begin where they do, nothing has to be guessed. */
function judge(view: CodeView, start: VirtAddr, size: number, offset: number): Judgement {
  const code = attempt(() => readFunction(view, start, Math.min(size, offset + LONGEST_AHEAD)));
  const { instructions, asBuilt } = code ?? { instructions: undefined, asBuilt: false };
  const address = addVirt(start, offset);
  const endOf = ({ address, bytes }: Instruction): VirtAddr => addVirt(address, bytes.length);
  const before = instructions?.find((one) => one.address < address && address <= endOf(one));
  if (before === undefined) return { verdict: 'doubt', why: 'in doubt: the code cannot be read' };
  const here = instructions?.find((one) => one.address === address);
  const text = before.kind === 'call' ? 'a call' : 'no call';
  if (endOf(before) !== address) {
    // Files have five- and six-byte calls where the running kernel may have shorter ones and nops behind them.
    if (before.kind === 'call')
      return { verdict: 'call', why: 'inside of a call, which the running kernel may have shortened' };
    return { verdict: 'doubt', why: `in doubt: the address is inside of an instruction that is ${text}` };
  }
  if (before.kind !== 'call') return { verdict: 'exact', why: 'the bytes that end there are no call' };
  if (asBuilt && isEntryCall(before, instructions ?? []))
    return {
      verdict: 'doubt',
      why: 'in doubt: a call to the function tracer ends there, a nop unless functions are traced',
    };
  if (here?.name === 'ud2')
    return { verdict: 'doubt', why: 'in doubt: a call ends there, and a ud2 (BUG, WARN) stands there' };
  return { verdict: 'call', why: 'a call ends there' };
}

/** In bytes: the instruction at the address is looked at, too. */
const LONGEST_AHEAD = 16;

function readFunction(
  view: CodeView,
  start: VirtAddr,
  length: number,
): { instructions: readonly Instruction[]; asBuilt: boolean } {
  const { pieces } = view.read(start, length);
  const asBuilt = view.asBuilt || pieces.some((piece) => piece.substitute !== undefined);
  return { instructions: disassemblerFor(view.architecture).decode(bytesOf(pieces), start), asBuilt };
}

/** `call __fentry__`, the first instruction or behind endbr64. */
function isEntryCall(call: Instruction, instructions: readonly Instruction[]): boolean {
  const first = instructions[0]?.name === 'endbr64' ? 1 : 0;
  return instructions[first] === call && call.target !== undefined;
}
