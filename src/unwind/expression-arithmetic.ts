/** Operations of DWARF expressions that replace entries of the stack by a result: DWARF 5 section 2.5.1.4. */

import { FormatError } from '../base/errors.ts';
import * as O from '../debuginfo/dwarf/operation-constants.ts';
import { binary, compare, unary, type BinaryOperation, type Comparison, type StackEntry } from './typed-stack.ts';

/** The result of an operation on what it pops. Throws FormatError where there is no such operation. */
export function computed(operation: number, pop: () => StackEntry): StackEntry {
  const binaryName = binaryOperations.get(operation);
  if (binaryName !== undefined) {
    const b = pop();
    return binary(binaryName, pop(), b);
  }
  const comparison = comparisons.get(operation);
  if (comparison !== undefined) {
    const b = pop();
    return compare(comparison, pop(), b);
  }
  const unaryName = unaryOperations.get(operation);
  if (unaryName === undefined)
    throw new FormatError('DWARF expression', `uses operation 0x${operation.toString(16)}, which is not supported`);
  return unary(unaryName, pop());
}

const binaryOperations = new Map<number, BinaryOperation>([
  [O.DW_OP_and, 'and'],
  [O.DW_OP_div, 'div'],
  [O.DW_OP_minus, 'minus'],
  [O.DW_OP_mod, 'mod'],
  [O.DW_OP_mul, 'mul'],
  [O.DW_OP_or, 'or'],
  [O.DW_OP_plus, 'plus'],
  [O.DW_OP_shl, 'shl'],
  [O.DW_OP_shr, 'shr'],
  [O.DW_OP_shra, 'shra'],
  [O.DW_OP_xor, 'xor'],
]);
const comparisons = new Map<number, Comparison>([
  [O.DW_OP_eq, 'eq'],
  [O.DW_OP_ge, 'ge'],
  [O.DW_OP_gt, 'gt'],
  [O.DW_OP_le, 'le'],
  [O.DW_OP_lt, 'lt'],
  [O.DW_OP_ne, 'ne'],
]);
const unaryOperations = new Map<number, 'abs' | 'neg' | 'not'>([
  [O.DW_OP_abs, 'abs'],
  [O.DW_OP_neg, 'neg'],
  [O.DW_OP_not, 'not'],
]);
