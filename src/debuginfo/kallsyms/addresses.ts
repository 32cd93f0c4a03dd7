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
/** Of a thousand entries that may be out of order, or elsewhere, in memory that is damaged. */
const MOST_STRAYS = 1;

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

/** Symbols are sorted by address, those of the per-CPU area, linked at zero, first; most of them are in the image. */
function isPlausible(values: Float64Array): boolean {
  const addresses = values.filter((value) => value < 0);
  const middle = addresses[addresses.length >> 1] ?? 0;
  let present = 0;
  let inImage = 0;
  let strays = 0;
  let before = Number.NaN;
  for (const value of values) {
    if (Number.isNaN(value)) continue;
    present++;
    if (value < 0) {
      if (Math.abs(value - middle) < REACH) inImage++;
      else strays++;
      if (value < before && before < 0) strays++;
    } else if (before < 0 || value < before) strays++;
    before = value;
  }
  return present > 0 && inImage * 2 > present && strays * 1000 <= present * MOST_STRAYS;
}

/** The 64-bit word at an address as a signed integer in a double; undefined where it is missing. */
function wordAt(image: ImageMemory, address: VirtAddr): number | undefined {
  const sparse = image.read(address, 8);
  return sparse.gaps.length > 0 ? undefined : s64At(sparse.bytes, 0);
}
