/** The functions of a kernel as code, each read once. */

import type { VirtAddr } from '../../base/addr.ts';
import { disassemblerFor, type Disassembler } from '../../disasm/disassembler.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import { kernelCodeSource, type CodeSource, type NamedCode } from './code-source.ts';
import { FunctionCode, type CodePart } from './function-code.ts';

/** In bytes: what is longer is not followed. */
const LONGEST_FUNCTION = 1 << 17;
const MOST_PARTS = 4;
/** Statics that share a name and may each own a part elsewhere. */
const MOST_NAMESAKES = 8;

/** NAME.cold, which belongs to NAME. */
const coldName = /^(.+)\.cold(?:\.\d+)?$/;

/** Whether code is a part of a function that lies elsewhere. */
export function isColdPart({ name }: NamedCode): boolean {
  return coldName.test(name);
}

const kept = new WeakMap<Kernel, Functions>();

/** Those of a kernel. @throws NeedResource where the disassembler is not loaded */
export function functionsOf(kernel: Kernel): Functions {
  let functions = kept.get(kernel);
  if (functions === undefined) {
    functions = new Functions(kernelCodeSource(kernel), disassemblerFor(kernel.target.architecture.name));
    kept.set(kernel, functions);
  }
  return functions;
}

export class Functions {
  readonly source: CodeSource;
  readonly #disassembler: Disassembler;
  /** By the address as a number, which is exact for kernel code. */
  readonly #byStart = new Map<number, FunctionCode | undefined>();

  constructor(source: CodeSource, disassembler: Disassembler) {
    this.source = source;
    this.#disassembler = disassembler;
  }

  /** The function an address is in; undefined where nothing names it, or the dump does not have its code. */
  at(address: VirtAddr): FunctionCode | undefined {
    const range = this.source.rangeAt(address);
    if (range === undefined) return undefined;
    const key = Number(BigInt.asIntN(64, range.start));
    if (!this.#byStart.has(key)) this.#byStart.set(key, this.#read(range));
    return this.#byStart.get(key);
  }

  /** Only where it begins at that very address. */
  startingAt(address: VirtAddr): FunctionCode | undefined {
    const code = this.at(address);
    return code?.start === address ? code : undefined;
  }

  #read(range: NamedCode): FunctionCode | undefined {
    const parent = this.#parentOf(range);
    if (parent !== undefined) return this.at(parent.start);
    const first = this.#decode(range);
    if (first === undefined) return undefined;
    const parts = [first];
    for (const part of parts) {
      if (parts.length >= MOST_PARTS) break;
      parts.push(...this.#coldParts(first.name, part, parts).slice(0, MOST_PARTS - parts.length));
    }
    return new FunctionCode(parts, this.source, this.#disassembler);
  }

  #decode(range: NamedCode): CodePart | undefined {
    const length = Number(range.end - range.start);
    if (length <= 0 || length > LONGEST_FUNCTION) return undefined;
    const bytes = this.source.read(range.start, length);
    return bytes && { ...range, instructions: this.#disassembler.decode(bytes, range.start) };
  }

  /** The parts elsewhere that a part jumps to. */
  #coldParts(name: string, part: CodePart, known: readonly CodePart[]): CodePart[] {
    const found: CodePart[] = [];
    for (const range of this.#jumpedTo(part)) {
      if (coldName.exec(range.name)?.[1] !== name) continue;
      if ([...known, ...found].some(({ start }) => start === range.start)) continue;
      const cold = this.#decode(range);
      if (cold !== undefined) found.push(cold);
    }
    return found;
  }

  /** The function that a part elsewhere belongs to: of that name, and it jumps there. */
  #parentOf(range: NamedCode): NamedCode | undefined {
    const name = coldName.exec(range.name)?.[1];
    if (name === undefined) return undefined;
    for (const address of this.source.named(name).slice(0, MOST_NAMESAKES)) {
      const candidate = this.source.rangeAt(address);
      const code = candidate && this.#decode(candidate);
      if (code !== undefined && this.#jumpedTo(code).some(({ start }) => start === range.start)) return candidate;
    }
    return undefined;
  }

  #jumpedTo({ start, end, instructions }: CodePart): NamedCode[] {
    const found: NamedCode[] = [];
    for (const { kind, target } of instructions) {
      if ((kind !== 'jump' && kind !== 'branch') || target === undefined) continue;
      if (target >= start && target < end) continue;
      const range = this.source.rangeAt(target);
      if (range !== undefined && !found.some((one) => one.start === range.start)) found.push(range);
    }
    return found;
  }
}
