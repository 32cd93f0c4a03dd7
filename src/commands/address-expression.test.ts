/** Arithmetic on addresses. */

import { describe, expect, it } from 'vitest';
import { evaluateAddress } from './address-expression.ts';

const symbols: Readonly<Record<string, bigint>> = { init_task: 0xffff_ffff_8200_0000n, dead: 5n };
const value = (text: string): bigint | undefined => evaluateAddress(text, (name) => symbols[name]);

describe('an address expression', () => {
  it.each([
    ['init_task', 0xffff_ffff_8200_0000n],
    ['init_task+16', 0xffff_ffff_8200_0010n],
    ['init_task + 0x10 * 2', 0xffff_ffff_8200_0020n],
    ['init_task-8', 0xffff_ffff_81ff_fff8n],
    ['(init_task | 3) & ~1', 0xffff_ffff_8200_0002n],
    ['init_task >> 32 << 4', 0xf_ffff_fff0n],
    ['init_task ^ init_task', 0n],
    ['0-1', 0xffff_ffff_ffff_ffffn],
    ['-1', 0xffff_ffff_ffff_ffffn],
    ['100', 0x100n],
    ['10+10', 0x1an],
    ['10+0x10', 0x20n],
    ['ffffffff82000000+16', 0xffff_ffff_8200_0010n],
    ['0x64/7%4', (0x64n / 7n) % 4n],
    ['1 << 63', 1n << 63n],
    ['1 << 64', 0n],
    ['20-8-4', 0x14n],
    ['dead+1', 6n],
  ])('%s', (text, expected) => {
    expect(value(text)).toBe(expected);
  });

  it.each([
    '',
    'init_task+',
    'init_task init_task',
    'init_task+ff',
    'nosuch+1',
    '(init_task',
    'init_task)',
    'init_task/0',
    'init_task@1',
    'init_task->pid',
    '*init_task',
    '1ffffffffffffffff',
    '('.repeat(1000),
    '-'.repeat(100_000),
  ])('is none: %s', (text) => {
    expect(value(text)).toBeUndefined();
  });
});
