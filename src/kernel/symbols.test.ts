import { expect, it } from 'vitest';
import { KernelBuilder, TEXT } from '../../test/builders/kernel.ts';
import { virtAddr } from '../base/addr.ts';

const DATA = TEXT + 0x20_0000n;

it('names data by what it lies in, with what aligns the next variable, and nothing far behind its end', () => {
  const { symbols } = new KernelBuilder()
    .symbol('table', DATA, 40)
    .symbol('mark', DATA + 0x2000n)
    .build();
  expect(symbols.label(virtAddr(DATA + 39n))).toBe('table+39');
  expect(symbols.label(virtAddr(DATA + 64n))).toBe('table+64');
  expect(symbols.label(virtAddr(DATA + 0x1000n))).toBeUndefined();
  expect(symbols.label(virtAddr(DATA + 0x3000n))).toBe('mark+4096');
});

it('names code behind the end of a function by it', () => {
  const { symbols } = new KernelBuilder().symbol('work', TEXT + 0x100n, 40).build();
  expect(symbols.label(virtAddr(TEXT + 0x200n))).toBe('work+256');
});
