/**
 * Types of variables and functions by symbol. The linker knows the size of every variable, whoever's static it is: the
 * type found must have it.
 */

import { describe, expect, it } from 'vitest';
import type { KernelSymbol } from '../../src/debuginfo/symbols/symbol-table.ts';
import { sizeOf, strip } from '../../src/debuginfo/types/type.ts';
import { functionTypeAt, typeOfVariable } from '../../src/kernel/symbol-types.ts';
import { Fixture } from './fixture.ts';

/** What the compiler and the kernel's macros make, which no unit describes as a variable of C. */
const generated = /^(__|\$|\.L|_note|str__|descriptor)|\.\d+$/;

function isData(symbol: KernelSymbol): boolean {
  return /[bdr]/i.test(symbol.letter) && symbol.size > 0 && !generated.test(symbol.name);
}

describe.each(['nfs', 'sysrq-6.12', 'sysrq-7.2'] as const)('symbols of %s', (name) => {
  const { kernel } = new Fixture(name).session;

  it('of variables that share a name have the type of their own unit', () => {
    const byName = new Map<string, KernelSymbol[]>();
    for (const symbol of kernel.symbols.all()) {
      if (!isData(symbol)) continue;
      const known = byName.get(symbol.name);
      if (known === undefined) byName.set(symbol.name, [symbol]);
      else known.push(symbol);
    }
    const shared = [...byName.values()].filter((symbols) => new Set(symbols.map(({ size }) => size)).size > 1);
    let compared = 0;
    const wrong: string[] = [];
    for (const symbol of shared.flat()) {
      const type = typeOfVariable(kernel, symbol);
      const size = type && sizeOf(type);
      // A flexible array at the end has what its initialiser gave it.
      if (size === undefined || size === 0) continue;
      compared++;
      if (size !== symbol.size)
        wrong.push(`${symbol.module ?? ''} ${symbol.name} ${symbol.address.toString(16)}: ${size}, not ${symbol.size}`);
    }
    expect(compared).toBeGreaterThan(100);
    expect(wrong).toEqual([]);
  });

  it('of modules have types, per-CPU ones, too', () => {
    const symbols = [...kernel.symbols.all()].filter(
      ({ module }) => module === 'nfs' || module === 'nfsd' || module === 'lockd',
    );
    const wrong: string[] = [];
    let compared = 0;
    for (const symbol of symbols.filter(isData)) {
      const type = typeOfVariable(kernel, symbol);
      const size = type && sizeOf(type);
      if (size === undefined || size === 0) continue;
      compared++;
      if (size !== symbol.size) wrong.push(`${symbol.module ?? ''} ${symbol.name}: ${size}, not ${symbol.size}`);
    }
    expect(compared).toBeGreaterThan(100);
    expect(wrong).toEqual([]);
    const [perCpu] = kernel.symbols.named('nfsd_file_acquisitions');
    expect(strip((perCpu && typeOfVariable(kernel, perCpu)) ?? { kind: 'void' })).toMatchObject({
      kind: 'int',
      size: 8,
    });
  });

  it('of functions have prototypes with the names of parameters', () => {
    const parametersOf = (symbol: string): (string | undefined)[] | undefined => {
      const [found] = kernel.symbols.named(symbol);
      return found && functionTypeAt(kernel, found.address)?.parameters.map((parameter) => parameter.name);
    };
    expect(parametersOf('vfs_write')).toEqual(['file', 'buf', 'count', 'pos']);
    expect(parametersOf('nfs_create_server')).toEqual(['fc']);
    expect(parametersOf('schedule')).toEqual([]);
    expect(parametersOf('init_task')).toBeUndefined();
  });

  it('of functions have the same prototype from BTF and from DWARF', () => {
    const dwarf = kernel.target.vmlinux.dwarf();
    for (const symbol of ['vfs_write', 'do_sys_openat2', 'schedule_timeout', 'kmem_cache_create_usercopy', 'printk']) {
      const [found] = kernel.symbols.named(symbol);
      if (found === undefined) continue;
      const [die] = dwarf?.scopesAt(Number(BigInt.asIntN(64, kernel.linked(found.address)))) ?? [];
      const left = die && dwarf?.types.functionType(die);
      const right = kernel.target.vmlinux.btf()?.functionNamed(die?.name ?? symbol);
      const shape = (type: typeof left): unknown =>
        type && [type.variadic, sizeOf(type.returns), type.parameters.map((p) => [p.name, sizeOf(p.type)])];
      expect(shape(left), symbol).toEqual(shape(right));
      expect(left, symbol).toBeDefined();
    }
  });

  it('name the types of modules', () => {
    const { userTypes } = kernel;
    expect(kernel.types.compound('struct', 'nfs_page')).toBeUndefined();
    const page = userTypes.compound('struct', 'nfs_page');
    expect(page?.size).toBe(96);
    expect(userTypes.compound('struct', 'repro_has_no_such')).toBeUndefined();
    expect(userTypes.enumerator('NFS_OPEN_STATE') ?? userTypes.enumerator('PG_BUSY')).toBeDefined();
    const all = [...userTypes.compounds()];
    expect(all.filter((type) => type.name === 'nfs_page')).toHaveLength(1);
    expect(all.filter((type) => type.name === 'task_struct')).toHaveLength(1);
  });

  it('name the same types of a module from memory, from its file, and from its DWARF', () => {
    const nfs = kernel.modules().named('nfs');
    const layouts = [nfs?.btf(), nfs?.debug()?.btf(), nfs?.debug()?.dwarf?.types].map((source) => {
      const type = source?.compound('struct', 'nfs_page');
      return type?.members.map((member) => [member.name, member.offset, sizeOf(member.type)]);
    });
    expect(layouts[0]?.length).toBeGreaterThan(10);
    expect(layouts[1]).toEqual(layouts[0]);
    expect(layouts[2]).toEqual(layouts[0]);
  });
});
