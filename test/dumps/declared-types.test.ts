/** Declarations of global variables against the DWARF of every kernel among the fixtures. */

import { realpathSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { declare } from '../../src/debuginfo/types/declaration.ts';
import type { KernelSymbol } from '../../src/debuginfo/symbols/symbol-table.ts';
import { declarations, declaredType } from '../../src/kernel/declared-types.ts';
import type { Kernel } from '../../src/kernel/kernel.ts';
import { typeOfVariable } from '../../src/kernel/symbol-types.ts';
import { Fixture, fixtureNames } from './fixture.ts';

/** One fixture of each kernel. */
const fixtures = [
  ...new Map(
    fixtureNames.map((name) => [realpathSync(`${new Fixture(name).folder}/vmlinux`), new Fixture(name)]),
  ).values(),
];

function symbolOf(kernel: Kernel, name: string): KernelSymbol | undefined {
  const [symbol, other] = kernel.symbols.named(name).filter(({ module }) => module === undefined);
  return other === undefined ? symbol : undefined;
}

describe('declarations of global variables', () => {
  it('are many, and each holds on some kernel', () => {
    expect(fixtures.length).toBeGreaterThanOrEqual(3);
    const nowhere = [...declarations().keys()].filter((name) =>
      fixtures.every(({ session: { kernel } }) => {
        const symbol = symbolOf(kernel, name);
        return symbol === undefined || declaredType(kernel, { ...symbol, size: 0 }) === undefined;
      }),
    );
    expect(nowhere).toEqual([]);
    expect(declarations().size).toBeGreaterThan(600);
  });

  it.each(fixtures)('are those of DWARF on $name, or are not used', ({ session: { kernel } }) => {
    let checked = 0;
    for (const name of declarations().keys()) {
      const symbol = symbolOf(kernel, name);
      if (symbol === undefined) continue;
      // Kallsyms have no sizes: the next symbol must do.
      for (const seen of [symbol, { ...symbol, size: 0 }]) {
        const declared = declaredType(kernel, seen);
        if (declared === undefined) continue;
        const known = typeOfVariable(kernel, symbol);
        expect(declare(declared, name)).toBe(known && declare(known, name));
        checked++;
      }
    }
    expect(checked).toBeGreaterThan(1000);
  });
});
