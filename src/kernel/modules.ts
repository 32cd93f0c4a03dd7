/**
 * Loaded modules, read from the dump: kernel include/linux/module.h, kernel/module/. Their symbols and ORC tables are
 * the kernel's own copies in memory; only DWARF needs a file.
 *
 * Probes: `mem[]` (ac3b43283923, v6.4) or `core_layout`/`init_layout` (7523e4dc5057, v4.5); section addresses from
 * `sect_attrs->attrs[].address`, or, where `bin_attribute`s took their place (6.14), from `battr.private`.
 */

import { addVirt, virtAddr, type VirtAddr } from '../base/addr.ts';
import { attempt } from '../base/errors.ts';
import { KERNEL_SPACE } from '../arch/x86-64/layout.ts';
import { stringAt } from '../bytes/read.ts';
import { once } from '../base/search.ts';
import type { Btf } from '../debuginfo/btf/btf.ts';
import { OrcTable } from '../debuginfo/orc/orc-table.ts';
import { elfSymbolTable } from '../debuginfo/symbols/elf-symbols.ts';
import type { SymbolTable } from '../debuginfo/symbols/symbol-table.ts';
import type { TypeSource } from '../debuginfo/types/catalog.ts';
import { sizeOf, strip } from '../debuginfo/types/type.ts';
import { SHN_UNDEF, STB_GLOBAL, STB_LOCAL, STT_FUNC, STT_OBJECT } from '../formats/elf/constants.ts';
import { buildIdOf, parseNotes, toHex } from '../formats/elf/notes.ts';
import { VirtualSource } from '../memory/virtual-source.ts';
import { memberOf, type StructView } from '../values/struct-view.ts';
import type { Kernel } from './kernel.ts';
import { listForEachEntry } from './list.ts';
import { readModuleBtf } from './module-btf.ts';
import type { ModuleDebug } from './module-debug.ts';

/** One contiguous piece of a module's memory. */
export interface ModuleRegion {
  /** The kernel's name of it: text, data, rodata, ro_after_init, init_text, …; core or init before 6.4. */
  readonly kind: string;
  readonly base: VirtAddr;
  readonly size: number;
  /** The bytes at its start that are code. */
  readonly textSize: number;
}

export interface ModuleSection {
  readonly name: string;
  readonly address: VirtAddr;
}

export class Module {
  readonly name: string;
  readonly address: VirtAddr;
  readonly regions: readonly ModuleRegion[];
  readonly sections: () => readonly ModuleSection[];
  readonly buildId: () => string | undefined;
  /** A checksum of its sources, where they carry one. */
  readonly srcversion: () => string | undefined;
  readonly symbols: () => SymbolTable | undefined;
  /** Names of what lay in the file it was loaded from, and is not in its memory. */
  readonly lostSymbols: () => readonly string[];
  readonly orc: () => OrcTable | undefined;
  /** The types the kernel keeps of it in memory. */
  readonly btf: () => Btf | undefined;
  /** Bits of include/linux/panic.h; undefined where they cannot be read. */
  readonly taints: () => bigint | undefined;
  /** Where its per-CPU variables begin, as its symbols have them; undefined where it has none. */
  readonly perCpuStart: VirtAddr | undefined;
  /** In bytes, of its per-CPU variables on one CPU. */
  readonly perCpuSize: number;
  /** The debug file of this very build; undefined where none was found. */
  readonly debug: () => ModuleDebug | undefined;

  constructor(kernel: Kernel, view: StructView) {
    this.address = view.address;
    this.name = view.string('name');
    this.regions = readRegions(view);
    this.sections = once(() => attempt(() => readSections(kernel, view)) ?? []);
    this.buildId = once(() => attempt(() => this.#readBuildId(kernel)) ?? attempt(() => ownBuildId(view)));
    this.srcversion = once(() => attempt(() => view.string('srcversion', 64)) || undefined);
    const table = once(() =>
      attempt(() => readSymbols(view, this.name, this.regions, (address) => this.#isOwn(address))),
    );
    this.symbols = () => table()?.symbols;
    this.lostSymbols = () => table()?.lost ?? [];
    this.orc = once(() => attempt(() => readOrc(kernel, view, this.name)));
    this.btf = once(() => attempt(() => this.#readBtf(kernel)));
    this.taints = once(() => attempt(() => view.integer('taints')));
    this.perCpuSize = attempt(() => view.number('percpu_size')) ?? 0;
    this.perCpuStart = this.perCpuSize === 0 ? undefined : attempt(() => view.pointer('percpu'));
    this.debug = () => kernel.moduleDebug.of(this);
  }

  /** Its own types by name: from memory, else from its debug file, whose BTF is quicker than its DWARF. */
  types(): TypeSource | undefined {
    return this.btf() ?? this.debug()?.btf() ?? this.debug()?.dwarf?.types;
  }

  /** What crash shows as the module's base: where its text begins. */
  get base(): VirtAddr {
    return (this.regions.find((region) => region.textSize > 0) ?? this.regions[0])?.base ?? virtAddr(0);
  }

  /** In bytes, of every region that outlives initialisation. */
  get size(): number {
    return this.regions
      .filter((region) => !region.kind.startsWith('init'))
      .reduce((sum, region) => sum + region.size, 0);
  }

  holds(address: VirtAddr): boolean {
    return this.regionAt(address) !== undefined;
  }

  /** The region that holds an address. */
  regionAt(address: VirtAddr): ModuleRegion | undefined {
    return this.regions.find((region) => address >= region.base && address < addVirt(region.base, region.size));
  }

  /** Whether an address is in the module's live code. */
  holdsText(address: VirtAddr): boolean {
    return this.regions.some((region) => address >= region.base && address < addVirt(region.base, region.textSize));
  }

  /** Whether a symbol's value may be one of its own: in its memory, in the per-CPU area, or no kernel address at all. */
  #isOwn(address: VirtAddr): boolean {
    if (this.holds(address) || address < KERNEL_SPACE) return true;
    const start = this.perCpuStart;
    return start !== undefined && address >= start && address <= addVirt(start, this.perCpuSize);
  }

  #readBuildId(kernel: Kernel): string | undefined {
    const note = this.sections().find((section) => section.name === '.note.gnu.build-id');
    return note && buildIdOf(parseNotes(kernel.memory.bytes(note.address, 64), `${this.name}: ${note.name}`));
  }

  #readBtf(kernel: Kernel): Btf | undefined {
    const entry = kernel.moduleBtf().find(({ module }) => module === this.address);
    return entry && readModuleBtf(kernel, entry, this.name);
  }
}

export class ModuleList {
  readonly modules: readonly Module[];
  /** Where modules may be missing: why, for the user. */
  readonly broken: string | undefined;

  constructor(modules: readonly Module[], broken: string | undefined) {
    this.modules = modules;
    this.broken = broken;
  }

  /** The module whose memory holds an address. */
  at(address: VirtAddr): Module | undefined {
    return this.textAt(address) ?? this.modules.find((module) => module.holds(address));
  }

  /** The module whose live code holds an address. */
  textAt(address: VirtAddr): Module | undefined {
    return this.modules.find((module) => module.holdsText(address));
  }

  named(name: string): Module | undefined {
    return this.modules.find((module) => module.name === name);
  }
}

/** With CONFIG_STACKTRACE_BUILD_ID (v5.14) the kernel keeps it itself. */
function ownBuildId(view: StructView): string | undefined {
  if (!view.has('build_id')) return undefined;
  const id = view.memory.bytes(view.at('build_id'), BUILD_ID_SIZE);
  return id.every((byte) => byte === 0) ? undefined : toHex(id);
}

const BUILD_ID_SIZE = 20;

/** The modules of the `modules` list, newest first as the kernel keeps them. */
export function readModules(kernel: Kernel): ModuleList {
  const head = kernel.addressOf('modules');
  const type = kernel.types.compound('struct', 'module');
  if (type === undefined) return new ModuleList([], kernel.whyNoTypes());
  if (head === undefined) return new ModuleList([], undefined);
  const { entries, broken } = listForEachEntry(kernel.memory, head, type, 'list');
  const modules = entries.flatMap(
    (address) => attempt(() => new Module(kernel, kernel.struct('module', address))) ?? [],
  );
  return new ModuleList(modules, broken && `the list of modules is broken: ${broken}`);
}

const memoryKinds = ['text', 'data', 'rodata', 'ro_after_init', 'init_text', 'init_data', 'init_rodata'];

function readRegions(view: StructView): ModuleRegion[] {
  if (!view.has('mem')) {
    return ['core', 'init'].flatMap((kind) => {
      const layout = view.view(`${kind}_layout`);
      const base = layout.pointer('base');
      const size = layout.number('size');
      return base === 0n || size === 0 ? [] : [{ kind, base, size, textSize: layout.number('text_size') }];
    });
  }
  const array = strip(memberOf(view.type, 'mem')?.type ?? { kind: 'void' });
  const count = array.kind === 'array' ? (array.count ?? 0) : 0;
  const regions: ModuleRegion[] = [];
  for (let index = 0; index < Math.min(count, memoryKinds.length); index++) {
    const base = view.pointer(`mem[${index}].base`);
    const size = view.number(`mem[${index}].size`);
    const kind = memoryKinds[index] ?? '';
    if (base !== 0n && size !== 0) regions.push({ kind, base, size, textSize: kind.endsWith('text') ? size : 0 });
  }
  return regions;
}

const MOST_SECTIONS = 4096;

function readSections(kernel: Kernel, view: StructView): ModuleSection[] {
  const attributes = view.pointer('sect_attrs');
  if (attributes === 0n) return [];
  const type = kernel.types.struct('module_sect_attrs');
  const array = memberOf(type, 'attrs');
  const element = array && strip(array.type).kind === 'array' ? strip(array.type) : undefined;
  const elementType = element?.kind === 'array' ? strip(element.element) : undefined;
  if (array === undefined || elementType?.kind !== 'struct') return [];
  const first = addVirt(attributes, array.offset);
  const count = memberOf(type, 'nsections')
    ? kernel.struct('module_sect_attrs', attributes).number('nsections')
    : MOST_SECTIONS;
  const nameMember = ['battr.attr.name', 'mattr.attr.name', 'attr.name', 'name'].find(
    (path) => memberOf(elementType, path) !== undefined,
  );
  const addressMember = ['address', 'private'].find((path) => memberOf(elementType, path) !== undefined);
  if (nameMember === undefined || addressMember === undefined) return [];
  const sections: ModuleSection[] = [];
  for (let index = 0; index < Math.min(count, MOST_SECTIONS); index++) {
    const at = addVirt(first, index * sizeOf(elementType));
    const name = attempt(() =>
      kernel.memory.string(kernel.memory.pointer(addVirt(at, memberOf(elementType, nameMember)?.offset ?? 0)), 256),
    );
    const address = attempt(() =>
      kernel.memory.pointer(addVirt(at, memberOf(elementType, addressMember)?.offset ?? 0)),
    );
    if (name === undefined || address === undefined || name === '') break;
    sections.push({ name, address });
  }
  return sections;
}

const SYM_SIZE = 24;
const LARGEST_STRINGS = 1 << 26;
const LONGEST_NAME = 4096;
const LETTER_T = 0x74;
const MOST_SYMBOLS = 1 << 20;

interface ModuleSymbols {
  readonly symbols: SymbolTable;
  readonly lost: readonly string[];
}

/**
 * The module's kallsyms, at run-time addresses: after initialisation its core symbols; before, those of sections, too,
 * that were in the file alone, whose copy in memory is freed.
 */
function readSymbols(
  view: StructView,
  module: string,
  regions: readonly ModuleRegion[],
  isOwn: (address: VirtAddr) => boolean,
): ModuleSymbols | undefined {
  const kallsyms = view.follow(view.pick('kallsyms', 'core_kallsyms'));
  if (kallsyms === undefined) return undefined;
  const count = Math.min(kallsyms.number('num_symtab'), MOST_SYMBOLS);
  const { memory } = view;
  const symtab = memory.bytes(kallsyms.pointer('symtab'), count * SYM_SIZE);
  const strtab = readStrings(kallsyms, symtab, regions);
  const letters = kallsyms.has('typetab') ? memory.bytes(kallsyms.pointer('typetab'), count) : lettersInInfo(symtab);
  const lost = dropOthers(symtab, isOwn).map((name) => stringAt(strtab, name));
  return { symbols: elfSymbolTable({ symtab, strtab, letters }, module), lost };
}

/** Makes symbols undefined that are not in the module's memory. Returns where their names are. */
function dropOthers(symtab: Uint8Array, isOwn: (address: VirtAddr) => boolean): number[] {
  const view = new DataView(symtab.buffer, symtab.byteOffset, symtab.byteLength);
  const names: number[] = [];
  for (let at = 0; at + SYM_SIZE <= symtab.length; at += SYM_SIZE) {
    if (view.getUint16(at + 6, true) === SHN_UNDEF || isOwn(virtAddr(view.getBigUint64(at + 8, true)))) continue;
    view.setUint16(at + 6, SHN_UNDEF, true);
    names.push(view.getUint32(at, true));
  }
  return names;
}

/**
 * Before 5.2 (1c7651f43777) the letters stand in the place of st_info. They are taken out, and what nm made them from
 * is put back as far as it matters: binding, and function or object.
 */
function lettersInInfo(symtab: Uint8Array): Uint8Array {
  const letters = new Uint8Array(Math.floor(symtab.length / SYM_SIZE));
  for (let index = 0; index < letters.length; index++) {
    const letter = symtab[index * SYM_SIZE + 4] ?? 0;
    const lower = letter | 0x20;
    letters[index] = letter;
    symtab[index * SYM_SIZE + 4] =
      ((letter === lower ? STB_LOCAL : STB_GLOBAL) << 4) | (lower === LETTER_T ? STT_FUNC : STT_OBJECT);
  }
  return letters;
}

/**
 * As far as the last name reaches: the table's size is not kept. No further than the region that holds it, and pages
 * that cannot be read are empty: damage of one name is not to cost the others.
 */
function readStrings(kallsyms: StructView, symtab: Uint8Array, regions: readonly ModuleRegion[]): Uint8Array {
  const start = kallsyms.pointer('strtab');
  const region = regions.find(({ base, size }) => start >= base && start < addVirt(base, size));
  const limit = region === undefined ? LARGEST_STRINGS : Number(addVirt(region.base, region.size) - start);
  const view = new DataView(symtab.buffer, symtab.byteOffset, symtab.byteLength);
  let last = 0;
  for (let at = 0; at + SYM_SIZE <= symtab.length; at += SYM_SIZE) {
    const name = view.getUint32(at, true);
    if (name < limit) last = Math.max(last, name);
  }
  return kallsyms.memory.bytesWithHoles(start, Math.min(limit, last + LONGEST_NAME));
}

/** struct mod_arch_specific: arch/x86/include/asm/module.h. */
function readOrc(kernel: Kernel, view: StructView, module: string): OrcTable | undefined {
  if (!view.has('arch.num_orcs')) return undefined;
  const count = view.number('arch.num_orcs');
  const ips = view.pointer('arch.orc_unwind_ip');
  const entries = view.pointer('arch.orc_unwind');
  if (count === 0 || ips === 0n || entries === 0n) return undefined;
  const dialect = kernel.target.vmlinux.orc()?.dialect;
  return new OrcTable(
    new VirtualSource(`${module}: .orc_unwind_ip`, view.memory, ips, count * 4),
    new VirtualSource(`${module}: .orc_unwind`, view.memory, entries, count * 6),
    Number(BigInt.asIntN(64, ips)),
    dialect,
  );
}
