/**
 * How well the bytes of an object agree with a struct: links of lists that lead back, pointers that point at the object
 * itself or at memory there is, functions that are code. A single thing that cannot be tells that it is another struct.
 */

import { addVirt, virtAddr, type VirtAddr } from '../base/addr.ts';
import { attempt } from '../base/errors.ts';
import { KERNEL_SPACE } from '../arch/x86-64/layout.ts';
import type { CompoundType } from '../debuginfo/types/type.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { tellingMembers, type TellingMember } from './telling-members.ts';

export interface Plausibility {
  /** Things that speak for the struct, strong ones counted more than once. */
  readonly signs: number;
  /** How many members they come from: an empty list looks like a pointer to its own struct, so one proves nothing. */
  readonly witnesses: number;
  /** The first thing that cannot be; undefined where there is none. */
  readonly against: string | undefined;
}

/**
 * @param size of the object, where that is less than the struct's: what lies behind is another object
 * @throws FaultError where the object cannot be read
 */
export function plausibility(
  kernel: Kernel,
  type: CompoundType,
  address: VirtAddr,
  size: number = type.size,
): Plausibility {
  const bytes = kernel.memory.bytes(address, Math.min(type.size, size));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let signs = 0;
  let witnesses = 0;
  for (const member of tellingMembers(type)) {
    const verdict = judge(kernel, type, address, member, view);
    if (verdict < 0) return { signs, witnesses, against: member.path };
    signs += verdict;
    if (verdict > 0) witnesses++;
  }
  return { signs, witnesses, against: undefined };
}

const IMPOSSIBLE = -1;
/** The last page holds error codes in place of pointers: include/linux/err.h. */
const FIRST_ERROR = 0xffff_ffff_ffff_f001n;
const POISON = 0xdead_0000_0000_0000n;

function judge(
  kernel: Kernel,
  type: CompoundType,
  address: VirtAddr,
  { kind, offset, target, enumeration }: TellingMember,
  view: DataView,
): number {
  if (offset + (kind === 'bool' ? 1 : kind === 'enum' ? 4 : 8) > view.byteLength) return 0;
  switch (kind) {
    case 'bool':
      return view.getUint8(offset) <= 1 ? 0 : IMPOSSIBLE;
    case 'enum': {
      const value = BigInt(enumeration?.signed === true ? view.getInt32(offset, true) : view.getUint32(offset, true));
      const largest = enumeration?.enumerators.reduce((most, { value: one }) => (one > most ? one : most), 0n) ?? 0n;
      return enumeration !== undefined && enumeration.size === 4 && (value < -4096n || value > largest * 2n + 1n)
        ? IMPOSSIBLE
        : 0;
    }
    case 'function': {
      const code = virtAddr(view.getBigUint64(offset, true));
      if (code === 0n) return 0;
      return kernel.symbols.isText(code) ? 2 : IMPOSSIBLE;
    }
    case 'list':
      return judgeLinks(kernel, addVirt(address, offset), view, offset);
    case 'pointer': {
      const value = virtAddr(view.getBigUint64(offset, true));
      if (value === 0n || value >= FIRST_ERROR) return 0;
      // Flags stand in the low bits of some pointers, user addresses in others.
      if (value < KERNEL_SPACE) return value < 1n << 56n ? 0 : IMPOSSIBLE;
      if (value === address && target !== undefined && target.name === type.name) return 4;
      return attempt(() => kernel.memory.u8(value)) === undefined ? IMPOSSIBLE : 1;
    }
  }
}

/** Empty, unused, deleted, or linked in both directions. */
function judgeLinks(kernel: Kernel, head: VirtAddr, view: DataView, offset: number): number {
  if (offset + 16 > view.byteLength) return 0;
  const next = virtAddr(view.getBigUint64(offset, true));
  const previous = virtAddr(view.getBigUint64(offset + 8, true));
  if (next === 0n && previous === 0n) return 0;
  if (next >> 16n === POISON >> 16n || previous >> 16n === POISON >> 16n) return 1;
  const back = attempt(() => kernel.memory.pointer(addVirt(next, 8)));
  const forth = attempt(() => kernel.memory.pointer(previous));
  if (back === head && forth === head) return 3;
  return back === head || forth === head ? 0 : IMPOSSIBLE;
}
