/**
 * Every word of a stack that is an address in code, whatever left it there: for stacks that cannot be unwound. From
 * the last known stack pointer on, and from stack to stack as far as the walk leads; or all of the task's own stack.
 */

import { addVirt, virtAddr, type VirtAddr } from '../base/addr.ts';
import { attempt } from '../base/errors.ts';
import type { Registers } from '../arch/architecture.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { Stack } from '../kernel/stacks.ts';
import type { Frame } from '../unwind/frame.ts';
import type { Unwinder } from '../unwind/unwinder.ts';
import { walkStack, type StackSubject, type StackWalk, type TaskHeader } from './stack-walk.ts';
import { WORD, wordRuns } from './stack-words.ts';

/** An address in code. */
export interface TextPlace {
  readonly address: VirtAddr;
  readonly symbol: string | undefined;
  /** In bytes from the symbol. */
  readonly offset: number;
  readonly module: string | undefined;
}

export interface TextWord extends TextPlace {
  readonly slot: VirtAddr;
  /** The number of the frame whose return address it is; undefined for a word that may be left from anything. */
  readonly frame: number | undefined;
}

/** A stack that the way leads over. */
export interface StackTextPart {
  /** "IRQ", "NMI exception"; empty for the task's own. */
  readonly stack: string;
  /** What was interrupted here when the stack before was taken. */
  readonly interrupted: { readonly at: TextPlace; readonly registers: Registers } | undefined;
  /** Words below the saved registers of what was interrupted, and above them. */
  readonly before: readonly TextWord[];
  readonly words: readonly TextWord[];
  /** Why some words could not be looked at, each reason once. */
  readonly unavailable: readonly string[];
}

export interface StackText {
  readonly type: 'stack-text';
  readonly offsets: 'none' | 'decimal' | 'hex';
  readonly header: TaskHeader;
  /** Where the task was; undefined where that is not known, or all of the stack was asked for. */
  readonly start: TextPlace | undefined;
  readonly parts: readonly StackTextPart[];
  readonly userRegisters: Registers | undefined;
  readonly incomplete: string | undefined;
}

export function stackText(
  kernel: Kernel,
  unwinder: Unwinder,
  subject: StackSubject,
  whole: boolean,
  offsets: StackText['offsets'],
): StackText {
  const walk = walkStack(unwinder, subject);
  const search = new TextSearch(kernel, walk.frames);
  const regions = whole ? wholeStack(unwinder, subject) : visitedStacks(kernel, unwinder, walk);
  const ip = whole ? undefined : walk.start?.registers[kernel.target.architecture.instructionPointer];
  const start = ip === undefined || ip === 0n ? undefined : search.place(virtAddr(ip), walk.start?.exact === true);
  return {
    type: 'stack-text',
    offsets,
    header: subject.header,
    start,
    parts: regions.map((region) => search.part(region)),
    userRegisters: walk.user?.registers,
    incomplete: regions.length === 0 ? (walk.incomplete ?? reasonForNothing(walk)) : undefined,
  };
}

function reasonForNothing({ inUserMode, subject }: StackWalk): string | undefined {
  if (inUserMode) return undefined;
  return subject.task === undefined ? 'which task it is of is not known' : 'its stack is not known';
}

/** A stretch of one stack to be searched, and the registers that lie in it. */
interface Region {
  readonly stack: Stack;
  readonly from: VirtAddr;
  /** The frame interrupted here, where its registers were saved on this stack or on the one before. */
  readonly interrupted: Frame | undefined;
}

/** All but the lowest word, which is STACK_END_MAGIC. */
function wholeStack({ stacks }: Unwinder, { task }: StackSubject): Region[] {
  const stack = task && attempt(() => stacks.ofTask(task));
  return stack === undefined || stack.base === 0n
    ? []
    : [{ stack, from: addVirt(stack.base, WORD), interrupted: undefined }];
}

/**
 * Each stack the frames are on, once, in their order. Where the walk broke before it came to the task's own, that one
 * as a whole: nothing tells where on it the task was.
 */
function visitedStacks(kernel: Kernel, unwinder: Unwinder, { subject, start, frames }: StackWalk): Region[] {
  const regions: Region[] = [];
  for (const [number, frame] of frames.entries()) {
    const { stack } = frame;
    if (stack === undefined || regions.some((region) => region.stack.base === stack.base)) continue;
    const next = frames[number + 1];
    const interrupted = regions.length === 0 ? undefined : [frame, next].find((one) => one?.saved !== undefined);
    regions.push({ stack, from: number === 0 ? lowestOf(kernel, subject, frame) : lowestWord(frame), interrupted });
  }
  if (regions.length === 0 && start !== undefined) {
    const sp = virtAddr(start.registers[kernel.target.architecture.stackPointer] ?? 0n);
    const stack = unwinder.stacks.at(sp, subject.task);
    if (stack !== undefined) regions.push({ stack, from: start.slot ?? sp, interrupted: undefined });
  }
  if (start !== undefined && !regions.some(({ stack }) => stack.kind === 'task'))
    regions.push(...wholeStack(unwinder, subject));
  return regions;
}

function lowestWord(frame: Frame): VirtAddr {
  return frame.saved === undefined ? frame.slot : frame.sp;
}

/** Of the frame the walk began with: a task that was switched away has its registers saved below its return address. */
function lowestOf(kernel: Kernel, { task }: StackSubject, frame: Frame): VirtAddr {
  const lowest = lowestWord(frame);
  const saved = task && attempt(() => kernel.struct('inactive_task_frame', task.savedStackPointer));
  return saved !== undefined && attempt(() => saved.at('ret_addr')) === lowest ? saved.address : lowest;
}

class TextSearch {
  readonly #kernel: Kernel;
  readonly #frames: ReadonlyMap<bigint, { readonly number: number; readonly ip: VirtAddr }>;

  constructor(kernel: Kernel, frames: readonly Frame[]) {
    this.#kernel = kernel;
    const returns = frames.flatMap(({ slot, ip, exact }, number) => (exact ? [] : [[slot, { number, ip }] as const]));
    this.#frames = new Map(returns);
  }

  part({ stack, from, interrupted }: Region): StackTextPart {
    const top = addVirt(stack.base, stack.size);
    const saved = interrupted?.saved;
    const size = this.#kernel.target.architecture.savedRegisters.size;
    const inside = saved !== undefined && saved.address >= from && addVirt(saved.address, size) <= top;
    const unavailable = new Set<string>();
    return {
      stack: stack.name,
      interrupted: saved &&
        interrupted && { at: this.place(interrupted.ip, interrupted.exact), registers: saved.registers },
      before: inside ? this.#words(from, saved.address, unavailable) : [],
      words: this.#words(inside ? addVirt(saved.address, size) : from, top, unavailable),
      unavailable: [...unavailable],
    };
  }

  /** @param exact whether it is where something was, not where it returns to */
  place(address: VirtAddr, exact: boolean): TextPlace {
    const at = exact ? address : addVirt(address, -1);
    const found = this.#kernel.symbols.at(at);
    return {
      address,
      symbol: found?.symbol.name,
      offset: found === undefined ? 0 : Number(address - found.symbol.address),
      module: found?.symbol.module ?? this.#kernel.modules().at(at)?.name,
    };
  }

  #words(from: VirtAddr, to: VirtAddr, unavailable: Set<string>): TextWord[] {
    const words: TextWord[] = [];
    const { symbols } = this.#kernel;
    for (const { address, count, view, why } of wordRuns(this.#kernel.memory, from, to)) {
      if (view === undefined) unavailable.add(why);
      else
        for (let index = 0; index < count; index++) {
          if (view.getUint8(index * WORD + 7) !== 0xff) continue;
          const slot = addVirt(address, index * WORD);
          const value = virtAddr(view.getBigUint64(index * WORD, true));
          if (!symbols.isText(value)) continue;
          const frame = this.#frames.get(slot);
          // What a tracer put in its place is shown as it stands there.
          words.push({ ...this.place(value, value !== frame?.ip), slot, frame: frame?.number });
        }
    }
    return words;
  }
}
