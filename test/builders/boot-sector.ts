/**
 * A guest of 512 bytes: goes to 64-bit mode, maps the first 64 MiB at 0 and at ffff800000000000, fills 48 MiB from
 * 1 MiB on with numbers that do not compress, tells port 0xe9 that it is done, and rests. QEMU's dump of it is of
 * x86-64, and takes a second in a compressed format.
 */

const SECTOR = 512;
export const filledFrom = 0x10_0000;
export const mappedAt = 0xffff_8000_0000_0000n;

const code: readonly string[] = [
  'fa', // cli
  '66 31 c0', // xor eax, eax
  '8e d8 8e c0 8e d0', // mov ds, es, ss
  'bc 00 7c', // mov sp, 7c00
  'bf 00 10 b9 00 18 fc f3 ab', // zero 1000 to 3fff
  'c7 06 00 10 03 20', // PML4[0] at 1000: the table at 2000
  'c7 06 00 18 03 20', // PML4[256]: the same
  'c7 06 00 20 03 30', // its first entry: the directory at 3000
  'bf 00 30 66 b8 83 00 00 00 b9 20 00', // di = 3000, eax = page 0 of 2 MiB, 32 times:
  '66 89 05 66 05 00 00 20 00 83 c7 08 e2 f2', // store it, next page, next entry
  '66 b8 20 00 00 00 0f 22 e0', // cr4 = PAE
  '66 b8 00 10 00 00 0f 22 d8', // cr3 = 1000
  '66 b9 80 00 00 c0 0f 32 0d 00 01 0f 30', // EFER.LME
  '66 0f 01 16 b7 7c', // lgdt [7cb7]
  '66 b8 01 00 00 80 0f 22 c0', // cr0 = PG | PE
  'ea 75 7c 08 00', // jmp 8:7c75
  '48 bb 2d 7f 95 4c 2d f4 51 58', // rbx = 6364136223846793005
  'bf 00 00 10 00 b9 00 00 60 00 b8 01 00 00 00', // edi = 1 MiB, ecx = 48 MiB / 8, rax = 1
  '48 89 07 48 0f af c3 48 ff c0', // [rdi] = rax; rax = rax * rbx + 1
  '48 83 c7 08 ff c9 75 ee', // next word, to the end
  'b0 21 e6 e9', // out e9, '!'
  'f4 eb fd', // hlt for ever
  '00 00 00 00 00 00 00 00 00 00 00 00 00 9a 20 00', // GDT: null, 64-bit code
  '0f 00 a7 7c 00 00', // its limit and address
];

/** The boot sector. */
export function bootSector(): Uint8Array {
  const bytes = code.join(' ').split(' ');
  const sector = new Uint8Array(SECTOR);
  sector.set(bytes.map((byte) => parseInt(byte, 16)));
  sector.set([0x55, 0xaa], SECTOR - 2);
  return sector;
}

/** The first words of what it fills memory with. */
export function filling(words: number): bigint[] {
  const out = [1n];
  while (out.length < words) out.push(BigInt.asUintN(64, (out.at(-1) ?? 0n) * 6364136223846793005n + 1n));
  return out;
}
