/** Which types are of a size, and which know another type: the answers to `whatis -r`, `whatis -m`. */

import { checkCancelled } from '../base/cancel.ts';
import { typeName } from '../debuginfo/types/declaration.ts';
import { strip, type CompoundType, type Type } from '../debuginfo/types/type.ts';
import type { Kernel } from '../kernel/kernel.ts';

export interface TypeList {
  readonly type: 'type-list';
  readonly types: readonly { readonly kind: 'struct' | 'union'; readonly name: string; readonly size: number }[];
}

const DEEPEST_MEMBER = 16;

/**
 * Every named struct and union of a size that has a member of a type whose name contains `member`, or one that points
 * at such a type; embedded structures count with their members. By size, then by name.
 */
export function typesLike(
  kernel: Kernel,
  size: { readonly low: number; readonly high: number } | undefined,
  member: string | undefined,
): TypeList {
  const found: { kind: 'struct' | 'union'; name: string; size: number }[] = [];
  const known = new Map<CompoundType, boolean>();
  let count = 0;
  for (const type of kernel.userTypes.compounds()) {
    if ((++count & 255) === 0) checkCancelled();
    if (type.name === undefined) continue;
    if (size !== undefined && (type.size < size.low || type.size > size.high)) continue;
    if (member !== undefined && !knows(type, member, known, 0)) continue;
    found.push({ kind: type.kind, name: type.name, size: type.size });
  }
  found.sort((a, b) => a.size - b.size || (a.name < b.name ? -1 : 1));
  return { type: 'type-list', types: found };
}

function knows(type: CompoundType, wanted: string, known: Map<CompoundType, boolean>, depth: number): boolean {
  const before = known.get(type);
  if (before !== undefined) return before;
  known.set(type, false);
  const found = type.members.some((member) => {
    const innermost = behind(member.type);
    const bare = strip(innermost);
    if (bare.kind === 'function') return false;
    if (typeName(innermost).includes(wanted)) return true;
    const embedded = (bare.kind === 'struct' || bare.kind === 'union') && strip(elementOf(member.type)) === bare;
    return embedded && depth < DEEPEST_MEMBER && knows(bare, wanted, known, depth + 1);
  });
  known.set(type, found);
  return found;
}

/** The type that a member is of or points at, behind arrays, pointers and qualifiers. */
function behind(type: Type): Type {
  let current = type;
  for (let step = 0; step < DEEPEST_MEMBER; step++) {
    if (current.kind === 'array') current = current.element;
    else if (current.kind === 'pointer' || current.kind === 'qualified') current = current.target;
    else return current;
  }
  return current;
}

function elementOf(type: Type): Type {
  let current = strip(type);
  for (let step = 0; step < DEEPEST_MEMBER && current.kind === 'array'; step++) current = strip(current.element);
  return current;
}
