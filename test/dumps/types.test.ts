/**
 * The type model: BTF and DWARF must describe the same structures, and both the offsets that drgn (DWARF, its own
 * reader) and the kernel itself (VMCOREINFO) give.
 */

import { describe, expect, it } from 'vitest';
import { findMember } from '../../src/debuginfo/types/members.ts';
import { sizeOf, strip, type CompoundType, type Type } from '../../src/debuginfo/types/type.ts';
import { Fixture } from './fixture.ts';

const structs = [
  'task_struct', 'mm_struct', 'module', 'page', 'inode', 'dentry', 'file', 'super_block', 'vm_area_struct', 'rq',
  'signal_struct', 'cred', 'sk_buff', 'sock', 'net_device', 'kmem_cache', 'pglist_data', 'zone', 'bio', 'request_queue',
  'pt_regs', 'desc_struct', 'iphdr', 'tcphdr', 'printk_info', 'timekeeper', 'cgroup', 'perf_event', 'kobject', 'device',
]; // prettier-ignore

/** A structure as text: every member with its place and its type's kind and size, anonymous ones opened. */
function layout(type: CompoundType, depth = 0): string[] {
  return type.members.flatMap((member) => {
    const bare = strip(member.type);
    const bits = member.bitField === undefined ? '' : ` bits ${member.bitField.bitOffset}+${member.bitField.bitSize}`;
    const line = `${' '.repeat(depth)}${member.name ?? '(anonymous)'} @${member.offset} ${describeType(member.type)}${bits}`;
    const opened = member.name === undefined && (bare.kind === 'struct' || bare.kind === 'union') && depth < 8;
    return opened ? [line, ...layout(bare, depth + 1)] : [line];
  });
}

function describeType(type: Type): string {
  const bare = strip(type);
  switch (bare.kind) {
    case 'struct':
    case 'union':
    case 'enum':
      return `${bare.kind} ${bare.name ?? ''} ${bare.size}`;
    case 'array':
      return `${describeType(bare.element)}[${bare.count ?? ''}]`;
    case 'int':
      return `${bare.name} ${bare.size} ${bare.signed ? 'signed' : 'unsigned'}`;
    default:
      return `${bare.kind} ${sizeOf(bare)}`;
  }
}

/** pahole writes DWARF's subrange of an empty array as a count of 0; so both are flexible. */
function normalise(lines: readonly string[]): string[] {
  return lines.map((line) => line.replaceAll('[0]', '[]'));
}

describe.each(['nfs', 'sysrq-6.12', 'sysrq-7.2'] as const)('types of %s', (name) => {
  const fixture = new Fixture(name);
  const { target } = fixture.session.kernel;
  const btf = target.vmlinux.btf();
  const info = target.vmlinux.dwarf();

  it('are the same from BTF and from DWARF', () => {
    expect(btf).toBeDefined();
    expect(info).toBeDefined();
    if (btf === undefined || info === undefined) return;
    const dwarf = info.types;
    let compared = 0;
    for (const struct of structs) {
      const left = btf.compound('struct', struct);
      const right = dwarf.compound('struct', struct);
      if (left === undefined || right === undefined) {
        expect(left?.name, struct).toBe(right?.name);
        continue;
      }
      expect(normalise(layout(left)), struct).toEqual(normalise(layout(right)));
      expect(left.size, struct).toBe(right.size);
      compared++;
    }
    expect(compared).toBeGreaterThan(25);
    expect(dwarf.enumeration('pid_type')?.enumerators).toEqual(btf.enumeration('pid_type')?.enumerators);
    expect(strip(dwarf.variable('init_task') ?? { kind: 'void' })).toMatchObject({
      kind: 'struct',
      name: 'task_struct',
    });
    expect(strip(btf.variable('runqueues') ?? { kind: 'void' })).toMatchObject({ kind: 'struct', name: 'rq' });
  });

  it("have drgn's sizes and offsets", () => {
    const structsOfDrgn = Object.entries(fixture.drgn?.structs ?? {});
    expect(structsOfDrgn.length).toBeGreaterThan(5);
    for (const [struct, facts] of structsOfDrgn) {
      const type = target.types.compound('struct', struct.replace(/^struct /, ''));
      if (type === undefined) continue;
      expect(type.size, struct).toBe(facts.size);
      for (const [member, bitOffset] of Object.entries(facts.bitOffsets)) {
        const found = findMember(type, member);
        const bits = found === undefined ? undefined : found.offset * 8 + (found.bitField?.bitOffset ?? 0);
        expect(bits, `${struct}.${member}`).toBe(bitOffset);
      }
    }
  });

  it('have the offsets and sizes that the kernel wrote into VMCOREINFO', () => {
    const text = target.vmcoreinfo()?.text ?? '';
    let compared = 0;
    for (const [, struct = '', member = '', offset] of text.matchAll(/^OFFSET\((\w+)\.([\w.]+)\)=(\d+)$/gm)) {
      const type = target.types.compound('struct', struct);
      const found = type && findMember(type, member);
      if (found === undefined) continue;
      expect(found.offset, `${struct}.${member}`).toBe(Number(offset));
      compared++;
    }
    for (const [, struct = '', size] of text.matchAll(/^SIZE\((\w+)\)=(\d+)$/gm)) {
      const type = target.types.compound('struct', struct);
      if (type !== undefined) expect(type.size, struct).toBe(Number(size));
    }
    expect(compared).toBeGreaterThan(20);
  });
});
