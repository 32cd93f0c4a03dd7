/**
 * Relocation of code in a relocatable x86-64 file, a kernel module: System V ABI, AMD64 supplement, section 4.4, as far
 * as the kernel's own loader takes it (arch/x86/kernel/module.c).
 */

import { s64At, u32At, u53At } from '../../bytes/read.ts';

const RELA_SIZE = 24;
const R_X86_64_64 = 1;
const R_X86_64_PC32 = 2;
const R_X86_64_PLT32 = 4;
const R_X86_64_32 = 10;
const R_X86_64_32S = 11;
const R_X86_64_PC64 = 24;

const widths: Readonly<Record<number, 4 | 8>> = {
  [R_X86_64_64]: 8,
  [R_X86_64_PC32]: 4,
  [R_X86_64_PLT32]: 4,
  [R_X86_64_32]: 4,
  [R_X86_64_32S]: 4,
  [R_X86_64_PC64]: 8,
};

/**
 * Patches bytes of a section. What refers to an unknown symbol stays as it is.
 * @param start where in the section the bytes begin
 * @param address where the first of them is in memory
 * @param rela the section's Elf64_Rela entries
 * @param symbolValue by index; undefined where the symbol is not known
 */
export function relocateCode(
  bytes: Uint8Array,
  start: number,
  address: bigint,
  rela: Uint8Array,
  symbolValue: (index: number) => bigint | undefined,
): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + RELA_SIZE <= rela.length; at += RELA_SIZE) {
    const offset = u53At(rela, at) - start;
    const type = u32At(rela, at + 8);
    const width = widths[type];
    if (width === undefined || offset < 0 || offset + width > bytes.length) continue;
    const symbol = symbolValue(u32At(rela, at + 12));
    if (symbol === undefined) continue;
    const relative = type === R_X86_64_PC32 || type === R_X86_64_PLT32 || type === R_X86_64_PC64;
    const value = symbol + BigInt(s64At(rela, at + 16)) - (relative ? address + BigInt(offset) : 0n);
    if (width === 8) view.setBigUint64(offset, BigInt.asUintN(64, value), true);
    else view.setUint32(offset, Number(BigInt.asUintN(32, value)), true);
  }
}
