/**
 * Types by name, from every source there is: BTF first, since it is small and quick, then DWARF. A declaration in one
 * source does not hide the definition in the next.
 */

import { LookupError } from '../../base/errors.ts';
import { strip, type CompoundType, type EnumConstant, type EnumType, type Type, type TypedefType } from './type.ts';

/** What a name of a type may be that is not built into C. */
export type NamedKind = 'struct' | 'union' | 'enum' | 'typedef';

export interface TypeSource {
  /** "BTF", "DWARF": for people. */
  readonly name: string;
  compound(kind: 'struct' | 'union', name: string): CompoundType | undefined;
  enumeration(name: string): EnumType | undefined;
  typedef(name: string): TypedefType | undefined;
  /** An enumerator, whatever its enum is called. */
  enumerator(name: string): EnumConstant | undefined;
  base(name: string): Type | undefined;
  /** Every complete struct and union that has a name; of split data those it adds to its base. */
  compounds(): Iterable<CompoundType>;
  /** The names of all types of a kind, without decoding them; a name may come twice. */
  names(kind: NamedKind): Iterable<string>;
}

export class TypeCatalog {
  readonly #sources: readonly (() => TypeSource | undefined)[];
  readonly #lastResort: () => TypeSource | undefined;
  readonly #compounds = new Map<string, CompoundType | undefined>();

  /**
   * @param sources in order of preference; each is asked for only when those before did not know
   * @param lastResort asked for a name when nobody else knew it, but not for lists: it is slow, and the others have
   *   nearly all of it
   */
  constructor(
    sources: readonly (() => TypeSource | undefined)[],
    lastResort: () => TypeSource | undefined = () => undefined,
  ) {
    this.#sources = sources;
    this.#lastResort = lastResort;
  }

  /** The complete definition, where any source has one. */
  compound(kind: 'struct' | 'union', name: string): CompoundType | undefined {
    const key = `${kind} ${name}`;
    if (!this.#compounds.has(key)) {
      this.#compounds.set(
        key,
        this.#first((source) => {
          const found = source.compound(kind, name);
          return found?.complete === true ? found : undefined;
        }),
      );
    }
    return this.#compounds.get(key);
  }

  /** The definition of a struct or union that a source only declares; any other type, and what nobody defines, as it is. */
  definition(type: Type): Type {
    const bare = strip(type);
    if ((bare.kind !== 'struct' && bare.kind !== 'union') || bare.complete || bare.name === undefined) return type;
    return this.compound(bare.kind, bare.name) ?? type;
  }

  /** As `compound`, for structures that must be there. Throws LookupError. */
  struct(name: string): CompoundType {
    const found = this.compound('struct', name);
    if (found === undefined) throw new LookupError('struct', name);
    return found;
  }

  enumeration(name: string): EnumType | undefined {
    return this.#first((source) => source.enumeration(name));
  }

  enumerator(name: string): EnumConstant | undefined {
    return this.#first((source) => source.enumerator(name));
  }

  typedef(name: string): TypedefType | undefined {
    return this.#first((source) => source.typedef(name));
  }

  base(name: string): Type | undefined {
    return this.#first((source) => source.base(name));
  }

  /** Every complete struct and union that has a name; of several with the same name the one that `compound` gives. */
  *compounds(): Generator<CompoundType> {
    const seen = new Set<string>();
    for (const source of this.#sources) {
      for (const type of source()?.compounds() ?? []) {
        const key = `${type.kind} ${type.name ?? ''}`;
        if (seen.has(key)) continue;
        seen.add(key);
        yield type;
      }
    }
  }

  *names(kind: NamedKind): Generator<string> {
    for (const source of this.#sources) yield* source()?.names(kind) ?? [];
  }

  #first<T>(ask: (source: TypeSource) => T | undefined): T | undefined {
    for (const source of [...this.#sources, this.#lastResort]) {
      const there = source();
      const found = there === undefined ? undefined : ask(there);
      if (found !== undefined) return found;
    }
    return undefined;
  }
}
