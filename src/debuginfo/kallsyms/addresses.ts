/**
 * The addresses of kallsyms, in the four forms they were ever written in (kernel scripts/kallsyms.c, write_src();
 * kernel/kallsyms.c, kallsyms_sym_address()):
 *
 * - `kallsyms_addresses`: 64 bits each, without CONFIG_KALLSYMS_BASE_RELATIVE;
 * - `kallsyms_offsets`, 32 bits each, with `kallsyms_relative_base`: unsigned from it, or, where per-CPU symbols are
 *   linked at zero (CONFIG_KALLSYMS_ABSOLUTE_PERCPU), a value in itself, and below zero −1 − offset from the base;
 * - `kallsyms_offsets` without a base: signed, from their own place.
 *
 * No table tells its form: the one that is right gives ascending addresses in the kernel image.
 */

import type { VirtAddr } from '../../base/addr.ts';
import { assertNever } from '../../base/errors.ts';
import { upperBound } from '../../base/search.ts';
import { s64At } from '../../bytes/read.ts';
import type { ImageMemory } from '../../memory/sparse.ts';

export type AddressForm = 'absolute' | 'from base' | 'from base, per-CPU absolute' | 'from its own place';

/** A place where addresses may be, in one of their forms. */
export interface AddressTable {
  readonly form: AddressForm;
  readonly at: VirtAddr;
  /** Where `kallsyms_relative_base` is; undefined for forms that have none. */
  readonly baseAt: VirtAddr | undefined;
}

/** Code reaches all of an image with signed 32 bits. */
const REACH = 2 ** 31;
/** Less is no table of addresses in this form. */
const SMALLEST_PART_IN_ORDER = 15 / 16;

/**
 * Signed 64-bit integers in doubles; NaN for those that are missing. Undefined where the table cannot be of this form.
 */
export function readAddresses(image: ImageMemory, table: AddressTable, count: number): Float64Array | undefined {
  const sparse = image.read(table.at, count * entrySize(table.form));
  const base = table.baseAt === undefined ? 0 : wordAt(image, table.baseAt);
  if (base === undefined) return undefined;
  const values = decode(sparse.bytes, table, base);
  for (const { start, end } of sparse.gaps)
    values.fill(Number.NaN, Math.floor(start / entrySize(table.form)), Math.ceil(end / entrySize(table.form)));
  return isPlausible(values) ? values : undefined;
}

export function entrySize(form: AddressForm): number {
  return form === 'absolute' ? 8 : 4;
}

function decode(
  { buffer, byteOffset, byteLength }: Uint8Array,
  { form, at }: AddressTable,
  base: number,
): Float64Array {
  const size = entrySize(form);
  const values = new Float64Array(byteLength / size);
  const view = new DataView(buffer, byteOffset, byteLength);
  const place = Number(BigInt.asIntN(64, at));
  for (let index = 0; index < values.length; index++) {
    const word = view.getInt32(index * size, true);
    switch (form) {
      case 'absolute':
        values[index] = view.getInt32(index * size + 4, true) * 0x1_0000_0000 + (word >>> 0);
        break;
      case 'from base':
        values[index] = base + (word >>> 0);
        break;
      case 'from base, per-CPU absolute':
        values[index] = word >= 0 ? word : base - 1 - word;
        break;
      case 'from its own place':
        values[index] = place + index * size + word;
        break;
      default:
        assertNever(form);
    }
  }
  return values;
}

/** Symbols are sorted by address; most of them are in the image. What is out of order was overwritten, and given up. */
function isPlausible(values: Float64Array): boolean {
  const addresses = values.filter((value) => value < 0);
  const middle = addresses[addresses.length >> 1] ?? 0;
  let present = 0;
  let inImage = 0;
  let ascends = true;
  let before = -Infinity;
  for (const value of values) {
    if (Number.isNaN(value)) continue;
    present++;
    if (value < 0 && Math.abs(value - middle) < REACH) inImage++;
    ascends &&= orderOf(value) >= before;
    before = orderOf(value);
  }
  if (inImage * 2 <= present) return false;
  return ascends || keepAscending(values) >= present * SMALLEST_PART_IN_ORDER;
}

/** Symbols of the per-CPU area that are linked at zero stand before all others. */
function orderOf(value: number): number {
  return value >= 0 ? value - 2 ** 50 : value;
}

/** Gives up what is not part of the longest ascending sequence (by patience sorting). Returns how much is left. */
function keepAscending(values: Float64Array): number {
  const before = new Int32Array(values.length);
  /** By length, where the sequence of that length ends that ends lowest; and what its last value is. */
  const ends = new Int32Array(values.length);
  const lasts = new Float64Array(values.length);
  let longest = 0;
  for (let index = 0; index < values.length; index++) {
    const order = orderOf(values[index] as number);
    if (Number.isNaN(order)) continue;
    const length = upperBound(lasts, order, 0, longest);
    before[index] = length === 0 ? -1 : (ends[length - 1] as number);
    ends[length] = index;
    lasts[length] = order;
    longest = Math.max(longest, length + 1);
  }
  const all = values.slice();
  values.fill(Number.NaN);
  for (let index = longest === 0 ? -1 : (ends[longest - 1] as number); index >= 0; index = before[index] as number)
    values[index] = all[index] as number;
  return longest;
}

/** The 64-bit word at an address as a signed integer in a double; undefined where it is missing. */
function wordAt(image: ImageMemory, address: VirtAddr): number | undefined {
  const sparse = image.read(address, 8);
  return sparse.gaps.length > 0 ? undefined : s64At(sparse.bytes, 0);
}
