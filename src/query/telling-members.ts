/**
 * The members of a struct by whose values one can tell whether an object is one: pointers, functions, list_heads,
 * enums, bools. Those in unions are left out, since nothing says which of them holds.
 */

import { sizeOf, strip, type CompoundType, type EnumType, type Type } from '../debuginfo/types/type.ts';

export interface TellingMember {
  readonly path: string;
  readonly offset: number;
  readonly kind: 'pointer' | 'function' | 'list' | 'enum' | 'bool';
  /** What a pointer points at, where that is a struct; what an enum is. */
  readonly target: CompoundType | undefined;
  readonly enumeration: EnumType | undefined;
}

const DEEPEST_MEMBER = 8;
const MOST_MEMBERS = 1000;
const MOST_ELEMENTS = 4;
/** Members that are looked at, telling or not: damaged types may hold themselves. */
const MOST_VISITED = 20_000;

interface Collection {
  readonly found: TellingMember[];
  left: number;
}

const remembered = new WeakMap<CompoundType, readonly TellingMember[]>();

export function tellingMembers(type: CompoundType): readonly TellingMember[] {
  let members = remembered.get(type);
  if (members === undefined) {
    const found: TellingMember[] = [];
    collect(type, '', 0, 0, { found, left: MOST_VISITED });
    members = found;
    remembered.set(type, members);
  }
  return members;
}

function collect(type: Type, path: string, offset: number, depth: number, collection: Collection): void {
  const { found } = collection;
  if (depth > DEEPEST_MEMBER || found.length >= MOST_MEMBERS || --collection.left < 0) return;
  const bare = strip(type);
  const add = (kind: TellingMember['kind'], target?: CompoundType, enumeration?: EnumType): void => {
    found.push({ path, offset, kind, target, enumeration });
  };
  switch (bare.kind) {
    case 'struct':
      if (bare.name === 'list_head') {
        add('list');
        return;
      }
      for (const member of bare.members) {
        if (member.bitField !== undefined) continue;
        const name = member.name === undefined ? path : `${path}${path === '' ? '' : '.'}${member.name}`;
        collect(member.type, name, offset + member.offset, depth + 1, collection);
      }
      return;
    case 'array': {
      const size = sizeOf(bare.element);
      for (let index = 0; index < Math.min(bare.count ?? 0, MOST_ELEMENTS); index++)
        collect(bare.element, `${path}[${index}]`, offset + index * size, depth + 1, collection);
      return;
    }
    case 'pointer': {
      const target = strip(bare.target);
      if (target.kind === 'function') add('function');
      else add('pointer', target.kind === 'struct' ? target : undefined);
      return;
    }
    case 'enum':
      add('enum', undefined, bare);
      return;
    case 'int':
      if (bare.encoding === 'bool') add('bool');
      return;
    case 'void':
    case 'float':
    case 'union':
    case 'function':
      return;
  }
}
