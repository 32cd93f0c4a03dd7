/** Where a kernel image has its ORC tables: between the labels that the linker puts around them (vmlinux.lds.h). */

import type { VirtAddr } from '../../base/addr.ts';
import type { ImagePart } from '../../memory/sparse.ts';
import { ORC_ENTRY_SIZE } from './orc-entry.ts';

export interface OrcParts {
  /** `.orc_unwind_ip` */
  readonly ips: ImagePart;
  /** `.orc_unwind` */
  readonly entries: ImagePart;
}

const IP_SIZE = 4;
/** A kernel's code has some million entries at most. */
const MOST_ENTRIES = 1 << 24;

/**
 * Undefined where the kernel has none (CONFIG_UNWINDER_ORC is not set), or the labels do not fit each other.
 * @param addressOf a symbol's address in the image
 */
export function locateOrc(addressOf: (name: string) => VirtAddr | undefined): OrcParts | undefined {
  const between = (section: string): ImagePart | undefined => {
    const start = addressOf(`__start_${section}`);
    const stop = addressOf(`__stop_${section}`);
    return start === undefined || stop === undefined ? undefined : { address: start, size: Number(stop - start) };
  };
  const ips = between('orc_unwind_ip');
  const entries = between('orc_unwind');
  if (ips === undefined || entries === undefined) return undefined;
  const count = ips.size / IP_SIZE;
  const fits = count > 0 && count <= MOST_ENTRIES && entries.size >= count * ORC_ENTRY_SIZE;
  return fits ? { ips, entries } : undefined;
}
