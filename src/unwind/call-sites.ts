/**
 * What a caller passed: the call site that a return address belongs to, and the expressions for its arguments. DWARF 5
 * section 3.4, and the GNU entries that version 4 had for it.
 */

import type { Die } from '../debuginfo/dwarf/die.ts';
import {
  DW_AT_GNU_call_site_target,
  DW_AT_GNU_call_site_value,
  DW_AT_GNU_tail_call,
  DW_AT_abstract_origin,
  DW_AT_call_origin,
  DW_AT_call_parameter,
  DW_AT_call_return_pc,
  DW_AT_call_tail_call,
  DW_AT_call_target,
  DW_AT_call_value,
  DW_AT_location,
  DW_AT_low_pc,
  DW_TAG_GNU_call_site,
  DW_TAG_GNU_call_site_parameter,
  DW_TAG_call_site,
  DW_TAG_call_site_parameter,
  DW_TAG_inlined_subroutine,
  DW_TAG_lexical_block,
} from '../debuginfo/dwarf/constants.ts';
import { DW_OP_reg0, DW_OP_reg31, DW_OP_regx } from '../debuginfo/dwarf/operation-constants.ts';
import { ulebAt } from '../bytes/read.ts';

export interface CallSite {
  readonly die: Die;
  /** The name of the function that is called; undefined for an indirect call. */
  readonly callee: string | undefined;
  readonly parameters: readonly CallSiteParameter[];
}

export interface CallSiteParameter {
  /** The register it is passed in, by DWARF number; undefined where it is passed otherwise. */
  readonly register: number | undefined;
  /** The entry of the parameter, as an offset of .debug_info; undefined where the register tells. */
  readonly parameter: number | undefined;
  /** What the caller passed; undefined where only the place is told. */
  readonly value: Uint8Array | undefined;
}

const DEEPEST_SCOPE = 64;

/** The call site in a function whose call returns to an address. */
export function callSiteAt(functionDie: Die, returnAddress: number): CallSite | undefined {
  const die = findSite(functionDie, returnAddress, 0);
  if (die === undefined) return undefined;
  const origin = die.referenced(DW_AT_call_origin) ?? die.referenced(DW_AT_abstract_origin);
  const indirect = die.has(DW_AT_call_target) || die.has(DW_AT_GNU_call_site_target);
  return {
    die,
    callee: indirect ? undefined : origin?.name,
    parameters: die.children().filter(isParameter).map(parameterOf),
  };
}

function findSite(scope: Die, returnAddress: number, depth: number): Die | undefined {
  if (depth > DEEPEST_SCOPE) return undefined;
  for (const child of scope.children()) {
    if (child.tag === DW_TAG_call_site || child.tag === DW_TAG_GNU_call_site) {
      const tail = child.flag(DW_AT_call_tail_call) || child.flag(DW_AT_GNU_tail_call);
      const at = child.address(DW_AT_call_return_pc) ?? child.address(DW_AT_low_pc);
      if (!tail && at === returnAddress) return child;
    } else if (child.tag === DW_TAG_inlined_subroutine || child.tag === DW_TAG_lexical_block) {
      const found = findSite(child, returnAddress, depth + 1);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

function isParameter({ tag }: Die): boolean {
  return tag === DW_TAG_call_site_parameter || tag === DW_TAG_GNU_call_site_parameter;
}

function parameterOf(die: Die): CallSiteParameter {
  const location = die.block(DW_AT_location);
  return {
    register: location && registerOf(location),
    parameter: die.reference(DW_AT_call_parameter) ?? die.reference(DW_AT_abstract_origin),
    value: die.block(DW_AT_call_value) ?? die.block(DW_AT_GNU_call_site_value),
  };
}

/** The register that an expression is nothing but the name of. */
export function registerOf(expression: Uint8Array): number | undefined {
  const [operation] = expression;
  if (operation === undefined) return undefined;
  if (operation >= DW_OP_reg0 && operation <= DW_OP_reg31)
    return expression.length === 1 ? operation - DW_OP_reg0 : undefined;
  return operation === DW_OP_regx ? ulebAt(expression, 1) : undefined;
}
