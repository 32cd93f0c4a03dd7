/** Members by path (`se.on_rq`, `tasks.next`), through anonymous structs and unions. */

import { sizeOf, strip, type BitField, type CompoundType, type Type } from './type.ts';

export interface FoundMember {
  readonly type: Type;
  /** In bytes from the start of the outermost compound. */
  readonly offset: number;
  readonly bitField: BitField | undefined;
}

/** The member of a dotted path with optional constant indices (`cpumask.bits[1]`); undefined where there is none. */
export function findMember(compound: CompoundType, path: string): FoundMember | undefined {
  let found: FoundMember = { type: compound, offset: 0, bitField: undefined };
  for (const part of path.split('.')) {
    const bracket = part.indexOf('[');
    const name = bracket < 0 ? part : part.slice(0, bracket);
    const outer = strip(found.type);
    if (outer.kind !== 'struct' && outer.kind !== 'union') return undefined;
    const member = findDirect(outer, name, new Set());
    if (member === undefined) return undefined;
    found = { ...member, offset: found.offset + member.offset };
    const indices = bracket < 0 ? [] : indicesOf(part.slice(bracket));
    if (indices === undefined) return undefined;
    for (const index of indices) {
      const array = strip(found.type);
      if (array.kind !== 'array') return undefined;
      found = { type: array.element, offset: found.offset + index * sizeOf(array.element), bitField: undefined };
    }
  }
  return Number.isSafeInteger(found.offset) ? found : undefined;
}

/** The numbers of `[1][0x2]`; undefined where something else stands there. */
function indicesOf(text: string): number[] | undefined {
  if (!/^(\[(0x[0-9a-f]+|\d+)\])+$/i.test(text)) return undefined;
  return Array.from(text.matchAll(/\[(\w+)\]/g), ([, index]) => Number(index));
}

/** @param searched what was looked through in vain: damaged types may hold themselves */
function findDirect(compound: CompoundType, name: string, searched: Set<CompoundType>): FoundMember | undefined {
  if (searched.has(compound)) return undefined;
  searched.add(compound);
  for (const member of compound.members) {
    if (member.name === name) return member;
    if (member.name !== undefined) continue;
    const inner = strip(member.type);
    if (inner.kind !== 'struct' && inner.kind !== 'union') continue;
    const found = findDirect(inner, name, searched);
    if (found !== undefined) return { ...found, offset: found.offset + member.offset };
  }
  return undefined;
}

/** Every name a member may be asked for by, those of anonymous structs and unions too. */
export function memberNames(compound: CompoundType): string[] {
  return namesIn(compound, new Set());
}

function namesIn(compound: CompoundType, searched: Set<CompoundType>): string[] {
  if (searched.has(compound)) return [];
  searched.add(compound);
  return compound.members.flatMap((member) => {
    if (member.name !== undefined) return [member.name];
    const inner = strip(member.type);
    return inner.kind === 'struct' || inner.kind === 'union' ? namesIn(inner, searched) : [];
  });
}
