/** From an offset in a structure to the member there: `vfs_inode.i_data`. The other way round is members.ts. */

import { sizeOf, strip, type CompoundType, type Type } from './type.ts';

const DEEPEST_MEMBER = 32;

export interface PlaceInType {
  /** Undefined at the start of the whole. */
  readonly path: string | undefined;
  /** In bytes behind the start of the innermost member there. */
  readonly rest: number;
  /** Of that member. */
  readonly type: Type;
}

/**
 * The outermost member that begins at an offset; where none does, the innermost that covers it.
 * @param wanted a type the member is to have, where several nested ones begin there
 */
export function memberAt(type: CompoundType, offset: number, wanted?: CompoundType): PlaceInType {
  let place: PlaceInType = { path: undefined, rest: offset, type };
  if (offset === 0 && (wanted === undefined || isSame(type, wanted))) return place;
  for (let depth = 0; depth < DEEPEST_MEMBER; depth++) {
    const inner = step(place);
    if (inner === undefined) return place;
    place = inner;
    if (place.rest === 0 && isNamed(place) && (wanted === undefined || isSame(place.type, wanted))) return place;
  }
  return place;
}

/** Whether a structure, or one it embeds there, of that type begins at an offset. */
export function embedsAt(type: CompoundType, offset: number, wanted: CompoundType): boolean {
  return embeddedPath(type, offset, wanted) !== undefined;
}

/** Members that are looked at: damaged types may hold themselves. */
const MOST_VISITED = 2000;

/**
 * The path of a member of a type that begins at an offset, in whichever branch of a union; empty where the whole is
 * one. Undefined where there is none.
 */
export function embeddedPath(type: CompoundType, offset: number, wanted: CompoundType): string | undefined {
  let left = MOST_VISITED;
  const within = (place: PlaceInType, depth: number): string | undefined => {
    if (place.rest === 0 && isSame(place.type, wanted)) return trimmed(place.path);
    if (depth === DEEPEST_MEMBER) return undefined;
    for (const inner of steps(place)) {
      if (--left < 0) return undefined;
      const found = within(inner, depth + 1);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return within({ path: undefined, rest: offset, type }, 0);
}

function isSame(type: Type, wanted: CompoundType): boolean {
  const bare = strip(type);
  return bare === wanted || (bare.kind === wanted.kind && bare.name !== undefined && bare.name === wanted.name);
}

/** An anonymous struct or union is no place of its own. */
function isNamed({ path }: PlaceInType): boolean {
  return path !== undefined && path !== '' && !path.endsWith('.');
}

/** One member or element further in; undefined where nothing is further in. */
function step(place: PlaceInType): PlaceInType | undefined {
  return steps(place).next().value ?? undefined;
}

/** Each member, of a union several, or the element one further in. */
function* steps({ path, rest, type }: PlaceInType): Generator<PlaceInType, undefined> {
  const bare = strip(type);
  if (bare.kind === 'array') {
    const size = sizeOf(bare.element);
    const index = size === 0 ? 0 : Math.floor(rest / size);
    if (size === 0 || (bare.count !== undefined && index >= bare.count)) return;
    yield { path: `${trimmed(path)}[${index}]`, rest: rest - index * size, type: bare.element };
    return;
  }
  if (bare.kind !== 'struct' && bare.kind !== 'union') return;
  const outer = trimmed(path) === '' ? '' : `${trimmed(path)}.`;
  for (const member of bare.members) {
    if (rest < member.offset || rest >= member.offset + sizeOf(member.type)) continue;
    yield { path: `${outer}${member.name ?? ''}`, rest: rest - member.offset, type: member.type };
  }
}

/** Without the dot that an anonymous member leaves behind. */
function trimmed(path: string | undefined): string {
  return (path ?? '').replace(/\.$/, '');
}
