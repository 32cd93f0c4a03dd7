/**
 * What the source calls the things a value is made of: variables by DWARF, parameters by prototypes, members by the
 * types of what they are reached through, objects by the slab allocator.
 */

import { addVirt, virtAddr, type VirtAddr } from '../base/addr.ts';
import { attempt } from '../base/errors.ts';
import type { KernelSymbol } from '../debuginfo/symbols/symbol-table.ts';
import { once } from '../base/search.ts';
import { memberAt } from '../debuginfo/types/member-at.ts';
import { sizeOf, strip, type CompoundType, type Type } from '../debuginfo/types/type.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { slabObjectAt } from '../kernel/slab.ts';
import { functionTypeAt, typeOfVariable } from '../kernel/symbol-types.ts';
import type { FunctionCode } from '../unwind/code/function-code.ts';
import { WORD } from '../unwind/code/formula.ts';
import type { Site } from '../unwind/origin/chain.ts';
import { variablesAt, type PlacedVariable } from '../unwind/origin/variable-places.ts';
import { objectTypes } from './object-type.ts';

/** A value in C. */
export interface CName {
  readonly text: string;
  readonly type: Type | undefined;
  /** What it rests on; undefined where debug information tells it. */
  readonly inferred: string | undefined;
}

/** System V ABI, AMD64 supplement, section 3.2.3. */
const argumentRegisters: readonly string[] = ['rdi', 'rsi', 'rdx', 'rcx', 'r8', 'r9'];

/** GCC's names for copies of a function for some arguments, or without some. */
const copied = /\.(?:constprop|isra|part)\b/;

export class OriginNames {
  readonly #kernel: Kernel;
  readonly #base: (frame: number) => bigint | undefined;
  readonly #variables = new Map<string, readonly PlacedVariable[]>();

  /** @param base what the variables of a frame that are in memory are told by: where the stack was before its call */
  constructor(kernel: Kernel, base: (frame: number) => bigint | undefined) {
    this.#kernel = kernel;
    this.#base = base;
  }

  /** The variable that is in a register before an instruction. */
  inRegister({ run, index }: Site, register: string): CName | undefined {
    const instruction = run.activation.code.instructions[index];
    if (instruction === undefined) return undefined;
    const there = this.#variablesAt(instruction.address).filter(
      ({ place }) => place.kind === 'register' && place.register === register && place.offset === 0n,
    );
    // The helpers that are expanded innermost call everything ptr, v or addr.
    const found = there.find(({ type }) => this.#pointed(type) !== undefined) ?? there[0];
    return found && { text: found.name, type: found.type, inferred: undefined };
  }

  /** The variable that is in a word of the stack. */
  onStack({ run, index }: Site, address: VirtAddr, size: number): CName | undefined {
    const base = run.left ? undefined : this.#base(run.frame);
    const instruction = run.activation.code.instructions[index];
    if (instruction === undefined || base === undefined) return undefined;
    for (const { name, type, place } of this.#variablesAt(instruction.address)) {
      const offset = place.kind === 'frame' ? address - BigInt.asUintN(64, base + place.offset) : -1n;
      if (offset < 0n || offset >= BigInt(sizeOf(type))) continue;
      const whole = strip(type);
      if (whole.kind !== 'struct') return offset === 0n ? { text: name, type, inferred: undefined } : undefined;
      const pointer: Type = { kind: 'pointer', size: WORD, target: type };
      return this.member({ text: `&${name}`, type: pointer, inferred: undefined }, offset, size);
    }
    return undefined;
  }

  /** The same after an instruction. */
  behind({ run, index }: Site, register: string): CName | undefined {
    const [next] = run.activation.code.successors(index);
    return next === undefined ? undefined : this.inRegister({ run, index: next }, register);
  }

  /**
   * The parameter that a function takes in a register. The prototype does not tell of the copies that compilers make of
   * functions, which take fewer.
   */
  parameter({ name, start }: FunctionCode, register: string): CName | undefined {
    const described = this.#variablesAt(start);
    const there = described.find(
      ({ inlined, place }) =>
        inlined === 0 && place.kind === 'register' && place.register === register && place.offset === 0n,
    );
    if (there !== undefined) return { text: there.name, type: there.type, inferred: undefined };
    if (described.length > 0 || copied.test(name)) return undefined;
    const position = argumentRegisters.indexOf(register);
    const parameters = position < 0 ? [] : (attempt(() => functionTypeAt(this.#kernel, start))?.parameters ?? []);
    // A structure may take more registers than one.
    if (parameters.slice(0, position + 1).some(({ type }) => sizeOf(type) > WORD)) return undefined;
    const found = parameters[position];
    return found?.name === undefined ? undefined : { text: found.name, type: found.type, inferred: undefined };
  }

  resultOf(callee: VirtAddr): CName | undefined {
    const name = this.#kernel.symbols.label(callee);
    const type = attempt(() => functionTypeAt(this.#kernel, callee))?.returns;
    return name === undefined ? undefined : { text: `${name}()`, type, inferred: undefined };
  }

  /** What lies at an address of the kernel's or a module's data. */
  global(address: VirtAddr, perCpu: boolean): CName | undefined {
    const { symbols } = this.#kernel;
    const found = perCpu ? symbols.perCpuAt(address) : symbols.at(address);
    if (found === undefined) return undefined;
    const { symbol, offset } = found;
    const head = perCpu ? `per-CPU ${symbol.name}` : symbol.name;
    if (offset !== 0) {
      const inner = this.#within(symbol, offset);
      return { text: `${head}${inner?.path ?? `+${offset}`}`, type: inner?.type, inferred: undefined };
    }
    const within = once(() => this.#within(symbol, 0));
    return {
      text: head,
      // Who only wants the name need not search for the type.
      get type() {
        return within()?.type;
      },
      inferred: undefined,
    };
  }

  /** `base->member`: what is read `offset` bytes behind a pointer. */
  member(base: CName | undefined, offset: bigint, size: number): CName | undefined {
    const place = base && this.#place(base, offset);
    if (base === undefined || place === undefined || place.rest !== 0) return undefined;
    const scalar = scalarAt(place.type, size);
    if (scalar === undefined) return undefined;
    const path = `${place.path ?? ''}${scalar.path}`.replace(/^\./, '');
    const text = path === '' ? `*${base.text}` : `${base.text}->${path}`.replace(/^&(\w+)->/, '$1.');
    return { text, type: scalar.type, inferred: base.inferred };
  }

  /** `&base->member`. */
  memberAddress(base: CName | undefined, offset: bigint): CName | undefined {
    const place = base && this.#place(base, offset);
    if (base === undefined || place?.path === undefined || place.rest !== 0) return undefined;
    const type: Type = { kind: 'pointer', size: WORD, target: place.type };
    return { text: `&${base.text}->${place.path}`, type, inferred: base.inferred };
  }

  /** An object of the slab allocator as a pointer to its struct; inferred. */
  object(register: string, value: bigint | undefined): CName | undefined {
    if (value === undefined) return undefined;
    const slab = attempt(() => slabObjectAt(this.#kernel, virtAddr(value)));
    if (slab === undefined || slab.offset !== 0) return undefined;
    const found = attempt(() => objectTypes(this.#kernel).typeOf(slab));
    if (found?.type.name === undefined) return undefined;
    const type: Type = { kind: 'pointer', size: WORD, target: found.type };
    return { text: `((struct ${found.type.name} *)${register})`, type, inferred: found.how };
  }

  /** The number or pointer that a variable holds so far from its start. */
  #within(symbol: KernelSymbol, offset: number): { readonly path: string; readonly type: Type } | undefined {
    const type = attempt(() => typeOfVariable(this.#kernel, symbol));
    const whole = type && strip(this.#kernel.userTypes.definition(type));
    if (whole === undefined) return undefined;
    if (whole.kind !== 'struct') return offset === 0 ? { path: '', type: whole } : undefined;
    const place = memberAt(whole, offset);
    const scalar = place.rest === 0 ? scalarAt(place.type, WORD) : undefined;
    const path = `${place.path ?? ''}${scalar?.path ?? ''}`.replace(/^\./, '');
    return scalar && { path: path === '' ? '' : `.${path}`, type: scalar.type };
  }

  #place(base: CName, offset: bigint): ReturnType<typeof memberAt> | undefined {
    const struct = base.type && this.#pointed(base.type);
    const distance = BigInt.asIntN(64, offset);
    if (struct === undefined || distance < 0n || distance >= BigInt(struct.size)) return undefined;
    return memberAt(struct, Number(distance));
  }

  #pointed(type: Type): CompoundType | undefined {
    const pointer = strip(type);
    if (pointer.kind !== 'pointer') return undefined;
    const target = strip(attempt(() => this.#kernel.userTypes.definition(pointer.target)) ?? pointer.target);
    return target.kind === 'struct' && target.complete ? target : undefined;
  }

  #variablesAt(address: VirtAddr): readonly PlacedVariable[] {
    const key = addVirt(address, 0).toString(16);
    let found = this.#variables.get(key);
    if (found === undefined) {
      found = variablesAt(this.#kernel, address);
      this.#variables.set(key, found);
    }
    return found;
  }
}

const DEEPEST_MEMBER = 16;

/** The number or pointer of a size that a type begins with; a struct's first member may be one. */
function scalarAt(type: Type, size: number): { readonly path: string; readonly type: Type } | undefined {
  let path = '';
  let current = type;
  for (let depth = 0; depth < DEEPEST_MEMBER; depth++) {
    const bare = strip(current);
    if (bare.kind !== 'struct' && bare.kind !== 'union') {
      if (bare.kind === 'array') return undefined;
      return sizeOf(bare) === size ? { path, type: current } : { path, type: bare };
    }
    const first = bare.members.find(({ offset, bitField }) => offset === 0 && bitField === undefined);
    if (first === undefined) return undefined;
    path += first.name === undefined ? '' : `.${first.name}`;
    current = first.type;
  }
  return undefined;
}
