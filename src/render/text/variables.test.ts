/** Arguments and locals as lines: their order, what is inferred, what is absent, what is too long. */

import { describe, expect, it } from 'vitest';
import type { VariableRow } from '../../query/frame-variables.ts';
import type { ValueNode } from '../../query/value-tree.ts';
import { scopeLines } from './variables.ts';

const integer = (value: bigint): ValueNode => ({ kind: 'integer', value, bits: 32 });

function row(name: string, value: ValueNode, more: Partial<VariableRow> = {}): VariableRow {
  return {
    name,
    argument: false,
    declaration: `int ${name}`,
    value,
    target: undefined,
    provenance: { kind: 'known' },
    absence: undefined,
    ...more,
  };
}

const lines = (...variables: VariableRow[]): string[] => [
  ...scopeLines({ inlined: 0, functionName: 'f', variables }, 10, 2),
];

describe('variables', () => {
  it('are arguments first', () => {
    expect(lines(row('a', integer(1n)), row('b', integer(2n), { argument: true }))).toEqual([
      '  arg   int b = 2',
      '  local int a = 1',
    ]);
  });

  it('that are inferred are marked, with the reason', () => {
    const provenance = { kind: 'inferred', how: 'passed by an indirect\ncall' } as const;
    const [line = ''] = lines(row('a', integer(1n), { provenance }));
    expect(line).toMatch(/^ {2}local int a = ~1 {2}\(~ passed by an indirect.+call\)$/);
  });

  it('that are nowhere say so, unmarked', () => {
    const [line = ''] = lines(row('a', { kind: 'unavailable', unavailable: 'optimized out' }));
    expect(line).toContain('int a = ');
    expect(line).toContain('optimized out');
    expect(line).not.toContain('~');
  });

  it('that are long are cut, on one line', () => {
    const members = Array.from({ length: 50 }, (_, index) => ({ name: `member_${index}`, value: integer(7n) }));
    const all = lines(row('a', { kind: 'structure', members }));
    expect(all).toHaveLength(1);
    expect(all[0]).toMatch(/member_0 = 7.*\.\.\.$/);
    expect(all[0]?.length).toBeLessThan(130);
  });

  it('send no control characters to a terminal', () => {
    const text = { kind: 'text', text: 'a\u001b[2J\n', length: 16, cut: false } as const;
    const [line = ''] = lines(row('a', text, { declaration: 'char a\u001b[16]' }));
    expect(line.split('').every((character) => character >= ' ')).toBe(true);
  });
});
