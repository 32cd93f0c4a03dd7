/** Members by path (`se.on_rq`, `tasks.next`), through anonymous structs and unions. */

import { strip, type BitField, type CompoundType, type Type } from './type.ts';

export interface FoundMember {
  readonly type: Type;
  /** In bytes from the start of the outermost compound. */
  readonly offset: number;
  readonly bitField: BitField | undefined;
}

const DEEPEST_NESTING = 32;

/** The member of a dotted path with optional constant indices (`cpumask.bits[1]`); undefined where there is none. */
export function findMember(compound: CompoundType, path: string): FoundMember | undefined {
  let found: FoundMember = { type: compound, offset: 0, bitField: undefined };
  for (const part of path.split('.')) {
    const bracket = part.indexOf('[');
    const name = bracket < 0 ? part : part.slice(0, bracket);
    const outer = strip(found.type);
    if (outer.kind !== 'struct' && outer.kind !== 'union') return undefined;
    const member = findDirect(outer, name, 0);
    if (member === undefined) return undefined;
    found = { ...member, offset: found.offset + member.offset };
    for (const index of bracket < 0 ? [] : indicesOf(part.slice(bracket))) {
      const array = strip(found.type);
      if (array.kind !== 'array') return undefined;
      const element = strip(array.element);
      found = { type: array.element, offset: found.offset + index * ('size' in element ? element.size : 0), bitField: undefined };
    }
  }
  return found;
}

/** The numbers of `[1][2]`. */
function indicesOf(text: string): number[] {
  return Array.from(text.matchAll(/\[(\d+)\]/g), ([, index]) => Number(index));
}

function findDirect(compound: CompoundType, name: string, depth: number): FoundMember | undefined {
  if (depth > DEEPEST_NESTING) return undefined;
  for (const member of compound.members) {
    if (member.name === name) return member;
    if (member.name !== undefined) continue;
    const inner = strip(member.type);
    if (inner.kind !== 'struct' && inner.kind !== 'union') continue;
    const found = findDirect(inner, name, depth + 1);
    if (found !== undefined) return { ...found, offset: found.offset + member.offset };
  }
  return undefined;
}
