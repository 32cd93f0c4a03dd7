/**
 * DWARF expressions as call frame rules use them: registers, constants, arithmetic, memory. DWARF 5 section 2.5.
 * Undefined where an operation is not one of those, or a register is not known.
 */

import { virtAddr } from '../base/addr.ts';
import { byteAt, lebBigAt, lebLength, u16At, u32At, u64At } from '../bytes/read.ts';
import * as O from '../debuginfo/dwarf/operation-constants.ts';
import type { AddressSpace } from '../memory/address-space.ts';

const MOST_STEPS = 1000;

/** @param stack what the expression begins with: the CFA, for a register's rule */
export function evaluate(
  expression: Uint8Array,
  memory: AddressSpace,
  registerAt: (number: number) => bigint | undefined,
  stack: bigint[],
): bigint | undefined {
  let at = 0;
  const uleb = (): bigint => {
    const value = lebBigAt(expression, at, false);
    at += lebLength(expression, at);
    return value;
  };
  const sleb = (): bigint => {
    const value = lebBigAt(expression, at, true);
    at += lebLength(expression, at);
    return value;
  };
  const binary = (compute: (a: bigint, b: bigint) => bigint): boolean => {
    const b = stack.pop();
    const a = stack.pop();
    if (a === undefined || b === undefined) return false;
    stack.push(BigInt.asUintN(64, compute(a, b)));
    return true;
  };
  for (let step = 0; at < expression.length; step++) {
    if (step > MOST_STEPS) return undefined;
    const operation = byteAt(expression, at++);
    if (operation >= O.DW_OP_lit0 && operation <= O.DW_OP_lit31) {
      stack.push(BigInt(operation - O.DW_OP_lit0));
      continue;
    }
    if (operation >= O.DW_OP_breg0 && operation <= O.DW_OP_breg31) {
      const base = registerAt(operation - O.DW_OP_breg0);
      const offset = sleb();
      if (base === undefined) return undefined;
      stack.push(BigInt.asUintN(64, base + offset));
      continue;
    }
    switch (operation) {
      case O.DW_OP_deref: {
        const address = stack.pop();
        if (address === undefined) return undefined;
        stack.push(memory.u64(virtAddr(address)));
        break;
      }
      case O.DW_OP_const1u:
        stack.push(BigInt(byteAt(expression, at++)));
        break;
      case O.DW_OP_const1s:
        stack.push(BigInt.asUintN(64, BigInt((byteAt(expression, at++) << 24) >> 24)));
        break;
      case O.DW_OP_const2u:
        stack.push(BigInt(u16At(expression, at)));
        at += 2;
        break;
      case O.DW_OP_const2s:
        stack.push(BigInt.asUintN(64, BigInt((u16At(expression, at) << 16) >> 16)));
        at += 2;
        break;
      case O.DW_OP_const4u:
        stack.push(BigInt(u32At(expression, at)));
        at += 4;
        break;
      case O.DW_OP_const4s:
        stack.push(BigInt.asUintN(64, BigInt(u32At(expression, at) | 0)));
        at += 4;
        break;
      case O.DW_OP_const8u:
      case O.DW_OP_const8s:
        stack.push(u64At(expression, at));
        at += 8;
        break;
      case O.DW_OP_constu:
        stack.push(BigInt.asUintN(64, uleb()));
        break;
      case O.DW_OP_consts:
        stack.push(BigInt.asUintN(64, sleb()));
        break;
      case O.DW_OP_dup: {
        const top = stack.at(-1);
        if (top === undefined) return undefined;
        stack.push(top);
        break;
      }
      case O.DW_OP_drop:
        stack.pop();
        break;
      case O.DW_OP_and:
        if (!binary((a, b) => a & b)) return undefined;
        break;
      case O.DW_OP_minus:
        if (!binary((a, b) => a - b)) return undefined;
        break;
      case O.DW_OP_mul:
        if (!binary((a, b) => a * b)) return undefined;
        break;
      case O.DW_OP_plus:
        if (!binary((a, b) => a + b)) return undefined;
        break;
      case O.DW_OP_plus_uconst: {
        const base = stack.pop();
        if (base === undefined) return undefined;
        stack.push(BigInt.asUintN(64, base + uleb()));
        break;
      }
      case O.DW_OP_shl:
        if (!binary((a, b) => a << (b & 63n))) return undefined;
        break;
      default:
        return undefined;
    }
  }
  return stack.at(-1);
}
