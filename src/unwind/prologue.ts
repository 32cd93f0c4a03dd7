/**
 * Registers of a caller where nothing describes the callee: from the callee's own code. Its prologue pushes the
 * registers it will use; one that no instruction of it writes is as it was. Inferred, and said to be so.
 *
 * What is believed: pushes that follow each other from the function's first instruction on, before anything else that
 * moves the stack pointer, at the places that ORC's CFA gives them, when the frame has got past them.
 */

import { addVirt, type VirtAddr } from '../base/addr.ts';
import { disassemblerFor } from '../disasm/disassembler.ts';
import type { Instruction } from '../disasm/instruction.ts';
import { bytesOf, readCode } from '../kernel/code.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { Frame } from './frame.ts';
import { calleeSavedRegisters, type FrameRegisters, type KnownRegister } from './frame-registers.ts';

const LONGEST_FUNCTION = 1 << 16;
const WORD = 8;

/** @throws NeedResource where the disassembler is not loaded */
export function registersByPrologue(
  kernel: Kernel,
  below: Frame,
  known: FrameRegisters,
  frame: Frame,
): Map<string, KnownRegister> | undefined {
  const at = below.exact ? below.ip : addVirt(below.ip, -1);
  const range = kernel.symbols.codeAt(at);
  if (range === undefined || range.end - range.start > LONGEST_FUNCTION) return undefined;
  const disassembler = disassemblerFor(kernel.target.architecture.name);
  const { pieces } = readCode(kernel, range.start, Number(range.end - range.start));
  if (pieces.some((piece) => piece.substitute !== undefined)) return undefined;
  const code = disassembler.decode(bytesOf(pieces), range.start);
  const pushed = pushesOf(code, below.ip);
  const writes = new Set(code.flatMap((instruction) => disassembler.effects(instruction).writes));
  const found = new Map<string, KnownRegister>();
  for (const name of calleeSavedRegisters) {
    const position = pushed.indexOf(name);
    const before = known.get(name);
    if (position >= 0) {
      // The return address lies below the CFA, and the first push below that.
      const address = addVirt(frame.sp, -WORD * (position + 2));
      const value = kernel.memory.u64(address);
      found.set(name, {
        value,
        source: { kind: 'slot', address },
        inferred: `pushed by the prologue of the function below`,
      });
    } else if (!writes.has(name) && before !== undefined) {
      const source = before.source.kind === 'same' ? before.source : ({ kind: 'same', as: before.source } as const);
      found.set(name, { value: before.value, source, inferred: 'no instruction of the function below writes it' });
    }
  }
  return found;
}

/** The registers that the first instructions push, in order, as far as the frame has got past them. */
function pushesOf(code: readonly Instruction[], ip: VirtAddr): string[] {
  const pushed: string[] = [];
  for (const { name, operands, address } of code) {
    if (address >= ip) break;
    const [operand] = operands;
    if (name === 'push' && operand?.kind === 'register') pushed.push(operand.whole);
    else if (!harmless.has(name)) break;
  }
  return pushed;
}

/** What stands between pushes, and moves no stack pointer: the place for a tracer's call, a mark of indirect branches. */
const harmless = new Set(['nop', 'endbr64', 'mov', 'xor', 'lea']);
