/** Runs the instructions of a call frame description up to an address: DWARF 5 sections 6.4.2, 6.4.3. */

import { FormatError } from '../../base/errors.ts';
import { byteAt, lebLength, s64At, slebAt, u16At, u32At, ulebAt } from '../../bytes/read.ts';
import type { CommonInformation } from './call-frames.ts';
import * as C from './frame-constants.ts';

/** How a register of the caller is found. Registers without a rule hold what they held: DWARF leaves it to the ABI. */
export type RegisterRule =
  | { readonly kind: 'undefined' | 'same' }
  /** Saved at CFA + offset. */
  | { readonly kind: 'offset'; readonly offset: number }
  /** Is CFA + offset. */
  | { readonly kind: 'value-offset'; readonly offset: number }
  | { readonly kind: 'register'; readonly register: number }
  /** Saved at, or equal to, what an expression computes. */
  | { readonly kind: 'expression' | 'value-expression'; readonly expression: Uint8Array };

export type CfaRule =
  | { readonly kind: 'register'; readonly register: number; readonly offset: number }
  | { readonly kind: 'expression'; readonly expression: Uint8Array };

export interface FrameRow {
  readonly cfa: CfaRule;
  readonly registers: ReadonlyMap<number, RegisterRule>;
  readonly returnAddressRegister: number;
}

interface State {
  cfa: CfaRule | undefined;
  registers: Map<number, RegisterRule>;
}

const DEEPEST_STATE = 256;

/** Undefined where the instructions define no CFA. Throws FormatError. */
export function runFrameProgram(
  common: CommonInformation,
  instructions: Uint8Array,
  start: number,
  address: number,
): FrameRow | undefined {
  const initial: State = { cfa: undefined, registers: new Map() };
  execute(common, common.instructions, start, Infinity, initial, initial);
  const state: State = { cfa: initial.cfa, registers: new Map(initial.registers) };
  execute(common, instructions, start, address, state, initial);
  return (
    state.cfa && { cfa: state.cfa, registers: state.registers, returnAddressRegister: common.returnAddressRegister }
  );
}

function execute(
  { codeAlignment, dataAlignment }: CommonInformation,
  bytes: Uint8Array,
  start: number,
  address: number,
  state: State,
  initial: State,
): void {
  const stack: State[] = [];
  let location = start;
  let at = 0;
  const uleb = (): number => {
    const value = ulebAt(bytes, at);
    at += lebLength(bytes, at);
    return value;
  };
  const sleb = (): number => {
    const value = slebAt(bytes, at);
    at += lebLength(bytes, at);
    return value;
  };
  const block = (): Uint8Array => {
    const length = uleb();
    at += length;
    return bytes.subarray(at - length, at);
  };
  const restore = (register: number): void => {
    const rule = initial.registers.get(register);
    if (rule === undefined) state.registers.delete(register);
    else state.registers.set(register, rule);
  };
  const cfaOffset = (offset: number): void => {
    if (state.cfa?.kind === 'register') state.cfa = { ...state.cfa, offset };
  };
  while (at < bytes.length) {
    const opcode = byteAt(bytes, at++);
    const low = opcode & 0x3f;
    switch (opcode & 0xc0) {
      case C.DW_CFA_advance_loc:
        location += low * codeAlignment;
        if (location > address) return;
        continue;
      case C.DW_CFA_offset:
        state.registers.set(low, { kind: 'offset', offset: uleb() * dataAlignment });
        continue;
      case C.DW_CFA_restore:
        restore(low);
        continue;
      default:
    }
    switch (opcode) {
      case C.DW_CFA_nop:
        break;
      case C.DW_CFA_set_loc:
        location = s64At(bytes, at);
        at += 8;
        break;
      case C.DW_CFA_advance_loc1:
        location += byteAt(bytes, at++) * codeAlignment;
        break;
      case C.DW_CFA_advance_loc2:
        location += u16At(bytes, at) * codeAlignment;
        at += 2;
        break;
      case C.DW_CFA_advance_loc4:
        location += u32At(bytes, at) * codeAlignment;
        at += 4;
        break;
      case C.DW_CFA_offset_extended:
        state.registers.set(uleb(), { kind: 'offset', offset: uleb() * dataAlignment });
        break;
      case C.DW_CFA_offset_extended_sf:
        state.registers.set(uleb(), { kind: 'offset', offset: sleb() * dataAlignment });
        break;
      case C.DW_CFA_restore_extended:
        restore(uleb());
        break;
      case C.DW_CFA_undefined:
        state.registers.set(uleb(), { kind: 'undefined' });
        break;
      case C.DW_CFA_same_value:
        state.registers.set(uleb(), { kind: 'same' });
        break;
      case C.DW_CFA_register:
        state.registers.set(uleb(), { kind: 'register', register: uleb() });
        break;
      case C.DW_CFA_remember_state:
        if (stack.length >= DEEPEST_STATE) throw new FormatError('.debug_frame', 'too many remembered states', at);
        stack.push({ cfa: state.cfa, registers: new Map(state.registers) });
        break;
      case C.DW_CFA_restore_state: {
        const saved = stack.pop();
        if (saved === undefined) throw new FormatError('.debug_frame', 'no state to restore', at);
        state.cfa = saved.cfa;
        state.registers = saved.registers;
        break;
      }
      case C.DW_CFA_def_cfa:
        state.cfa = { kind: 'register', register: uleb(), offset: uleb() };
        break;
      case C.DW_CFA_def_cfa_sf:
        state.cfa = { kind: 'register', register: uleb(), offset: sleb() * dataAlignment };
        break;
      case C.DW_CFA_def_cfa_register: {
        const register = uleb();
        if (state.cfa?.kind === 'register') state.cfa = { ...state.cfa, register };
        break;
      }
      case C.DW_CFA_def_cfa_offset:
        cfaOffset(uleb());
        break;
      case C.DW_CFA_def_cfa_offset_sf:
        cfaOffset(sleb() * dataAlignment);
        break;
      case C.DW_CFA_def_cfa_expression:
        state.cfa = { kind: 'expression', expression: block() };
        break;
      case C.DW_CFA_expression:
        state.registers.set(uleb(), { kind: 'expression', expression: block() });
        break;
      case C.DW_CFA_val_expression:
        state.registers.set(uleb(), { kind: 'value-expression', expression: block() });
        break;
      case C.DW_CFA_val_offset:
        state.registers.set(uleb(), { kind: 'value-offset', offset: uleb() * dataAlignment });
        break;
      case C.DW_CFA_val_offset_sf:
        state.registers.set(uleb(), { kind: 'value-offset', offset: sleb() * dataAlignment });
        break;
      case C.DW_CFA_GNU_args_size:
        uleb();
        break;
      default:
        throw new FormatError('.debug_frame', `unknown instruction 0x${opcode.toString(16)}`, at);
    }
    if (location > address) return;
  }
}
