/**
 * struct, union, p, whatis, list and bare names beside crash, line by line; and every number of large objects beside
 * drgn. Where crash and vmscope differ on purpose, `expected` names it.
 */

import { describe, expect, it } from 'vitest';
import { strip, type Type } from '../../src/debuginfo/types/type.ts';
import type { ValueNode } from '../../src/query/value-tree.ts';
import { valueTree } from '../../src/query/value-tree.ts';
import { Fixture, fixtureNames } from './fixture.ts';

const asked = /^(struct|union|p|px|pd|whatis|list|\w+\.\w+ |\*)/;

/** GDB counts its values; what stands at a line's end is padding. */
function normal(line: string): string {
  return line
    .replace(/\$\d+/g, '$N')
    .replace(/[^\p{ASCII}]/gu, octal)
    .trimEnd();
}

/** GDB takes bytes of a damaged string that happen to be UTF-8 for a letter; crash shows it. */
function octal(letter: string): string {
  return Array.from(new TextEncoder().encode(letter), (byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
}

/** Lines that are right on one side only, with the reason. Both sides lose what matches. */
const exceptions: readonly { readonly why: string; readonly command: RegExp; readonly line: RegExp }[] = [
  {
    why: 'GDB does not take a symbol without a type, as the linker makes them, for a name of an address',
    command: /^(struct|p|list)/,
    line: /<(init_stack|__\w+|_\w+)(\+\d+)?>/,
  },
  {
    why: 'BTF does not tell [0] from []; GDB reads DWARF, which does',
    command: /^(struct|union|whatis)/,
    line: /\[0?\];$/,
  },
  {
    why: 'of two structs of one name, static in two files, one side shows this and the other that',
    command: /^whatis -r/,
    line: /./,
  },
];

/** Commands whose layout is another one on purpose. */
const otherLayout: Readonly<Record<string, string>> = {
  'union bpf_attr': 'crash stops at the third level of structs without a name; here they are written out',
  'union -o bpf_attr': 'the same, and crash shows no offset of members in a named struct without a tag',
  'struct -o nfs_inode': 'the same',
  'struct -o mm_struct': 'the same',
  'struct -o sk_buff': 'the same',
  'struct -o nfs_page init_task': 'with addresses crash does not indent a union without a name',
  'whatis irqreturn_t': 'crash leaves the name of a typedef of an enum out',
  'whatis -r 60-100 -m address_space': 'crash does not look into unions without a name: struct page is missing there',
};

/** Fixtures that crash is asked everything about (tools/oracles/crash-questions.ts) and can open. */
const thorough = ['nfs', 'sysrq-6.12'] as const;

describe.each(thorough)('types, objects and lists of %s, beside crash', (name) => {
  const fixture = new Fixture(name);
  const commands = fixture.crashCommands().filter((command) => asked.test(command) && !(command in otherLayout));

  it('is asked more than a hundred questions', () => {
    expect(commands.length).toBeGreaterThan(100);
  });

  it.each(commands)('%s', (command) => {
    const dropped = exceptions.filter((exception) => exception.command.test(command));
    const kept = (lines: readonly string[]): string[] =>
      lines.map(normal).filter((line) => !dropped.some((exception) => exception.line.test(line)));
    const theirs = (fixture.crash(command) ?? '').replace(/\n$/, '').split('\n');
    const ours = run(fixture, command);
    // A type that this kernel lacks is an error on both sides.
    if (theirs.some((line) => /invalid data structure reference|gdb request failed|cannot resolve/.test(line))) {
      expect(ours.join('\n')).toMatch(/not found|has no|per-CPU/);
      return;
    }
    if (command.startsWith('whatis -r')) {
      const common = ours.filter((line) => theirs.includes(line));
      expect(common.length).toBeGreaterThan(theirs.length * 0.9);
      expect(ours.length).toBeLessThan(theirs.length * 1.1 + 2);
      return;
    }
    // A line that one side writes otherwise has a partner on the other.
    expect(kept(ours)).toEqual(pairedWith(kept(theirs), dropped, theirs, ours));
  });
});

/** Their lines without the partners of those of ours that were dropped: at the same place, of the same member. */
function pairedWith(
  kept: readonly string[],
  dropped: readonly (typeof exceptions)[number][],
  theirs: readonly string[],
  ours: readonly string[],
): string[] {
  if (theirs.length !== ours.length) return [...kept];
  return theirs.map(normal).filter((line, index) => {
    const mine = normal(ours[index] ?? '');
    return !dropped.some((exception) => exception.line.test(line) || exception.line.test(mine));
  });
}

function run(fixture: Fixture, command: string): string[] {
  try {
    return fixture.run(command);
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
}

/** Every number of a tree by the path drgn gives it. */
function numbersIn(path: string, node: ValueNode, type: Type, numbers: Map<string, string>): void {
  const bare = strip(type);
  switch (node.kind) {
    case 'structure':
      if (bare.kind !== 'struct' && bare.kind !== 'union') return;
      for (const [index, member] of node.members.entries()) {
        const memberType = bare.members[index]?.type ?? bare;
        numbersIn(`${path}.${member.name ?? `#${index}`}`, member.value, memberType, numbers);
      }
      return;
    case 'array':
      if (bare.kind !== 'array') return;
      for (const [index, element] of node.elements.entries())
        numbersIn(`${path}[${index}]`, element, bare.element, numbers);
      return;
    case 'text':
      for (let index = 0; index < Math.min(node.length, 256); index++) {
        const code = node.text.charCodeAt(index) || 0;
        const element = bare.kind === 'array' ? strip(bare.element) : bare;
        const signed = element.kind === 'int' && element.signed;
        numbers.set(`${path}[${index}]`, String(signed && code > 127 ? code - 256 : code));
      }
      return;
    case 'integer':
    case 'character':
    case 'bool':
    case 'enum':
      numbers.set(path, String(node.value));
      return;
    case 'pointer':
      if (bare.kind === 'pointer') numbers.set(path, String(node.value));
      return;
    case 'float':
    case 'function':
    case 'implicit-pointer':
    case 'unavailable':
      return;
  }
}

const openedByDrgn = fixtureNames.filter((name) => new Fixture(name).drgn !== undefined);

describe('a member of a per-CPU variable', () => {
  const fixture = new Fixture('nfs');

  it('is shown of the CPUs behind the colon', () => {
    const each = [0, 1].map((cpu) => `per_cpu(runqueues, ${cpu}).cpu = $N = ${cpu}`);
    const shown = fixture.run('p runqueues.cpu:a').map((line) => line.replace(/\$\d+/, () => '$N'));
    expect(shown).toEqual(each);
    expect(() => fixture.run('p runqueues:x')).toThrow('x is no list of CPUs');
  });
});

describe.each(openedByDrgn)('numbers in objects of %s, beside drgn', (name) => {
  const fixture = new Fixture(name);
  const objects = Object.entries(fixture.drgn?.objects ?? {});

  it.each(objects)('%s', (expression, theirs) => {
    const { session } = fixture;
    const value = session.evaluate(expression);
    const type = session.kernel.userTypes.definition(value.type);
    const ours = new Map<string, string>();
    numbersIn('', valueTree(session.kernel, value), type, ours);
    expect(Object.fromEntries(ours)).toEqual(theirs);
    expect(ours.size).toBeGreaterThan(10);
  });
});
