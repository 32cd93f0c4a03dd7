/** VMCOREINFO's text in a dump's memory, where no note has it: kernel/vmcore_info.c gives it pages of its own. */

import { PAGE_SIZE } from '../base/addr.ts';
import type { DumpImage } from '../formats/dump-image.ts';
import { VmcoreInfo } from '../formats/vmcoreinfo.ts';
import { memoryWindows, physicalRuns } from '../memory/scan.ts';

const VMCOREINFO_START = 'OSRELEASE=';

/** The last resort: reads the first bytes of every page of the dump. */
export function* scanForVmcoreInfo(image: DumpImage): Generator<VmcoreInfo> {
  for (const { bytes } of memoryWindows(image, physicalRuns(image, 0, image.end), PAGE_SIZE, 0)) {
    for (let page = 0; page + PAGE_SIZE <= bytes.length; page += PAGE_SIZE) {
      if (bytes[page] !== 0x4f || !startsWith(bytes, page, VMCOREINFO_START)) continue;
      yield VmcoreInfo.fromBytes(bytes.slice(page, page + PAGE_SIZE));
    }
  }
}

function startsWith(bytes: Uint8Array, at: number, text: string): boolean {
  for (let index = 0; index < text.length; index++) if (bytes[at + index] !== text.charCodeAt(index)) return false;
  return true;
}
