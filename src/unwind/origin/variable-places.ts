/**
 * Which variables of the source are where at an address of code: DWARF's location expressions in the simple forms that
 * compilers give scalars and pointers. Others are told as computed.
 */

import type { VirtAddr } from '../../base/addr.ts';
import { attempt } from '../../base/errors.ts';
import { lebBigAt, lebLength } from '../../bytes/read.ts';
import {
  DW_AT_type,
  DW_TAG_formal_parameter,
  DW_TAG_lexical_block,
  DW_TAG_variable,
} from '../../debuginfo/dwarf/constants.ts';
import { expressionAt } from '../../debuginfo/dwarf/location-lists.ts';
import {
  DW_OP_breg0,
  DW_OP_breg31,
  DW_OP_entry_value,
  DW_OP_fbreg,
  DW_OP_stack_value,
  DW_OP_GNU_entry_value,
} from '../../debuginfo/dwarf/operation-constants.ts';
import type { Type } from '../../debuginfo/types/type.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import { registerOf } from '../call-sites.ts';
import { codeObjectAt } from '../code-lookup.ts';
import { attributeOf, constantOf } from '../variable-parts.ts';

export type VariablePlace =
  /** It is the register's value, plus an offset. */
  | { readonly kind: 'register'; readonly register: string; readonly offset: bigint }
  /** In memory, so far from the frame's base. */
  | { readonly kind: 'frame'; readonly offset: bigint }
  /** What the register was when the function was entered. */
  | { readonly kind: 'entry'; readonly register: string }
  | { readonly kind: 'constant' }
  | { readonly kind: 'computed' }
  | { readonly kind: 'nowhere' };

export interface PlacedVariable {
  readonly name: string;
  readonly type: Type;
  /** 0 for the function itself, from 1 for what was expanded in it, the innermost first, as bt numbers them. */
  readonly inlined: number;
  readonly place: VariablePlace;
}

/** Those that can be seen there, of the innermost scope first. */
export function variablesAt(kernel: Kernel, address: VirtAddr): PlacedVariable[] {
  return attempt(() => placed(kernel, address)) ?? [];
}

function placed(kernel: Kernel, address: VirtAddr): PlacedVariable[] {
  const object = codeObjectAt(kernel, address);
  const dwarf = object?.dwarf();
  if (object === undefined || dwarf === undefined) return [];
  const { dwarfRegisters } = kernel.target.architecture;
  const at = object.toTable(address);
  const found: PlacedVariable[] = [];
  let functions = -1;
  const scopes = dwarf.scopesAt(at).map((die, index) => {
    const isFunction = index === 0 || die.tag !== DW_TAG_lexical_block;
    if (isFunction) functions++;
    return { die, depth: functions };
  });
  for (const { die, depth } of scopes.toReversed()) {
    for (const child of die.children()) {
      const { name } = child;
      if (name === undefined || (child.tag !== DW_TAG_formal_parameter && child.tag !== DW_TAG_variable)) continue;
      const type = dwarf.types.typeOf(attributeOf(child, DW_AT_type)?.referenced(DW_AT_type));
      const expression = attempt(() => expressionAt(child, at));
      const isConstant = expression === undefined && attempt(() => constantOf(child, type)) !== undefined;
      const place: VariablePlace =
        expression === undefined ? { kind: isConstant ? 'constant' : 'nowhere' } : placeBy(expression, dwarfRegisters);
      found.push({ name, type, inlined: depth === 0 ? 0 : functions - depth + 1, place });
    }
  }
  return found;
}

function placeBy(expression: Uint8Array, registers: readonly string[]): VariablePlace {
  const computed: VariablePlace = { kind: 'computed' };
  const plain = registerOf(expression);
  const named = (number: number, offset: bigint): VariablePlace => {
    const register = registers[number];
    return register === undefined ? computed : { kind: 'register', register, offset };
  };
  if (plain !== undefined) return named(plain, 0n);
  const [operation] = expression;
  if (operation === undefined) return { kind: 'nowhere' };
  if (operation === DW_OP_entry_value || operation === DW_OP_GNU_entry_value) {
    const register = registerOf(expression.subarray(2, 2 + (expression[1] ?? 0)));
    const isWhole = expression.length === 3 + (expression[1] ?? 0) && expression.at(-1) === DW_OP_stack_value;
    const name = register === undefined ? undefined : registers[register];
    return name === undefined || !isWhole ? computed : { kind: 'entry', register: name };
  }
  const isOffset = operation === DW_OP_fbreg || (operation >= DW_OP_breg0 && operation <= DW_OP_breg31);
  if (!isOffset) return computed;
  const length = lebLength(expression, 1);
  const offset = lebBigAt(expression, 1, true);
  const rest = expression.subarray(1 + length);
  if (operation === DW_OP_fbreg) return rest.length === 0 ? { kind: 'frame', offset } : computed;
  const isValue = rest.length === 1 && rest[0] === DW_OP_stack_value;
  return isValue ? named(operation - DW_OP_breg0, offset) : computed;
}
