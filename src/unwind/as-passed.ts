/**
 * Arguments that are nowhere any more, as they were when their function was entered: by a call, or where the compiler
 * expanded it in place. Where they were then, debug information tells (DWARF 5 sections 2.18, 3.3.8.2); what was
 * there, the code. What the function has assigned to them since is not known, and the value says so.
 */

import { virtAddr } from '../base/addr.ts';
import { attempt, LookupError } from '../base/errors.ts';
import { DW_AT_entry_pc, DW_AT_low_pc, DW_TAG_inlined_subroutine } from '../debuginfo/dwarf/constants.ts';
import type { Die } from '../debuginfo/dwarf/die.ts';
import { expressionAt } from '../debuginfo/dwarf/location-lists.ts';
import { forEachRange } from '../debuginfo/dwarf/ranges.ts';
import { sizeOf, type Type } from '../debuginfo/types/type.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { encodeInteger } from '../values/scalar.ts';
import type { Value } from '../values/value.ts';
import { registerOf } from './call-sites.ts';
import type { Followed } from './code/activation.ts';
import { WORD } from './code/formula.ts';
import { evaluateLocation } from './dwarf-expression.ts';
import type { ExpressionContext } from './expression-context.ts';
import type { FollowedValues } from './followed-values.ts';
import { runningAddress, type FrameCode } from './frame-code.ts';

export interface PassedArgument {
  readonly frame: number;
  readonly code: FrameCode;
  /** The function or inlined call whose argument it is. */
  readonly scope: Die;
  readonly die: Die;
  readonly type: Type;
  /** What surrounds its location where the frame stands. */
  readonly context: ExpressionContext;
}

/** Undefined where the code does not tell. */
export function valueAsPassed(kernel: Kernel, followed: FollowedValues, argument: PassedArgument): Value | undefined {
  const size = sizeOf(argument.type);
  if (size === 0 || size > WORD) return undefined;
  const found = attempt(() =>
    argument.scope.tag === DW_TAG_inlined_subroutine
      ? whereExpanded(kernel, followed, argument, size)
      : whenCalled(kernel, followed, argument, size),
  );
  if (found === undefined) return undefined;
  const inferred = ['as it was passed: nothing keeps it since', ...found.notes].join('; ');
  const bytes = encodeInteger(BigInt.asUintN(size * 8, found.value), size);
  return { type: argument.type, bitField: undefined, inferred, place: { kind: 'computed', bytes } };
}

function whenCalled(
  kernel: Kernel,
  followed: FollowedValues,
  { frame, code, die }: PassedArgument,
  size: number,
): Followed | undefined {
  const start = followed.activation(frame)?.code.start;
  const expression = start === undefined ? undefined : expressionAt(die, code.object.toTable(start));
  const register = expression && registerOf(expression);
  if (register === undefined) return undefined;
  return followed.atEntry(frame, kernel.target.architecture.dwarfRegisters[register] ?? '', size);
}

/** By its location where the expanded code begins, with the registers that the code had there. */
function whereExpanded(
  kernel: Kernel,
  followed: FollowedValues,
  { frame, code, scope, die, context }: PassedArgument,
  size: number,
): Followed | undefined {
  const entry = entryOf(scope);
  const expression = entry === undefined ? undefined : expressionAt(die, entry);
  if (entry === undefined || expression === undefined) return undefined;
  const at = runningAddress(kernel, code.object, virtAddr(BigInt(entry)));
  const notes = new Set<string>();
  const registerThere = (number: number): bigint | undefined => {
    const found = followed.registerBefore(frame, at, context.registerName(number));
    for (const note of found?.notes ?? []) notes.add(note);
    return found?.value;
  };
  const [piece, another] = evaluateLocation(expression, { ...context, register: registerThere, onRead: refuseMemory });
  if (piece === undefined || another !== undefined) return undefined;
  const found = ((): Followed | undefined => {
    switch (piece.kind) {
      case 'register':
        return followed.registerBefore(frame, at, context.registerName(piece.register));
      case 'memory':
        return followed.wordBefore(frame, at, piece.address, size);
      case 'value':
        return { value: integerOf(piece.bytes), notes: [], stale: false };
      default:
        return undefined;
    }
  })();
  return found && { ...found, notes: [...new Set([...found.notes, ...notes])] };
}

function integerOf(bytes: Uint8Array): bigint {
  let value = 0n;
  for (const byte of bytes.subarray(0, WORD).toReversed()) value = (value << 8n) | BigInt(byte);
  return value;
}

function refuseMemory(): void {
  throw new LookupError('value', 'of memory at another time');
}

/** Where the code of an inlined call is entered. */
function entryOf(scope: Die): number | undefined {
  let first: number | undefined;
  forEachRange(scope, (low, high) => {
    if (high > low) first = low;
    return first !== undefined;
  });
  const told = scope.address(DW_AT_entry_pc);
  if (told !== undefined) return told;
  // A number counts from where the code begins.
  const offset = scope.number(DW_AT_entry_pc);
  const base = scope.address(DW_AT_low_pc) ?? first;
  return offset === undefined || base === undefined ? first : base + offset;
}
