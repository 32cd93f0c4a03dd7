/**
 * The code of one function as instructions, and how control goes from one to the next. A part that the compiler put
 * elsewhere (`NAME.cold`) belongs to its function. Instructions are known by their index; index 0 is the entry.
 *
 * Edges that are not followed are told: `incomplete` where the code jumps to addresses it computes, `isFixup` where an
 * exception may lead. A call to a function that does not return seems to go on: a way too many makes values unknown,
 * never wrong.
 */

import { addVirt, type VirtAddr } from '../../base/addr.ts';
import type { Disassembler } from '../../disasm/disassembler.ts';
import type { Instruction } from '../../disasm/instruction.ts';
import type { CodeSource, NamedCode } from './code-source.ts';
import { effectOf, noEffect, targetFormula, type Effect } from './effect.ts';
import { register, type Formula } from './formula.ts';
import { thunkAt } from './thunks.ts';

/** Where a call or jump leads: to an address, or to what a formula says. */
export type CodeTarget =
  | { readonly kind: 'address'; readonly address: VirtAddr }
  | { readonly kind: 'computed'; readonly formula: Formula };

/** A jump out of the function: it ends, and another one goes on in its place. */
export interface TailJump {
  readonly index: number;
  readonly target: CodeTarget;
}

export interface CodePart extends NamedCode {
  readonly instructions: readonly Instruction[];
}

export class FunctionCode {
  readonly name: string;
  readonly start: VirtAddr;
  readonly instructions: readonly Instruction[];
  readonly tailJumps: readonly TailJump[];
  /** Why there may be ways through the code that are not known; undefined where all are. */
  readonly incomplete: string | undefined;
  readonly #parts: readonly CodePart[];
  readonly #source: CodeSource;
  readonly #disassembler: Disassembler;
  /** By the offset from the start. */
  readonly #indices = new Map<number, number>();
  readonly #successors: number[][] = [];
  readonly #predecessors: number[][];
  readonly #fixups: ReadonlySet<number>;
  readonly #effects: (Effect | undefined)[] = [];

  /**
   * @param parts the one with the entry first
   * @param isPossible whether control may go from one instruction to another, where the code leaves it open
   */
  constructor(
    parts: readonly CodePart[],
    source: CodeSource,
    disassembler: Disassembler,
    isPossible: (from: number, to: number) => boolean = () => true,
  ) {
    const [entry] = parts;
    this.#parts = parts;
    this.name = entry?.name ?? '';
    this.start = entry?.start ?? (0n as VirtAddr);
    this.instructions = parts.flatMap((part) => part.instructions);
    this.#source = source;
    this.#disassembler = disassembler;
    for (const [index, { address }] of this.instructions.entries())
      this.#indices.set(Number(address - this.start), index);
    this.#predecessors = this.instructions.map(() => []);
    const tailJumps: TailJump[] = [];
    for (const [index, instruction] of this.instructions.entries()) {
      const successors = this.#successorsOf(index, instruction, tailJumps).filter((to) => isPossible(index, to));
      this.#successors.push(successors);
      for (const successor of successors) this.#predecessors[successor]?.push(index);
    }
    this.tailJumps = tailJumps;
    this.#fixups = this.#addFixups(parts);
    this.incomplete = this.#computedJump();
  }

  /** The same code without the ways that are not possible. */
  narrowed(isPossible: (from: number, to: number) => boolean): FunctionCode {
    return new FunctionCode(this.#parts, this.#source, this.#disassembler, isPossible);
  }

  /** The instruction that begins at an address. */
  indexAt(address: VirtAddr): number | undefined {
    return this.#indices.get(Number(address - this.start));
  }

  /** The call that returns to an address. */
  callBefore(returnAddress: VirtAddr): number | undefined {
    for (let length = 1; length <= this.#disassembler.longest; length++) {
      const index = this.indexAt(addVirt(returnAddress, -length));
      const instruction = index === undefined ? undefined : this.instructions[index];
      if (instruction?.bytes.length === length) return instruction.kind === 'call' ? index : undefined;
    }
    return undefined;
  }

  successors(index: number): readonly number[] {
    return this.#successors[index] ?? [];
  }

  predecessors(index: number): readonly number[] {
    return this.#predecessors[index] ?? [];
  }

  /** Whether an exception in the function may go on here, with registers that are not followed. */
  isFixup(index: number): boolean {
    return this.#fixups.has(index);
  }

  effect(index: number): Effect {
    const known = this.#effects[index];
    if (known !== undefined) return known;
    const instruction = this.instructions[index];
    const effect =
      instruction === undefined || this.#isTracing(index, instruction)
        ? noEffect
        : effectOf(instruction, this.#disassembler);
    this.#effects[index] = effect;
    return effect;
  }

  /** An instruction as GNU tools print it, with the function it is in. */
  text(index: number): string {
    const instruction = this.instructions[index];
    const text = instruction === undefined ? '' : this.#disassembler.text(instruction).replaceAll(/ {2,}/g, ' ');
    return `${text} in ${this.name}`;
  }

  /** Where a call or jump leads; a thunk of the kernel stands for the register it jumps to. */
  target(index: number): CodeTarget | undefined {
    const instruction = this.instructions[index];
    if (instruction === undefined) return undefined;
    const formula = targetFormula(instruction);
    if (formula !== undefined) return { kind: 'computed', formula };
    if (instruction.target === undefined) return undefined;
    const thunk = thunkAt(this.#source, this.#disassembler, instruction.target);
    return thunk?.kind === 'jump'
      ? { kind: 'computed', formula: register(thunk.register) }
      : { kind: 'address', address: instruction.target };
  }

  /** Where exceptions lead, with the edges that they are. */
  #addFixups(parts: readonly CodePart[]): Set<number> {
    const found = new Set<number>();
    for (const { from, to } of parts.flatMap(({ start, end }) => this.#source.fixupsIn(start, end))) {
      const [fault, fixup] = [this.indexAt(from), this.indexAt(to)];
      if (fault === undefined || fixup === undefined) continue;
      found.add(fixup);
      this.#successors[fault]?.push(fixup);
      this.#predecessors[fixup]?.push(fault);
    }
    return found;
  }

  #successorsOf(index: number, instruction: Instruction, tailJumps: TailJump[]): number[] {
    const { kind, name, target } = instruction;
    const next = this.#next(index, instruction);
    switch (kind) {
      case 'return':
      case 'invalid':
        return [];
      case 'trap':
        // A warning is a ud2 that the kernel goes on behind.
        return name === 'int3' ? [] : next;
      case 'call':
      case 'other':
        return next;
      case 'jump':
      case 'branch': {
        const inside = target === undefined ? undefined : this.indexAt(target);
        if (inside === undefined) this.#leaves(index, instruction, tailJumps);
        const onward = kind === 'branch' ? next : [];
        return inside === undefined || onward.includes(inside) ? onward : [...onward, inside];
      }
    }
  }

  #next(index: number, { address, bytes }: Instruction): number[] {
    const next = this.instructions[index + 1];
    return next?.address === addVirt(address, bytes.length) ? [index + 1] : [];
  }

  #leaves(index: number, { target }: Instruction, tailJumps: TailJump[]): void {
    if (target !== undefined && thunkAt(this.#source, this.#disassembler, target)?.kind === 'return') return;
    const to = this.target(index);
    if (to !== undefined) tailJumps.push({ index, target: to });
  }

  /** A tracer's call stands where the function begins, and hands every register back. */
  #isTracing(index: number, { kind, target }: Instruction): boolean {
    // The kernel may have made a nop of the endbr64 before it.
    const isFirst = this.instructions
      .slice(0, index)
      .every((before) => before.name === 'endbr64' || before.name === 'nop');
    if (index > MOST_BEFORE_TRACING || !isFirst || kind !== 'call' || target === undefined) return false;
    const name = this.#source.rangeAt(target)?.name;
    return name === undefined || tracer.test(name);
  }

  /** Functions are jumped to by addresses that were loaded; those that were added up come from a table of labels. */
  #computedJump(): string | undefined {
    for (const { index, target } of this.tailJumps) {
      if (target.kind !== 'computed') continue;
      const { formula } = target;
      const isTable = formula.kind === 'memory' ? hasIndex(formula.address) : this.#isSum(index, formula);
      if (isTable) return `${this.name} jumps to addresses that it computes`;
    }
    return undefined;
  }

  /** Whether the nearest instruction before a jump that sets its register adds something up. */
  #isSum(jump: number, formula: Formula): boolean {
    if (formula.kind !== 'register') return true;
    for (let index = jump - 1; index >= 0; index--) {
      const set = this.effect(index).registers.get(formula.name);
      if (set !== undefined) return set.kind === 'binary' || set.kind === 'extended';
      if (!this.successors(index).includes(index + 1)) return false;
    }
    return false;
  }
}

function hasIndex(address: Formula): boolean {
  if (address.kind !== 'binary') return false;
  return address.operation === 'multiply' || hasIndex(address.left) || hasIndex(address.right);
}

const MOST_BEFORE_TRACING = 2;
/** arch/x86/kernel/ftrace_64.S. */
const tracer = /^(?:ftrace_|__fentry__$)/;
