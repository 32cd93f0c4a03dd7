/** Instructions as objdump of GNU binutils reads them. */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** @param address of the first byte, in hexadecimal */
export function objdump(bytes: Iterable<number>, address: string): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'vmscope-objdump-'));
  try {
    writeFileSync(join(folder, 'code'), Uint8Array.from(bytes));
    const options = ['-D', '-b', 'binary', '-m', 'i386:x86-64', `--adjust-vma=0x${address}`, '--no-show-raw-insn'];
    const text = execFileSync('objdump', [...options, join(folder, 'code')], { encoding: 'utf8' });
    return text
      .split('\n')
      .flatMap((line) => /^ *[0-9a-f]+:\s+(.*)$/.exec(line)?.[1]?.replaceAll(/\s+/g, ' ').trim() ?? []);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
