/**
 * Call frame information: from an address to the rules by which its caller's registers are found. DWARF 5 section 6.4;
 * .debug_frame of kernels and modules (they have no .eh_frame).
 *
 * Invariant: addresses are those of the file, as signed 64-bit integers in doubles. The section is read whole when it
 * is first needed: 2 to 5 MB of a kernel.
 */

import { attempt, FormatError } from '../../base/errors.ts';
import { once, upperBound } from '../../base/search.ts';
import { Cursor } from '../../bytes/cursor.ts';
import { lebLength, s64At, slebAt } from '../../bytes/read.ts';
import { runFrameProgram, type FrameRow } from './frame-program.ts';
import type { DwarfSections } from './sections.ts';

/** What the entries of a CIE share: DWARF 5 section 6.4.1. */
export interface CommonInformation {
  readonly codeAlignment: number;
  readonly dataAlignment: number;
  readonly returnAddressRegister: number;
  readonly instructions: Uint8Array;
}

interface Description {
  readonly low: number;
  readonly high: number;
  readonly cie: number;
  readonly start: number;
  readonly end: number;
}

const CIE_ID_32 = 0xffff_ffff;

export class CallFrames {
  readonly #bytes: () => Uint8Array;
  readonly #descriptions: () => readonly Description[];
  readonly #lows: () => Float64Array;
  readonly #common = new Map<number, CommonInformation | undefined>();

  constructor(sections: DwarfSections) {
    this.#bytes = once(() => {
      const section = sections.optional('.debug_frame');
      return section === undefined ? new Uint8Array(0) : section.bytes(0, section.size);
    });
    this.#descriptions = once(() => this.#index());
    this.#lows = once(() => Float64Array.from(this.#descriptions(), (description) => description.low));
  }

  /** The rules that hold at an address; undefined where no function described there covers it. */
  rowAt(address: number): FrameRow | undefined {
    const description = this.#descriptions()[upperBound(this.#lows(), address) - 1];
    if (description === undefined || address >= description.high) return undefined;
    const common = this.#commonAt(description.cie);
    if (common === undefined) return undefined;
    const instructions = this.#bytes().subarray(description.start, description.end);
    return runFrameProgram(common, instructions, description.low, address);
  }

  #index(): Description[] {
    const bytes = this.#bytes();
    const found: Description[] = [];
    const cursor = new Cursor(bytes, '.debug_frame');
    while (cursor.position + 8 <= bytes.length) {
      const length = cursor.u32();
      const bodyStart = cursor.position;
      // No kernel's section is in the 64-bit format: 4 GiB of unwind tables.
      if (length === CIE_ID_32 || bodyStart + length > bytes.length) break;
      const end = bodyStart + length;
      const cie = length >= 4 ? cursor.u32() : CIE_ID_32;
      if (cie !== CIE_ID_32 && length >= 20) {
        const low = s64At(bytes, bodyStart + 4);
        found.push({ low, high: low + s64At(bytes, bodyStart + 12), cie, start: bodyStart + 20, end });
      }
      cursor.position = end;
    }
    return found.sort((a, b) => a.low - b.low);
  }

  #commonAt(offset: number): CommonInformation | undefined {
    if (!this.#common.has(offset))
      this.#common.set(
        offset,
        attempt(() => readCommon(this.#bytes(), offset)),
      );
    return this.#common.get(offset);
  }
}

function readCommon(bytes: Uint8Array, offset: number): CommonInformation {
  const cursor = new Cursor(bytes, '.debug_frame', offset);
  const end = cursor.u32() + cursor.position;
  if (cursor.u32() !== CIE_ID_32) throw new FormatError('.debug_frame', 'a CIE is none', offset);
  const version = cursor.u8();
  const augmentation = cursor.string();
  if (augmentation !== '') throw new FormatError('.debug_frame', `unknown augmentation ${augmentation}`, offset);
  if (version >= 4) cursor.skip(2);
  const codeAlignment = cursor.uleb();
  const dataAlignment = slebAt(bytes, cursor.position);
  cursor.skip(lebLength(bytes, cursor.position));
  const returnAddressRegister = version === 1 ? cursor.u8() : cursor.uleb();
  return { codeAlignment, dataAlignment, returnAddressRegister, instructions: bytes.subarray(cursor.position, end) };
}
