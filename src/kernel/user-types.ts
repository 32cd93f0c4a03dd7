/**
 * The types a user may name: those of the kernel, then those of its modules, then what only vmlinux's DWARF knows.
 * Whoever reads kernel structures uses `kernel.types`, where a name that is not there costs nothing.
 *
 * A module's types come from the BTF in the dump's memory; where there is none, from its debug file, which is opened
 * only when nobody before knew the name. A module whose types are damaged costs its own types, not the question.
 */

import { attempt } from '../base/errors.ts';
import { TypeCatalog, type NamedKind, type TypeSource } from '../debuginfo/types/catalog.ts';
import type { CompoundType } from '../debuginfo/types/type.ts';
import type { Kernel } from './kernel.ts';
import type { Module } from './modules.ts';

/** Throws NeedResource where a module's file must be unpacked: ask again when it is there. */
export function userTypes(kernel: Kernel): TypeCatalog {
  const { vmlinux } = kernel.target;
  const modules = new ModuleTypes(
    () => kernel.modules().modules,
    (module) => module.types(),
  );
  const dwarf = (): TypeSource | undefined => vmlinux.dwarf()?.types;
  // Where there is no BTF, a name of the kernel's own must not open every module first.
  return new TypeCatalog([() => vmlinux.btf() ?? dwarf(), () => modules], dwarf);
}

/** Those of them that are known without opening or unpacking any module's file: for completion. */
export function indexedTypes(kernel: Kernel): TypeCatalog {
  const { vmlinux } = kernel.target;
  const modules = new ModuleTypes(
    () => kernel.modules().modules,
    (module) => module.btf(),
  );
  return new TypeCatalog([() => vmlinux.btf() ?? vmlinux.dwarf()?.types, () => modules]);
}

class ModuleTypes implements TypeSource {
  readonly name = 'modules';
  readonly #modules: () => readonly Module[];
  readonly #typesOf: (module: Module) => TypeSource | undefined;

  constructor(modules: () => readonly Module[], typesOf: (module: Module) => TypeSource | undefined) {
    this.#modules = modules;
    this.#typesOf = typesOf;
  }

  compound(kind: 'struct' | 'union', name: string): CompoundType | undefined {
    return this.#first((source) => {
      const found = source.compound(kind, name);
      return found?.complete === true ? found : undefined;
    });
  }

  enumeration(name: string): ReturnType<TypeSource['enumeration']> {
    return this.#first((source) => source.enumeration(name));
  }

  typedef(name: string): ReturnType<TypeSource['typedef']> {
    return this.#first((source) => source.typedef(name));
  }

  enumerator(name: string): ReturnType<TypeSource['enumerator']> {
    return this.#first((source) => source.enumerator(name));
  }

  base(name: string): ReturnType<TypeSource['base']> {
    return this.#first((source) => source.base(name));
  }

  *compounds(): Generator<CompoundType> {
    for (const module of this.#modules()) yield* attempt(() => [...(this.#typesOf(module)?.compounds() ?? [])]) ?? [];
  }

  *names(kind: NamedKind): Generator<string> {
    for (const module of this.#modules()) yield* attempt(() => [...(this.#typesOf(module)?.names(kind) ?? [])]) ?? [];
  }

  #first<T>(ask: (source: TypeSource) => T | undefined): T | undefined {
    for (const module of this.#modules()) {
      const found = attempt(() => {
        const source = this.#typesOf(module);
        return source && ask(source);
      });
      if (found !== undefined) return found;
    }
    return undefined;
  }
}
