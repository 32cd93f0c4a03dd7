/**
 * What the code of a stack's functions tells of registers that nothing else tells of: where a frame stands, and when
 * its function was entered. A caller set an argument by an instruction; the function itself has kept a copy; functions
 * between that ended in jumps handed it on.
 *
 * Invariant: what is given is inferred, and its notes say from what.
 */

import { calleeSavedRegisters } from '../arch/x86-64/registers.ts';
import { addVirt, virtAddr, type VirtAddr } from '../base/addr.ts';
import { attempt } from '../base/errors.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { Activation, knownValue, type Followed, type Surroundings } from './code/activation.ts';
import { functionsOf, type Functions } from './code/functions.ts';
import { WORD, type MemoryFormula } from './code/formula.ts';
import type { FunctionCode } from './code/function-code.ts';
import { keptCopy, leadsHere, type KeptCopy } from './code/kept-copies.ts';
import { jumpersTo } from './code/jumpers.ts';
import { tailWays, type TailWay } from './code/tail-ways.ts';
import type { Frame } from './frame.ts';
import { canonicalFrameAddress } from './canonical-frame.ts';
import type { FrameRegisters } from './frame-registers.ts';

/** What is said of a value that rests on a pointer having led to this very function. */
export const BY_POINTER = 'passed by an indirect call';

/** The function that a frame's caller called. */
export type CalledFunction =
  /** The frame's own, by its address or a pointer that is known. */
  | { readonly kind: 'direct' }
  /** Another one, which went on to the frame's. */
  | { readonly kind: 'tail'; readonly code: FunctionCode }
  /** By a pointer that is not known, or not any more. */
  | { readonly kind: 'indirect' };

const calleeSaved = new Set(calleeSavedRegisters);

export class FollowedValues {
  readonly #kernel: Kernel;
  readonly #frames: readonly Frame[];
  readonly #registers: (frame: number) => FrameRegisters | undefined;
  readonly #functions: Functions;
  readonly #activations = new Map<number, Activation | undefined>();
  readonly #passed = new Map<string, Followed | undefined>();
  readonly #ways = new Map<number, readonly TailWay[] | string>();

  /** @throws NeedResource where the disassembler is not loaded */
  constructor(kernel: Kernel, frames: readonly Frame[], registers: (frame: number) => FrameRegisters | undefined) {
    this.#kernel = kernel;
    this.#frames = frames;
    this.#registers = registers;
    this.#functions = functionsOf(kernel);
  }

  /** A register where a frame stands: before its call is executed, or the instruction that was interrupted. */
  registerAt(frame: number, name: string): Followed | undefined {
    return fresh(this.activation(frame)?.register(name)) ?? this.#keptByCallee(frame, name);
  }

  /** A register before the instruction at an address of a frame's function, by which the frame must have come. */
  registerBefore(frame: number, address: VirtAddr, name: string): Followed | undefined {
    const [run, index] = this.#passedBy(frame, address) ?? [];
    return index === undefined ? undefined : fresh(run?.before(index, name));
  }

  /**
   * What was in memory there: known of words of its callers' frames that the function has not written since. Its own
   * words serve one variable after the other.
   */
  wordBefore(frame: number, address: VirtAddr, at: VirtAddr, size: number): Followed | undefined {
    const [run, index] = this.#passedBy(frame, address) ?? [];
    const top = this.#stackPointerAtEntry(frame)?.value;
    if (run === undefined || index === undefined || top === undefined || at <= top) return undefined;
    if (run.isOverwritten(index, at, size)) return undefined;
    return fresh(this.#memory(at, { size, segment: undefined }));
  }

  #passedBy(frame: number, address: VirtAddr): readonly [Activation, number] | undefined {
    const run = this.activation(frame);
    const index = run?.code.indexAt(address);
    if (run === undefined || index === undefined || run.code.incomplete !== undefined) return undefined;
    return leadsHere(run, index) ? [run, index] : undefined;
  }

  /** A register when a frame's function was entered. @param size how many of the lowest bytes are wanted */
  atEntry(frame: number, name: string, size = WORD): Followed | undefined {
    return fresh(this.kept(frame, name, size) ?? this.#entry(frame, name));
  }

  /** The same by the copies that the function itself has made. */
  kept(frame: number, name: string, size = WORD): KeptCopy | undefined {
    const activation = this.activation(frame);
    const registers = this.#registers(frame);
    if (activation === undefined || registers === undefined) return undefined;
    const kept = new Map(
      Array.from(registers, ([register, { value, inferred }]) => [register, knownValue(value, inferred)]),
    );
    kept.delete('rip');
    kept.delete('rsp');
    return keptCopy(activation, name, size, kept, (address) =>
      attempt(() => this.#kernel.memory.u64(virtAddr(address))),
    );
  }

  /** The same by what the caller did. */
  passed(frame: number, name: string): Followed | undefined {
    const key = `${frame} ${name}`;
    if (!this.#passed.has(key)) {
      this.#passed.set(key, undefined);
      this.#passed.set(key, this.#findPassed(frame, name));
    }
    return this.#passed.get(key);
  }

  /** Whom a frame's caller called; undefined where it was not called, or its caller's code is not known. */
  called(frame: number): CalledFunction | undefined {
    const caller = this.#callerOf(frame);
    const own = this.#codeOf(frame);
    const target = caller?.code.target(caller.place);
    if (caller === undefined || own === undefined || target === undefined) return undefined;
    const address = target.kind === 'address' ? target.address : caller.evaluate(target.formula, caller.place)?.value;
    if (address === own.start) return { kind: 'direct' };
    const code = address === undefined ? undefined : this.#functions.startingAt(virtAddr(address));
    // A pointer that leads elsewhere has changed since.
    const isWay = code !== undefined && (target.kind === 'address' || typeof this.waysTo(frame, code) !== 'string');
    return isWay ? { kind: 'tail', code } : { kind: 'indirect' };
  }

  /** The run of a frame's function; undefined where its code is not known. */
  activation(frame: number): Activation | undefined {
    if (!this.#activations.has(frame)) this.#activations.set(frame, this.#activate(frame));
    return this.#activations.get(frame);
  }

  #activate(index: number): Activation | undefined {
    const frame = this.#frames[index];
    const code = this.#codeOf(index);
    const place = frame && (frame.exact ? code?.indexAt(frame.ip) : code?.callBefore(frame.ip));
    if (code === undefined || place === undefined) return undefined;
    return new Activation(code, place, {
      now: (name) => this.#known(index, name),
      entry: (name) => this.atEntry(index, name),
      memory: (address, part) => this.#memory(address, part),
    });
  }

  #codeOf(index: number): FunctionCode | undefined {
    const frame = this.#frames[index];
    return frame && this.#functions.at(frame.exact ? frame.ip : addVirt(frame.ip, -1));
  }

  /** The caller's run; undefined where the frame was not called. */
  #callerOf(frame: number): Activation | undefined {
    return this.#frames[frame + 1]?.saved === undefined ? this.activation(frame + 1) : undefined;
  }

  #known(frame: number, name: string): Followed | undefined {
    const known = this.#registers(frame)?.get(name);
    return known && knownValue(known.value, known.inferred);
  }

  #entry(frame: number, name: string): Followed | undefined {
    if (name === 'rsp') return this.#stackPointerAtEntry(frame);
    if (!calleeSaved.has(name)) return this.passed(frame, name);
    return this.#callerOf(frame) === undefined ? undefined : this.registerAt(frame + 1, name);
  }

  #stackPointerAtEntry(frame: number): Followed | undefined {
    const cfa = canonicalFrameAddress(this.#kernel, this.#frames, frame);
    return cfa === undefined ? undefined : knownValue(cfa - BigInt(WORD));
  }

  #findPassed(frame: number, name: string): Followed | undefined {
    const called = this.called(frame);
    switch (called?.kind) {
      case undefined:
        return undefined;
      case 'direct':
        return this.#callerOf(frame)?.register(name);
      case 'indirect':
        return this.#passedByPointer(frame, name);
      case 'tail':
        return this.#passedOn(frame, called.code, name);
    }
  }

  /** Whether a function that was called by a pointer may have been another, which ended in a jump to the frame's. */
  mayBeHandedOn(frame: number): boolean {
    const own = this.#codeOf(frame);
    return own !== undefined && jumpersTo(this.#functions, own.start).length > 0;
  }

  /** What the frame's function was handed whoever was called: itself, or one that ended in a jump to it. */
  #passedByPointer(frame: number, name: string): Followed | undefined {
    const own = this.#codeOf(frame);
    const found = this.#callerOf(frame)?.register(name);
    if (own === undefined || found === undefined) return undefined;
    const others = jumpersTo(this.#functions, own.start);
    if (!others.every((step) => this.#along(frame, [step])(name)?.value === found.value)) return undefined;
    return withNote(found, BY_POINTER);
  }

  /** What every way from the function that was called hands on; undefined where they differ. */
  #passedOn(frame: number, from: FunctionCode, name: string): Followed | undefined {
    const ways = this.waysTo(frame, from);
    if (typeof ways === 'string') return undefined;
    let found: Followed | undefined;
    for (const way of ways) {
      const one = this.#along(frame, way)(name);
      if (one === undefined || (found !== undefined && found.value !== one.value)) return undefined;
      found ??= one;
    }
    return withNote(found, `handed on by ${from.name}, which ended in a jump`);
  }

  /** The ways from a function that was called to the frame's; a sentence where there are none. */
  waysTo(frame: number, from: FunctionCode): readonly TailWay[] | string {
    let ways = this.#ways.get(frame);
    if (ways === undefined) {
      const own = this.#codeOf(frame);
      ways = own === undefined ? 'its code is not known' : tailWays(this.#functions, from, own.start);
      this.#ways.set(frame, ways);
    }
    return ways;
  }

  /** The registers at the end of a way: those that are kept are the caller's, the others what the last jump met. */
  #along(frame: number, way: TailWay): (name: string) => Followed | undefined {
    const kept = (name: string): Followed | undefined => {
      if (name === 'rsp') return this.#stackPointerAtEntry(frame);
      return calleeSaved.has(name) ? this.registerAt(frame + 1, name) : undefined;
    };
    let entry = (name: string): Followed | undefined => kept(name) ?? this.#callerOf(frame)?.register(name);
    for (const { code, jump } of way) {
      const surroundings: Surroundings = { now: kept, entry, memory: (address, part) => this.#memory(address, part) };
      const run = new Activation(code, jump, surroundings);
      entry = (name) => run.register(name);
    }
    return entry;
  }

  /** Of a function that was called, what it has kept of what it was handed. */
  #keptByCallee(frame: number, name: string): Followed | undefined {
    if (frame === 0 || calleeSaved.has(name) || this.called(frame - 1)?.kind !== 'direct') return undefined;
    return this.kept(frame - 1, name);
  }

  /** Words of the frames are as good as registers that are kept; other memory anybody may have written since. */
  #memory(address: bigint, { size, segment }: Pick<MemoryFormula, 'size' | 'segment'>): Followed | undefined {
    if (segment !== undefined) return undefined;
    const at = virtAddr(address);
    const bytes = attempt(() => this.#kernel.memory.bytes(at, size));
    if (bytes === undefined) return undefined;
    let value = 0n;
    for (const byte of bytes.toReversed()) value = (value << 8n) | BigInt(byte);
    if (this.#isLiveStack(at)) return knownValue(value, `read from the stack at ${at.toString(16)}`);
    return { value, notes: [`read from memory at ${at.toString(16)}, which may have changed since`], stale: true };
  }

  #isLiveStack(address: VirtAddr): boolean {
    return this.#frames.some(({ stack, sp }) => {
      if (stack === undefined || address < sp || address >= addVirt(stack.base, stack.size)) return false;
      return this.#frames.find((first) => first.stack?.base === stack.base)?.sp === sp;
    });
  }
}

/** What was read from memory that may have changed is not believed. */
function fresh(found: Followed | undefined): Followed | undefined {
  return found?.stale === true ? undefined : found;
}

function withNote(found: Followed | undefined, note: string): Followed | undefined {
  return found && { ...found, notes: [...found.notes, note] };
}
