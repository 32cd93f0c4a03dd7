/**
 * The disassembler beside objdump, on the code of three kernels as it lies in the dump: alternatives applied, calls to
 * __fentry__ turned to nops, thunks patched.
 */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addVirt, type VirtAddr } from '../../src/base/addr.ts';
import { disassemblerFor, loadDisassembler } from '../../src/disasm/disassembler.ts';
import { Fixture } from './fixture.ts';

const folder = mkdtempSync(join(tmpdir(), 'vmscope-disassembler-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What binutils 2.40 does not know, by what it prints: there the instruction set's manual and we are right. */
const newer: Readonly<Record<string, RegExp>> = {
  eretu: /^repz clac$/,
  erets: /^repnz clac$/,
  lkgs: /^repnz \(bad\)$/,
  wrmsrns: /^\(bad\)$/,
};

function objdump(bytes: Uint8Array, address: VirtAddr): Map<bigint, string> {
  const file = join(folder, 'code');
  writeFileSync(file, bytes);
  const options = [
    '-D',
    '-b',
    'binary',
    '-m',
    'i386:x86-64',
    '--no-show-raw-insn',
    `--adjust-vma=0x${address.toString(16)}`,
  ];
  const text = execFileSync('objdump', [...options, file], { encoding: 'utf8', maxBuffer: 1 << 30 });
  const lines = new Map<bigint, string>();
  for (const [, at, instruction = ''] of text.matchAll(/^ *([0-9a-f]+):\t(.*)$/gm))
    lines.set(BigInt(`0x${at}`), instruction.replace(/ +# 0x[0-9a-f]+$/, '').trimEnd());
  return lines;
}

const BLOCK = 1 << 16;
const BLOCKS = 8;

describe.each(['nfs', 'sysrq-6.12', 'sysrq-7.2'] as const)('code of %s', (name) => {
  beforeAll(() => loadDisassembler('x86_64'));
  const { kernel } = new Fixture(name).session;

  /** Blocks that begin with a function, spread over the kernel's text, and one of a module's. */
  function blocks(): VirtAddr[] {
    const start = kernel.symbol('_stext');
    const step = (kernel.symbol('_etext') - start) / BigInt(BLOCKS);
    const starts = Array.from({ length: BLOCKS }, (_, index) => addVirt(start, step * BigInt(index)));
    const module = kernel.modules().named('nfsd');
    return [...starts.map((at) => kernel.symbols.at(at)?.symbol.address ?? at), ...(module ? [module.base] : [])];
  }

  it('is what objdump says', () => {
    const disassembler = disassemblerFor('x86_64');
    const differences: string[] = [];
    let compared = 0;
    let outOfStep = 0;
    for (const start of blocks()) {
      const bytes = kernel.memory.bytes(start, BLOCK);
      const theirs = objdump(bytes, start);
      for (const instruction of disassembler.decode(bytes, start)) {
        const expected = theirs.get(instruction.address);
        // Behind an instruction it does not know objdump may be out of step for a while.
        if (expected === undefined) {
          outOfStep++;
          continue;
        }
        compared++;
        const ours = disassembler.text(instruction);
        if (ours === expected || newer[instruction.name]?.test(expected) === true) continue;
        differences.push(`${instruction.address.toString(16)}: ${ours} | ${expected}`);
      }
    }
    expect(compared).toBeGreaterThan(100_000);
    expect(outOfStep).toBeLessThan(10);
    expect(differences).toEqual([]);
  });

  it('has the boundaries that objdump has', () => {
    const start = kernel.symbol('vfs_write');
    const bytes = kernel.memory.bytes(start, 4096);
    const ours = disassemblerFor('x86_64').decode(bytes, start);
    const theirs = [...objdump(bytes, start).keys()];
    expect(ours.slice(0, -5).map(({ address }) => address)).toEqual(theirs.slice(0, ours.length - 5));
  });
});
