/** BTF of modules in the dump's memory: taken where it goes on from this vmlinux's, left alone otherwise. */

import { describe, expect, it } from 'vitest';
import { BtfBuilder } from '../../test/builders/btf.ts';
import { KernelBuilder } from '../../test/builders/kernel.ts';
import { addVirt } from '../base/addr.ts';
import { Btf } from '../debuginfo/btf/btf.ts';
import type { Kernel } from './kernel.ts';

interface Damage {
  readonly startId?: number;
  readonly bytes?: Uint8Array;
  readonly noBase?: boolean;
}

/** A kernel with one module, `extra`, whose struct its own BTF alone describes. */
function kernelWith({ startId, bytes, noBase = false }: Damage = {}): Kernel {
  const builder = new KernelBuilder();
  const { types } = builder;
  const pointer = types.pointer(0);
  const int = types.int('unsigned int', 4);
  const list = types.struct('list_head', 16, [
    { name: 'next', type: pointer, offset: 0 },
    { name: 'prev', type: pointer, offset: 8 },
  ]);
  types.struct('btf_module', 40, [
    { name: 'list', type: list, offset: 0 },
    { name: 'module', type: pointer, offset: 16 },
    { name: 'btf', type: pointer, offset: 24 },
  ]);
  types.struct('btf', 32, [
    { name: 'data', type: pointer, offset: 0 },
    { name: 'data_size', type: int, offset: 8 },
    { name: 'start_id', type: int, offset: 12 },
    { name: 'base_btf', type: pointer, offset: 16 },
  ]);
  const layout = types.struct('module_layout', 16, [
    { name: 'base', type: pointer, offset: 0 },
    { name: 'size', type: int, offset: 8 },
  ]);
  types.struct('module', 64, [
    { name: 'list', type: list, offset: 0 },
    { name: 'name', type: types.array(types.int('char', 1), 16), offset: 16 },
    { name: 'core_layout', type: layout, offset: 32 },
    { name: 'init_layout', type: layout, offset: 48 },
  ]);
  const split = new BtfBuilder(types);
  split.struct('extra_state', 12, [{ name: 'count', type: int, offset: 8 }]);
  split.function('extra_open', split.prototype(int, [{ name: 'flags', type: int }]));
  const data = bytes ?? split.build();

  const modules = builder.variable('modules', 16);
  const module = builder.allocate(64);
  builder.u64(modules, module).u64(module, modules).text(addVirt(module, 16), 'extra');
  const head = builder.variable('btf_modules', 16);
  const entry = builder.allocate(40);
  const btf = builder.allocate(32);
  const dataAt = builder.allocate(data.length);
  builder.write(dataAt, data).u64(head, entry).u64(entry, head);
  builder.u64(addVirt(entry, 16), module).u64(addVirt(entry, 24), btf);
  builder.u64(btf, dataAt).u32(addVirt(btf, 8), data.length);
  builder.u32(addVirt(btf, 12), startId ?? types.nextId).u64(addVirt(btf, 16), noBase ? 0n : head);
  return builder.build();
}

describe('the types of a module', () => {
  it('are read from memory, after those of the kernel', () => {
    const kernel = kernelWith();
    const module = kernel.modules().named('extra');
    expect(module?.btf()).toBeInstanceOf(Btf);
    expect(
      module
        ?.btf()
        ?.functionNamed('extra_open')
        ?.parameters.map(({ name }) => name),
    ).toEqual(['flags']);
    expect(kernel.types.compound('struct', 'extra_state')).toBeUndefined();
    expect(kernel.userTypes.compound('struct', 'extra_state')).toMatchObject({ size: 12 });
    expect(kernel.userTypes.compound('struct', 'list_head')).toBe(kernel.types.compound('struct', 'list_head'));
    expect(Array.from(kernel.userTypes.compounds(), ({ name }) => name)).toEqual([
      'list_head',
      'btf_module',
      'btf',
      'module_layout',
      'module',
      'extra_state',
    ]);
  });

  it('are indexed with those of the kernel', () => {
    const types = kernelWith().indexedTypes();
    expect([...types.names('struct')]).toEqual(expect.arrayContaining(['list_head', 'extra_state']));
    expect(types.compound('struct', 'extra_state')).toMatchObject({ size: 12 });
  });

  it('are left alone where their base is not the BTF of this vmlinux', () => {
    for (const damage of [{ startId: 3 }, { noBase: true }]) {
      const kernel = kernelWith(damage);
      expect(kernel.modules().named('extra')?.btf()).toBeUndefined();
      expect(kernel.userTypes.compound('struct', 'extra_state')).toBeUndefined();
    }
  });

  it('that are damaged cost those types, not the question', () => {
    const kernel = kernelWith({ bytes: new Uint8Array(64) });
    expect(kernel.modules().named('extra')?.btf()).toBeUndefined();
    expect(kernel.userTypes.compound('struct', 'list_head')).toBeDefined();
    expect(kernel.userTypes.compound('struct', 'extra_state')).toBeUndefined();
  });
});
