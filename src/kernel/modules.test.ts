/** A module's symbols: damage of one costs that one. */

import { describe, expect, it } from 'vitest';
import { symbolTableBytes } from '../../test/builders/elf.ts';
import { KernelBuilder } from '../../test/builders/kernel.ts';
import { addVirt } from '../base/addr.ts';
import type { Module } from './modules.ts';

const SYM_SIZE = 24;
const NAMES = ['first', 'second', 'third'];
const REGION_SIZE = 8192;

/** A module of one region, in which its symbols lie; `damage` is written over the name of the second. */
function moduleWith(damage: number | undefined, pagesLost = 0): Module | undefined {
  const builder = new KernelBuilder();
  const { types } = builder;
  const pointer = types.pointer(0);
  const int = types.int('unsigned int', 4);
  const list = types.struct('list_head', 16, [
    { name: 'next', type: pointer, offset: 0 },
    { name: 'prev', type: pointer, offset: 8 },
  ]);
  const layout = types.struct('module_layout', 24, [
    { name: 'base', type: pointer, offset: 0 },
    { name: 'size', type: int, offset: 8 },
    { name: 'text_size', type: int, offset: 12 },
  ]);
  const kallsyms = types.struct('mod_kallsyms', 32, [
    { name: 'symtab', type: pointer, offset: 0 },
    { name: 'num_symtab', type: int, offset: 8 },
    { name: 'strtab', type: pointer, offset: 16 },
    { name: 'typetab', type: pointer, offset: 24 },
  ]);
  types.struct('module', 256, [
    { name: 'list', type: list, offset: 0 },
    { name: 'name', type: types.array(types.int('char', 1), 16), offset: 16 },
    { name: 'kallsyms', type: types.pointer(kallsyms), offset: 32 },
    { name: 'core_layout', type: layout, offset: 64 },
    { name: 'init_layout', type: layout, offset: 96 },
  ]);
  const head = builder.variable('modules', 16);
  const module = builder.allocate(256);
  const kallsymsAt = builder.allocate(32);
  const mapped = REGION_SIZE - pagesLost * 4096;
  const region = builder.allocate(mapped);
  builder.u64(head, module).u64(module, head).text(addVirt(module, 16), 'damaged');
  builder.u64(addVirt(module, 32), kallsymsAt).u64(addVirt(module, 64), region);
  builder.u32(addVirt(module, 72), REGION_SIZE).u32(addVirt(module, 76), 1024);
  const { symtab, strtab } = symbolTableBytes(
    NAMES.map((name, index) => ({ name, value: addVirt(region, index * 16), size: 16 })),
  );
  if (damage !== undefined) new DataView(symtab.buffer, symtab.byteOffset).setUint32(2 * SYM_SIZE, damage, true);
  const symtabAt = addVirt(region, 1024);
  const strtabAt = addVirt(region, 2048);
  const letters = addVirt(region, 3072);
  builder
    .write(symtabAt, symtab)
    .write(strtabAt, strtab)
    .write(letters, new TextEncoder().encode('?TTT'))
    .u64(kallsymsAt, symtabAt)
    .u32(addVirt(kallsymsAt, 8), NAMES.length + 1)
    .u64(addVirt(kallsymsAt, 16), strtabAt)
    .u64(addVirt(kallsymsAt, 24), letters);
  return builder.build().modules().named('damaged');
}

const names = (module: Module | undefined): (string | undefined)[] =>
  NAMES.map((name) => module?.symbols()?.named(name)[0]?.name);

describe('the symbols of a module', () => {
  it('are read from its memory', () => {
    expect(names(moduleWith(undefined))).toEqual(NAMES);
  });

  it.each([REGION_SIZE - 2048, 0x0200_0000, 0x7fff_ffff, 0xffff_fff0])(
    'lose the one whose name lies beyond its region, at %i, and no other',
    (damage) => {
      const module = moduleWith(damage);
      expect(names(module)).toEqual(['first', undefined, 'third']);
      expect([...(module?.symbols()?.all() ?? [])].map(({ name }) => name)).toEqual(['first', 'third']);
    },
  );

  it('lose the one whose name lies in a page that is lost, and no other', () => {
    expect(names(moduleWith(3000, 1))).toEqual(['first', undefined, 'third']);
  });
});
