/** VMCOREINFO: what its values mean. */

import { describe, expect, it } from 'vitest';
import { encode } from '../../test/builders/byte-writer.ts';
import { mutationRun } from '../../test/builders/mutate.ts';
import { VmcoreInfo } from './vmcoreinfo.ts';

const text = [
  'OSRELEASE=6.1.0-56-amd64',
  'BUILD-ID=ABCDEF0123',
  'SYMBOL(_stext)=ffffffff9a000000',
  'NUMBER(phys_base)=-1207959552',
  'NUMBER(sme_mask)=0',
  'NUMBER(KERNEL_IMAGE_SIZE)=1073741824',
  'NUMBER(masked)=0xff00',
  'NUMBER(upper)=0XFF',
  'KERNELOFFSET=19000000',
  'OFFSET(list_head.next)=0',
  'OFFSET(page.flags)=-1',
  'SIZE(page)=64',
  'EMPTY=',
  'A=B=C',
  'no equals sign',
].join('\n');
const info = new VmcoreInfo(text);

describe('VmcoreInfo', () => {
  it('drops a line that was cut off: half a build-id is another one', () => {
    const cut = VmcoreInfo.fromBytes(encode('OSRELEASE=6.1\nBUILD-ID=abcdef'));
    expect(cut.release).toBe('6.1');
    expect(cut.buildId).toBeUndefined();
  });

  it('knows text, symbols, offsets and sizes', () => {
    expect(info.release).toBe('6.1.0-56-amd64');
    expect(info.buildId).toBe('abcdef0123');
    expect(info.symbol('_stext')).toBe(0xffff_ffff_9a00_0000n);
    expect(info.symbol('_etext')).toBeUndefined();
    expect(info.kernelOffset).toBe(0x1900_0000n);
    expect(info.offset('list_head.next')).toBe(0);
    expect(info.offset('page.flags')).toBeUndefined();
    expect(info.structSize('page')).toBe(64);
    expect(info.get('A')).toBe('B=C');
    expect(info.get('EMPTY')).toBe('');
  });

  it('takes NUMBER as decimal, negative too, else as hex, whichever way it is spelled', () => {
    expect(info.number('phys_base')).toBe(-1_207_959_552n);
    expect(info.number('KERNEL_IMAGE_SIZE')).toBe(1_073_741_824n);
    expect(info.number('masked')).toBe(0xff00n);
    expect(info.number('upper')).toBe(0xffn);
    expect(info.number('absent')).toBeUndefined();
  });

  it('ends at the first zero of its bytes', () => {
    expect(VmcoreInfo.fromBytes(encode('OSRELEASE=a\n\0OSRELEASE=b')).release).toBe('a');
  });

  it('never does worse, whatever its bytes', () => {
    mutationRun(encode(text), 3000, (bytes) => {
      const damaged = VmcoreInfo.fromBytes(bytes);
      damaged.symbol('_stext');
      for (const name of ['phys_base', 'sme_mask', 'masked', 'upper']) damaged.number(name);
      damaged.offset('list_head.next');
      damaged.structSize('page');
      void [damaged.kernelOffset, damaged.buildId, damaged.release];
    });
  });
});
