/**
 * Which debug file each module has. A module's file is looked for when it is first needed; what the user chose or
 * forgot (`mod -s`, `mod -d`) goes before that. This is the one thing of a Kernel that changes: whoever keeps what was
 * made of debug files compares `generation`.
 */

import { attempt } from '../base/errors.ts';
import { once } from '../base/search.ts';
import { Btf } from '../debuginfo/btf/btf.ts';
import { DwarfInfo } from '../debuginfo/dwarf/dwarf-info.ts';
import { DwarfSections } from '../debuginfo/dwarf/sections.ts';
import type { ElfFile } from '../formats/elf/elf-file.ts';
import { alternateOf } from '../target/alternate-file.ts';
import type { Proof, WantedModule } from '../target/module-file.ts';
import type { FoundModuleFile, ModuleSearch } from '../target/module-files.ts';
import type { Kernel } from './kernel.ts';
import type { Module } from './modules.ts';

/** What is known of a module's debug file. */
export interface ModuleDebug {
  readonly elf: ElfFile;
  /** What shows that it is of the module in the dump. */
  readonly proof: Proof;
  /** The file's own, where it goes on from vmlinux's. */
  readonly btf: () => Btf | undefined;
  /** At run-time addresses; undefined where the file was stripped of it. */
  readonly dwarf: DwarfInfo | undefined;
}

/** What a search for the file of a module came to. */
export interface ModuleChoice {
  readonly debug: ModuleDebug | undefined;
  /** Files that were not taken, and why. */
  readonly refusals: readonly string[];
}

/** What can be said of a module's debug file without loading it. */
export type ModuleDebugState =
  | { readonly kind: 'loaded'; readonly debug: ModuleDebug }
  /** Found and of this build; or compressed, and nothing more is known of it yet. */
  | { readonly kind: 'found'; readonly path: string; readonly proof: Proof | undefined; readonly dwarf: boolean }
  | { readonly kind: 'forgotten' }
  /** As the user wished. */
  | { readonly kind: 'not-looked-for' }
  | { readonly kind: 'none'; readonly refusals: readonly string[] };

export class ModuleDebugFiles {
  readonly #kernel: Kernel;
  readonly #known = new Map<Module, ModuleDebug | undefined>();
  readonly #forgotten = new Set<Module>();
  #generation = 0;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** Grows when the user's choices change what modules have. */
  get generation(): number {
    return this.#generation;
  }

  /** Undefined where no file of this build was found. Throws NeedResource where one must be unpacked first. */
  of(module: Module): ModuleDebug | undefined {
    if (this.#forgotten.has(module)) return undefined;
    if (!this.#known.has(module)) {
      const found = this.#kernel.target.moduleFiles.find(wanted(module));
      this.#known.set(module, found && this.#open(module, found));
    }
    return this.#known.get(module);
  }

  /** Looks, but neither loads nor unpacks anything. */
  state(module: Module): ModuleDebugState {
    if (this.#forgotten.has(module)) return { kind: 'forgotten' };
    const debug = this.#known.get(module);
    if (debug !== undefined) return { kind: 'loaded', debug };
    if (this.#kernel.target.moduleFiles.places.folders.length === 0) return { kind: 'not-looked-for' };
    const { found, packed, refusals } = this.#kernel.target.moduleFiles.search(wanted(module), false);
    if (found === undefined)
      return packed === undefined
        ? { kind: 'none', refusals }
        : { kind: 'found', path: packed, proof: undefined, dwarf: false };
    found.file.close();
    return { kind: 'found', path: found.file.path, proof: found.proof, dwarf: found.file.hasDwarf };
  }

  /** For a module whose DWARF is missing: the reason, for the user. */
  whyNoDwarf(module: Module): string {
    if (this.#forgotten.has(module)) return `"mod -d" forgot the debug file of module ${module.name}`;
    const debug = this.of(module);
    const { vmlinux } = this.#kernel.target;
    // What brings the kernel's debug information brings that of its modules.
    if (debug === undefined && vmlinux.dwarf() === undefined) return vmlinux.whyNoDwarf;
    return debug === undefined
      ? `no debug file of this build was found for module ${module.name} ("mod -s ${module.name}" says where it was looked for)`
      : `${debug.elf.source.name} has no DWARF`;
  }

  /** Takes a file for a module. Throws OpenError where it is of another build, NeedResource. */
  choose(module: Module, path: string): ModuleDebug {
    return this.#set(module, this.#kernel.target.moduleFiles.open(path, wanted(module)));
  }

  /**
   * Looks for the file of a module anew.
   * @param folder the only place to look; undefined for the usual ones
   */
  load(module: Module, folder: string | undefined): ModuleChoice {
    const files = this.#kernel.target.moduleFiles;
    const search: ModuleSearch =
      folder === undefined ? files.search(wanted(module)) : files.searchIn(folder, wanted(module));
    return { debug: search.found && this.#set(module, search.found), refusals: search.refusals };
  }

  /** It has no debug file from now on, until one is chosen or loaded again. */
  forget(module: Module): void {
    this.#known.delete(module);
    this.#forgotten.add(module);
    this.#generation++;
  }

  /** As if nothing had been chosen, loaded or forgotten. */
  reset(): void {
    this.#known.clear();
    this.#forgotten.clear();
    this.#generation++;
  }

  #set(module: Module, found: FoundModuleFile): ModuleDebug {
    const debug = this.#open(module, found);
    this.#known.set(module, debug);
    this.#forgotten.delete(module);
    this.#generation++;
    return debug;
  }

  #open(module: Module, { file, proof }: FoundModuleFile): ModuleDebug {
    const { elf } = file;
    const { target } = this.#kernel;
    const addresses = new Map(module.sections().map((section) => [section.name, section.address]));
    if (module.perCpuStart !== undefined) addresses.set('.data..percpu', module.perCpuStart);
    const sections = new DwarfSections(elf, target.host, {
      addressOf: (name) => addresses.get(name),
      alternate: alternateOf(elf, target.host, target.moduleFiles.places.debugRoots),
    });
    return {
      elf,
      proof,
      btf: once(() => splitBtf(elf, target.vmlinux.btf())),
      dwarf: file.hasDwarf ? new DwarfInfo(sections) : undefined,
    };
  }
}

function wanted(module: Module): WantedModule {
  return { name: module.name, buildId: module.buildId(), srcversion: module.srcversion() };
}

/** A module built outside the tree carries a base of its own (.BTF.base, v6.11), which is not vmlinux's. */
function splitBtf(elf: ElfFile, base: Btf | undefined): Btf | undefined {
  const section = elf.section('.BTF');
  if (section === undefined || base === undefined || elf.section('.BTF.base') !== undefined) return undefined;
  return attempt(() => new Btf(elf.bytesOf(section), `${elf.source.name}: .BTF`, base));
}
