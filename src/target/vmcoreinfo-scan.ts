/** VMCOREINFO's text in a dump's memory, where no note has it: kernel/vmcore_info.c gives it pages of its own. */

import { PAGE_SIZE } from '../base/addr.ts';
import { checkCancelled } from '../base/cancel.ts';
import type { DumpImage } from '../formats/dump-image.ts';
import { VmcoreInfo } from '../formats/vmcoreinfo.ts';

const VMCOREINFO_START = 'OSRELEASE=';
const SCAN_CHUNK = 256 * PAGE_SIZE;

/** The last resort: reads the first bytes of every page of the dump. */
export function* scanForVmcoreInfo(image: DumpImage): Generator<VmcoreInfo> {
  const chunk = new Uint8Array(SCAN_CHUNK);
  for (const range of image.ranges) {
    for (let offset = 0; offset < range.size; offset += SCAN_CHUNK) {
      checkCancelled();
      const part = chunk.subarray(0, Math.min(SCAN_CHUNK, range.size - offset));
      image.read(range.start + offset, part);
      for (let page = 0; page + PAGE_SIZE <= part.length; page += PAGE_SIZE) {
        if (part[page] !== 0x4f || !startsWith(part, page, VMCOREINFO_START)) continue;
        yield VmcoreInfo.fromBytes(part.slice(page, page + PAGE_SIZE));
      }
    }
  }
}

function startsWith(bytes: Uint8Array, at: number, text: string): boolean {
  for (let index = 0; index < text.length; index++) if (bytes[at + index] !== text.charCodeAt(index)) return false;
  return true;
}
