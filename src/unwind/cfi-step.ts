/** One step by call frame information: from a frame to its caller, with every register whose rule is known. */

import { calleeSavedRegisters } from '../arch/x86-64/registers.ts';
import { addVirt, virtAddr } from '../base/addr.ts';
import { FormatError, LookupError } from '../base/errors.ts';
import type { FrameRow, RegisterRule } from '../debuginfo/dwarf/frame-program.ts';
import type { AddressSpace } from '../memory/address-space.ts';
import { evaluateValue } from './dwarf-expression.ts';
import type { ExpressionContext } from './expression-context.ts';
import type { Frame, FrameState, Step } from './frame.ts';

/**
 * The frame as its call frame information means it. Inline assembler that goes over to the IRQ stack leaves the old
 * stack pointer in that stack's topmost word, and the compiler does not know of it (call_on_irqstack,
 * arch/x86/include/asm/irq_stack.h, 951c2a51ae75, v5.12).
 */
export function behindStackSwitch(memory: AddressSpace, frame: Frame): FrameState {
  const { stack, sp } = frame;
  if (stack?.kind !== 'irq' || sp !== addVirt(stack.base, stack.size - 8)) return frame;
  const before = memory.pointer(sp);
  return { ip: frame.ip, sp: before, registers: { ...frame.registers, rsp: before } };
}

const calleeSaved = new Set(calleeSavedRegisters);

/**
 * Undefined where the rules need a register that is not known, or the return address is not on the stack.
 * @param names registers by DWARF number
 * @throws FaultError where the stack cannot be read
 */
export function cfiStep(
  memory: AddressSpace,
  state: FrameState,
  row: FrameRow,
  names: readonly string[],
): Step | undefined {
  const registerAt = (number: number): bigint | undefined => state.registers[names[number] ?? ''];
  const context: ExpressionContext = {
    memory,
    register: registerAt,
    registerName: (number) => names[number] ?? `register ${number}`,
  };
  const evaluate = (expression: Uint8Array, initial: readonly bigint[]): bigint | undefined => {
    try {
      return evaluateValue(expression, context, initial);
    } catch (error) {
      if (error instanceof LookupError || error instanceof FormatError) return undefined;
      throw error;
    }
  };
  const base = row.cfa.kind === 'register' ? registerAt(row.cfa.register) : evaluate(row.cfa.expression, []);
  if (base === undefined) return undefined;
  const cfa = addVirt(virtAddr(base), row.cfa.kind === 'register' ? row.cfa.offset : 0);

  const valueOf = (rule: RegisterRule): bigint | undefined => {
    switch (rule.kind) {
      case 'undefined':
      case 'same':
        return undefined;
      case 'offset':
        return memory.u64(addVirt(cfa, rule.offset));
      case 'value-offset':
        return addVirt(cfa, rule.offset);
      case 'register':
        return registerAt(rule.register);
      case 'expression': {
        const address = evaluate(rule.expression, [cfa]);
        return address === undefined ? undefined : memory.u64(virtAddr(address));
      }
      case 'value-expression':
        return evaluate(rule.expression, [cfa]);
    }
  };

  const registers: Record<string, bigint | undefined> = { rsp: cfa };
  for (const [number, name] of names.entries()) {
    const rule = row.registers.get(number);
    if (number === row.returnAddressRegister || name === 'rsp') continue;
    if (rule === undefined || rule.kind === 'same')
      registers[name] = calleeSaved.has(name) ? registerAt(number) : undefined;
    else registers[name] = valueOf(rule);
  }
  const returnRule = row.registers.get(row.returnAddressRegister);
  if (returnRule?.kind !== 'offset') return undefined;
  const slot = addVirt(cfa, returnRule.offset);
  registers['rip'] = memory.u64(slot);
  return { kind: 'call', registers, slot };
}
