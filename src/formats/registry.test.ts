/** What is no memory image, or a packed one: it is named, and what to do is said. */

import { describe, expect, it } from 'vitest';
import { memoryHost } from '../../test/builders/host.ts';
import { OpenError } from '../base/errors.ts';
import { BytesSource } from '../bytes/byte-source.ts';
import { openDump } from './registry.ts';

function refusal(name: string, ...starts: readonly (readonly [at: number, text: string])[]): string {
  const bytes = new Uint8Array(5000);
  for (const [at, text] of starts)
    bytes.set(
      Array.from(text, (letter) => letter.charCodeAt(0)),
      at,
    );
  try {
    openDump([new BytesSource(name, bytes)], memoryHost());
    return 'opened';
  } catch (error) {
    if (error instanceof OpenError) return error.message;
    throw error;
  }
}

describe('a packed dump', () => {
  it.each([
    ['vmcore.gz', '\x1f\x8b', 'gzip -dc vmcore.gz > vmcore'],
    ['a/vmcore.XZ', '\xfd7zXZ\0', 'xz -dc a/vmcore.XZ > a/vmcore'],
    ['vmcore', '\x28\xb5\x2f\xfd', 'zstd -dc vmcore > vmcore.unpacked'],
    ['vmcore.bz2', 'BZh9', 'bzip2 -dc vmcore.bz2 > vmcore'],
    ['vmcore.lz4', '\x04\x22\x4d\x18', 'lz4 -dc vmcore.lz4 > vmcore'],
    ['vmcore.lzo', '\x89LZO\0\r\n\x1a\n', 'lzop -dc vmcore.lzo > vmcore'],
    ['vmcore.zip', 'PK\x03\x04', 'unzip -p vmcore.zip > vmcore'],
    ["it's; rm -rf.gz", '\x1f\x8b', String.raw`gzip -dc 'it'\''s; rm -rf.gz' > 'it'\''s; rm -rf'`],
    ['-rf.gz', '\x1f\x8b', 'gzip -dc ./-rf.gz > ./-rf'],
    ['.gz', '\x1f\x8b', 'gzip -dc .gz > .gz.unpacked'],
  ])('%s: %j', (name, magic, command) => {
    expect(refusal(name, [0, magic])).toContain(`unpack it first: ${command}`);
  });
});

describe('a file of another program', () => {
  it.each([
    ['QEVM', 'virsh dump --memory-only'],
    ['LibvirtQemudSave', 'virsh save'],
    ['QFI\xfb', 'qcow2'],
    ['\xd2\xbe\xd2\xbe', 'vmss2core'],
    ['\xed\xeb\x0f\xf0', 'Xen'],
    ['\xed\x23\x8f\x61\x73\x01\x19\xa8', 'LKCD'],
    ['\xa8\x19\x01\x73\x61\x8f\x23\xfd', 's390'],
    ['sadump\0\0', 'makedumpfile makes a kdump of it'],
    ['PAGEDU64', 'Windows'],
    ['MDMP', 'minidump'],
    ['EMiL', 'LiME'],
  ])('%j', (magic, words) => {
    expect(refusal('file', [0, magic])).toContain(words);
  });

  it('is known by what stands further in, too', () => {
    expect(refusal('swap', [4086, 'S1SUSPEND'])).toContain('hibernation image');
    expect(refusal('vmlinuz', [0, 'MZ'], [0x202, 'HdrS'])).toContain('a kernel as it is booted');
    expect(refusal('a.tar', [0, 'vmcore'], [257, 'ustar'])).toContain('tar -xf');
  });
});

describe('what nobody knows', () => {
  it('is shown as it begins', () => {
    expect(refusal('file', [0, 'hello\x1b[2J'])).toContain('it begins with 68 65 6c 6c 6f 1b 5b 32 4a 00');
    expect(refusal('file', [0, 'hello\x1b[2J'])).toContain('|hello.[2J.......|');
    expect(refusal('file', [0, 'hello'])).toContain('ELF vmcore, compressed kdump, flattened dump');
  });

  it('is said to be zeros, or nothing', () => {
    expect(refusal('file')).toContain('begins with 4096 zero bytes');
    expect(() => openDump([new BytesSource('file', new Uint8Array(0))], memoryHost())).toThrow('file: is empty');
  });
});
