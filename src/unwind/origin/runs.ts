/**
 * The functions of a stack as they run: one for each frame, and one for each function that ended in a jump to the next.
 * What is known of each: the registers of its frame, and what its caller handed it.
 */

import { addVirt, virtAddr, type VirtAddr } from '../../base/addr.ts';
import { once } from '../../base/search.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import { knownValue, type Followed, type Surroundings } from '../code/activation.ts';
import { WORD, type MemoryFormula } from '../code/formula.ts';
import type { FunctionCode } from '../code/function-code.ts';
import { functionsOf, type Functions } from '../code/functions.ts';
import { jumpersTo } from '../code/jumpers.ts';
import { tailWays, type TailWay } from '../code/tail-ways.ts';
import { frameRegisters, type FrameRegisters } from '../frame-registers.ts';
import { moduleCodeWith } from './constant-code.ts';
import { momentOfEntry, type Moment } from './moment.ts';
import { narrow } from './narrowing.ts';
import { RunActivation } from './run-activation.ts';
import { isHandedOut } from './slots.ts';
import { StackView, type WalkedStack } from './stack-view.ts';

/** One run of a function. */
export interface Run {
  /** The frame on the stack; of a function that ended in a jump, the frame of the one that runs in its place. */
  readonly frame: number;
  /** It ended in a jump. */
  readonly left: boolean;
  /** Without the ways that are proved not to have been taken. */
  readonly activation: RunActivation;
  /** Without those either that do not fit memory as it is now: what is known by it is inferred. */
  readonly likely: RunActivation;
  readonly entered: Entered;
}

/** How a function came to run. */
export type Entered =
  /** By the call or jump at an index. */
  | { readonly kind: 'handed'; readonly by: Run; readonly index: number; readonly notes: readonly string[] }
  /** By an exception, interrupt or system call, which saved the registers of the frame that it hit. */
  | { readonly kind: 'interrupted'; readonly frame: number }
  | { readonly kind: 'user' }
  | { readonly kind: 'unknown'; readonly why: string };

/** How many functions are named where one of them is meant. */
const MOST_NAMED = 3;
const changed = 'read from memory, which may have changed since';

export class Runs {
  readonly stack: StackView;
  readonly #kernel: Kernel;
  readonly #functions: Functions;
  readonly #infer: boolean;
  readonly #registers: readonly FrameRegisters[];
  readonly #runs = new Map<number, Run | string>();
  readonly #moments = new Map<number, Moment | string>();

  /**
   * @param infer whether values that are not proved are wanted, too
   * @throws NeedResource where the disassembler is not loaded
   */
  constructor(kernel: Kernel, stack: WalkedStack, infer: boolean) {
    this.stack = new StackView(kernel, stack);
    this.#kernel = kernel;
    this.#functions = functionsOf(kernel);
    this.#infer = infer;
    this.#registers = frameRegisters(kernel, stack.frames, infer);
  }

  /** The run of the function that a frame is in; a sentence where its code is not known. */
  of(frame: number): Run | string {
    let run = this.#runs.get(frame);
    if (run === undefined) {
      run = this.#runOf(frame);
      this.#runs.set(frame, run);
    }
    return run;
  }

  /** Where a frame stands; a sentence where its code is not known. */
  momentOf(frame: number): Moment | string {
    let moment = this.#moments.get(frame);
    if (moment === undefined) {
      moment = this.#momentOf(frame);
      this.#moments.set(frame, moment);
    }
    return moment;
  }

  /** When a function was called, or jumped to, by what is known of its entry. */
  momentOfCall(entry: Moment, { by, index, notes }: Extract<Entered, { kind: 'handed' }>): Moment {
    const known = new Map<string, Followed>();
    for (const [name, value] of entry.known)
      if (name !== 'rsp' && name !== 'rip')
        known.set(name, { ...value, notes: [...new Set([...value.notes, ...notes])] });
    const own = by.left ? [] : this.#ownKnown(by.frame);
    return { run: by, index, known: new Map([...known, ...own]) };
  }

  registers(frame: number): FrameRegisters {
    return this.#registers[frame] ?? new Map();
  }

  /** The functions on the stack, and those of the module that a run's function is of, that have a constant in them. */
  *codeWith(constant: bigint, { activation }: Run): Generator<FunctionCode> {
    for (const frame of this.stack.frames.keys()) {
      const run = this.of(frame);
      if (typeof run !== 'string') yield run.activation.code;
    }
    yield* moduleCodeWith(this.#kernel, this.#functions, activation.code.start, constant);
  }

  /** Whether an address is among a run's own words of the stack; those of a function that has left are overwritten. */
  isOwn({ frame, left }: Run, address: bigint): boolean {
    if (!left) return this.stack.ownerOf(frame, address) === frame;
    const caller = this.stack.frames[frame + 1];
    return caller?.stack !== undefined && address >= caller.stack.base && address < caller.sp;
  }

  /** The function that a call leads to; undefined where it is not known. */
  calleeOf({ activation }: Run, index: number): VirtAddr | undefined {
    const target = activation.code.target(index);
    if (target?.kind !== 'computed') return target?.address;
    const computed = activation.evaluate(target.formula, index);
    return computed && virtAddr(computed.value);
  }

  /** Of a call or jump to where no code is, which has executed nothing, the call itself. */
  #momentOf(frame: number): Moment | string {
    const run = this.of(frame);
    if (typeof run !== 'string') return { run, index: run.activation.place, known: this.#knownIn(run) };
    return this.#isEmpty(frame) ? this.momentOf(frame + 1) : run;
  }

  #isEmpty(frame: number): boolean {
    return this.stack.frames[frame + 1]?.origin === 'empty-call';
  }

  #runOf(number: number): Run | string {
    const frame = this.stack.frames[number];
    if (frame === undefined) return 'there is no such frame';
    const code = this.#functions.at(frame.exact ? frame.ip : addVirt(frame.ip, -1));
    if (code === undefined) return 'the dump does not have the code of this function';
    const place = frame.exact ? code.indexAt(frame.ip) : code.callBefore(frame.ip);
    if (place === undefined) return `no ${frame.exact ? 'instruction' : 'call'} of ${code.name} leads to this address`;
    return this.#run(number, code, place, false, () => this.#enteredFrame(number, code));
  }

  #run(frame: number, code: FunctionCode, place: number, left: boolean, entered: () => Entered): Run {
    const surroundings: Surroundings = {
      now: (register) => (left ? undefined : this.#known(frame, register)),
      entry: (register) => handedIn(run.entered, register, this.#infer),
      memory: (address, part) => this.#memory(run, whole, address, part),
    };
    const make = (narrower: FunctionCode): RunActivation => new RunActivation(narrower, place, surroundings);
    const whole = make(code);
    const proved = once(() => narrow(whole, make, false));
    const likely = once(() => (this.#infer ? narrow(proved(), make, true) : proved()));
    const known = once(entered);
    const run: Run = {
      frame,
      left,
      get activation() {
        return proved();
      },
      get likely() {
        return likely();
      },
      get entered() {
        return known();
      },
    };
    return run;
  }

  /** The registers of a frame, and those that the function it called has left as it found them. */
  #knownIn(run: Run): Map<string, Followed> {
    const callee = run.frame === 0 ? undefined : this.of(run.frame - 1);
    const known = new Map(this.#ownKnown(run.frame));
    if (typeof callee === 'string' && this.#isEmpty(run.frame - 1)) {
      const below = new Map(this.#ownKnown(run.frame - 1));
      for (const name of ['rip', 'rsp']) below.delete(name);
      return new Map([...below, ...known]);
    }
    if (callee === undefined || typeof callee === 'string') return known;
    const { entered } = callee;
    if (entered.kind !== 'handed' || entered.by !== run || entered.notes.length > 0) return known;
    const below = this.momentOf(run.frame - 1);
    if (typeof below === 'string') return known;
    return new Map([
      ...this.momentOfCall(
        momentOfEntry(below, () => false),
        entered,
      ).known,
      ...known,
    ]);
  }

  #ownKnown(frame: number): [string, Followed][] {
    return Array.from(this.registers(frame), ([name, { value, inferred }]) => [name, knownValue(value, inferred)]);
  }

  #known(frame: number, name: string): Followed | undefined {
    const known = this.registers(frame).get(name);
    return known && knownValue(known.value, known.inferred);
  }

  /** Words of its own stack that a function hands to nobody are as it left them; those of one that is gone are lost. */
  #memory(run: Run, whole: RunActivation, address: bigint, { size, segment }: MemoryFormula): Followed | undefined {
    if (segment !== undefined) return undefined;
    const own = this.isOwn(run, address);
    const value = own && run.left ? undefined : this.stack.word(address, size);
    if (value === undefined) return undefined;
    if (own && !isHandedOut(whole, address)) return knownValue(value);
    return this.#infer ? { value, notes: [changed], stale: true } : undefined;
  }

  #enteredFrame(number: number, code: FunctionCode): Entered {
    const caller = this.stack.frames[number + 1];
    if (caller?.saved !== undefined) return { kind: 'interrupted', frame: number + 1 };
    if (caller === undefined)
      return this.stack.user === undefined
        ? { kind: 'unknown', why: 'no caller is known: the stack ends here' }
        : { kind: 'user' };
    const run = this.of(number + 1);
    if (typeof run === 'string') return { kind: 'unknown', why: `in the caller: ${run}` };
    return this.#through(run, number, code);
  }

  /** Of a pointer that is not known, the function itself was called where none is known that ends in a jump to it. */
  #byUnknownPointer(direct: Entered, code: FunctionCode): Entered {
    const others = [...new Set(jumpersTo(this.#functions, code.start).map((step) => step.code.name))];
    if (others.length === 0) return direct;
    const some = others.slice(0, MOST_NAMED).join(', ') + (others.length > MOST_NAMED ? ', …' : '');
    return {
      kind: 'unknown',
      why: `the call was by a pointer: of ${code.name}, or of what ends in a jump to it: ${some}`,
    };
  }

  /** From a call to the function that runs now, which may be one that the called function jumped to. */
  #through(caller: Run, number: number, code: FunctionCode): Entered {
    const { activation } = caller;
    const target = activation.code.target(activation.place);
    const notes: string[] = [];
    let address = target?.kind === 'address' ? target.address : undefined;
    if (target?.kind === 'computed') {
      const computed = activation.evaluate(target.formula, activation.place);
      if (computed === undefined) notes.push('passed by an indirect call');
      else notes.push(...computed.notes.map((note) => `passed by an indirect call (its pointer: ${note})`));
      address = computed && virtAddr(computed.value);
    }
    const direct: Entered = { kind: 'handed', by: caller, index: activation.place, notes };
    const called = address === undefined ? undefined : this.#functions.at(address);
    if (called === code) return direct;
    if (called === undefined) return this.#byUnknownPointer(direct, code);
    const ways = tailWays(this.#functions, called, code.start);
    const [way, another] = typeof ways === 'string' ? [] : ways;
    if (way !== undefined && another === undefined) return this.#behind(way, direct, number);
    const why = typeof ways === 'string' ? ways : `${ways.length} ways lead from it to ${code.name}`;
    return (
      this.#byPointer(called, direct, number, code.start) ?? {
        kind: 'unknown',
        why: `the caller called ${called.name}, which is no longer on the stack: ${why}`,
      }
    );
  }

  /** A function that was called and jumped to an address that it had read: to this one, or to what else is not known. */
  #byPointer(called: FunctionCode, direct: Entered, number: number, start: VirtAddr): Entered | undefined {
    const jumps = called.tailJumps.flatMap(({ index, target }): Entered[] => {
      if (target.kind !== 'computed') return [];
      const by = this.#run(number, called, index, true, () => direct);
      const to = by.activation.evaluate(target.formula, index);
      if (to !== undefined && to.value !== BigInt(start)) return [];
      const how = to === undefined ? ['not known'] : to.notes;
      return [{ kind: 'handed', by, index, notes: how.map((note) => `${called.name} jumped to a pointer: ${note}`) }];
    });
    return jumps.length === 1 ? jumps[0] : undefined;
  }

  #behind(way: TailWay, direct: Entered, number: number): Entered {
    let entered = direct;
    for (const { code, jump } of way) {
      const before = entered;
      entered = { kind: 'handed', by: this.#run(number, code, jump, true, () => before), index: jump, notes: [] };
    }
    return entered;
  }
}

/** What a function was handed in a register. */
function handedIn(entered: Entered, register: string, infer: boolean): Followed | undefined {
  if (entered.kind !== 'handed' || (!infer && entered.notes.length > 0)) return undefined;
  const { by, index, notes } = entered;
  const found = by.activation.before(index, register);
  if (found === undefined) return undefined;
  // The call pushed its return address.
  const value = register === 'rsp' && !isJump(by, index) ? BigInt.asUintN(64, found.value - BigInt(WORD)) : found.value;
  return { ...found, value, notes: [...new Set([...found.notes, ...notes])] };
}

function isJump({ activation }: Run, index: number): boolean {
  return activation.code.instructions[index]?.kind !== 'call';
}
