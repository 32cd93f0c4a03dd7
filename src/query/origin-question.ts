/** What `origin` is asked about: a register of a frame, a variable, or an expression that leads through one. */

import { hex, virtAddr } from '../base/addr.ts';
import { attempt, LookupError } from '../base/errors.ts';
import { nearestNames } from '../base/suggest.ts';
import { typeName } from '../debuginfo/types/declaration.ts';
import { sizeOf } from '../debuginfo/types/type.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { calleeSavedRegisters, callerSavedRegisters } from '../arch/x86-64/registers.ts';
import { canonicalFrameAddress } from '../unwind/canonical-frame.ts';
import type { OriginChain } from '../unwind/origin/chain.ts';
import { Runs } from '../unwind/origin/runs.ts';
import { Tracer } from '../unwind/origin/tracer.ts';
import { variablesAt, type PlacedVariable } from '../unwind/origin/variable-places.ts';
import type { Unwinder } from '../unwind/unwinder.ts';
import { addressOfValue, scalarOf, type Value } from '../values/value.ts';
import { describeFrame } from './backtrace.ts';
import { nameOf, type FramePosition } from './chosen-frame.ts';
import { OriginDescription } from './origin-description.ts';
import type { OriginExpression, OriginReport } from './origin-report.ts';
import { OriginNames } from './origin-names.ts';
import { walkStack, type StackSubject } from './stack-walk.ts';

/** Registers whose values are followed. */
const followedRegisters = new Set([...calleeSavedRegisters, ...callerSavedRegisters, 'rsp']);

export function isFollowedRegister(word: string): boolean {
  return followedRegisters.has(word);
}

export class OriginQuestion {
  readonly #kernel: Kernel;
  readonly #runs: Runs;
  readonly #infer: boolean;
  readonly #incomplete: string | undefined;

  /**
   * @param infer whether steps that are not proved are wanted, too, marked
   * @throws NeedResource where the disassembler is not loaded
   */
  constructor(kernel: Kernel, unwinder: Unwinder, subject: StackSubject, infer: boolean) {
    const { frames, user, incomplete } = walkStack(unwinder, subject);
    this.#kernel = kernel;
    this.#infer = infer;
    this.#incomplete = incomplete;
    this.#runs = new Runs(kernel, { frames, user, cpu: subject.header.cpu }, infer);
  }

  /** @throws LookupError for a frame that is not there */
  register(position: FramePosition, name: string): OriginReport {
    this.#check(position);
    return this.#report(position, undefined, this.#tracer().register(position.number, name));
  }

  /**
   * The value of an expression; the origin is that of the variable it begins with.
   * @param value undefined where the variable has none that is known
   */
  expression(position: FramePosition, text: string, value: () => Value): OriginReport {
    this.#check(position);
    const name = /^[\s(*&]*([A-Za-z_]\w*)/.exec(text)?.[1] ?? '';
    const variables = this.#variables(position);
    const variable = variables.find((one) => one.name === name);
    if (variable === undefined) return this.#elsewhere(position, text, value, variables);
    const chain = this.#ofVariable(position, variable);
    const isWhole = text.trim() === name;
    const found = isWhole ? attempt(value) : value();
    const place = isWhole ? this.#placeText(position, variable) : memoryText(found);
    const expression: OriginExpression = {
      text,
      type: typeName(isWhole ? variable.type : (found?.type ?? variable.type)),
      value: found && attempt(() => scalarOf(found)),
      place,
      through: isWhole || chain === undefined ? undefined : `${name}, through which it leads`,
    };
    return this.#report(position, expression, chain);
  }

  #elsewhere(
    position: FramePosition,
    text: string,
    value: () => Value,
    variables: readonly PlacedVariable[],
  ): OriginReport {
    const isName = /^\w+$/.test(text) && !/^\d/.test(text);
    if (isName && this.#kernel.symbols.named(text).length === 0) {
      const near = nearestNames(text, [...followedRegisters, ...variables.map((one) => one.name)]);
      throw new LookupError(`register or variable of frame ${nameOf(position)}`, text, near);
    }
    const found = value();
    const expression: OriginExpression = {
      text,
      type: typeName(found.type),
      value: attempt(() => scalarOf(found)),
      place: `${memoryText(found)}; no variable of the frame leads there`,
      through: undefined,
    };
    return this.#report(position, expression, undefined);
  }

  #names(): OriginNames {
    const { frames } = this.#runs.stack;
    return new OriginNames(this.#kernel, (frame) => attempt(() => canonicalFrameAddress(this.#kernel, frames, frame)));
  }

  #tracer(): Tracer {
    return new Tracer(this.#runs, this.#infer);
  }

  #ofVariable({ number }: FramePosition, { place, type }: PlacedVariable): OriginChain | undefined {
    switch (place.kind) {
      case 'register':
        return isFollowedRegister(place.register) ? this.#tracer().register(number, place.register) : undefined;
      case 'frame': {
        const base = canonicalFrameAddress(this.#kernel, this.#runs.stack.frames, number);
        const size = sizeOf(type);
        if (base === undefined || ![1, 2, 4, 8].includes(size)) return undefined;
        return this.#tracer().slot(number, virtAddr(base + place.offset), size);
      }
      case 'entry':
        return this.#tracer().entry(number, place.register);
      case 'constant':
      case 'computed':
      case 'nowhere':
        return undefined;
    }
  }

  #placeText({ number }: FramePosition, { place }: PlacedVariable): string {
    switch (place.kind) {
      case 'register': {
        const offset =
          place.offset === 0n ? '' : place.offset < 0n ? ` - 0x${hex(-place.offset)}` : ` + 0x${hex(place.offset)}`;
        return `${place.register}${offset}`;
      }
      case 'frame': {
        const base = canonicalFrameAddress(this.#kernel, this.#runs.stack.frames, number);
        return base === undefined ? 'on the stack' : `on the stack, at ${hex(virtAddr(base + place.offset))}`;
      }
      case 'entry':
        return `${place.register} as it was when the function was entered`;
      case 'constant':
        return 'a constant, by the debug information';
      case 'computed':
        return 'computed from several things, by the debug information';
      case 'nowhere':
        return 'the compiler left it nowhere at this place in the code';
    }
  }

  #variables({ number, inlined }: FramePosition): PlacedVariable[] {
    const frame = this.#runs.stack.frames[number];
    if (frame === undefined) return [];
    const at = frame.exact ? frame.ip : virtAddr(frame.ip - 1n);
    return variablesAt(this.#kernel, at).filter((one) => one.inlined === inlined);
  }

  #check(position: FramePosition): void {
    const { frames } = this.#runs.stack;
    if (position.number < frames.length) return;
    const why =
      frames.length === 0 ? (this.#incomplete ?? 'the task is in user mode') : `bt has 0 to ${frames.length - 1}`;
    throw new LookupError('frame', `${nameOf(position)} (${why})`);
  }

  #report(
    { number, inlined }: FramePosition,
    expression: OriginExpression | undefined,
    chain: OriginChain | undefined,
  ): OriginReport {
    const { frames } = this.#runs.stack;
    const described = frames.map((frame, index) => () => describeFrame(this.#kernel, frame, index).frame);
    const origin = chain && new OriginDescription(this.#kernel, this.#names()).list(chain);
    const wanted = new Set([number, ...(origin?.rows ?? []).map((row) => row.frame)]);
    const shown = [...wanted].flatMap((index) => described[index]?.() ?? []);
    const [frame] = shown;
    if (frame === undefined) throw new LookupError('frame', String(number));
    return { type: 'origin', frame, inlined, expression, frames: shown, origin };
  }
}

function memoryText(value: Value | undefined): string {
  const address = value && addressOfValue(value);
  return address === undefined ? 'computed' : `memory at ${hex(address)}, as it is now`;
}
