/** Where functions' code comes from: the bytes in the dump, what bears which name, where faults are sent. */

import type { VirtAddr } from '../../base/addr.ts';

import { attempt } from '../../base/errors.ts';
import { bytesOf, readCode } from '../../kernel/code.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import { fixupsIn, type Fixup } from '../../kernel/exception-table.ts';

/** Code that bears one name. */
export interface NamedCode {
  readonly name: string;
  readonly start: VirtAddr;
  readonly end: VirtAddr;
}

export interface CodeSource {
  /** The code around an address that bears one name. */
  rangeAt(address: VirtAddr): NamedCode | undefined;
  /** Where code of a name begins, several where it is not the only one. */
  named(name: string): readonly VirtAddr[];
  /** The bytes as they ran; undefined where the dump does not have all of them. */
  read(start: VirtAddr, length: number): Uint8Array | undefined;
  fixupsIn(start: VirtAddr, end: VirtAddr): readonly Fixup[];
  /** Where there is code: [start, end). */
  text(): readonly { readonly start: VirtAddr; readonly end: VirtAddr }[];
}

export function kernelCodeSource(kernel: Kernel): CodeSource {
  return {
    rangeAt: (address) => {
      if (!kernel.symbols.isText(address)) return undefined;
      const range = kernel.symbols.codeAt(address);
      return range && { name: range.symbol.name, start: range.start, end: range.end };
    },
    named: (name) => kernel.symbols.named(name).map(({ address }) => address),
    read: (start, length) => {
      const code = attempt(() => readCode(kernel, start, length));
      if (code === undefined) return undefined;
      if (code.fault !== undefined || code.pieces.some(({ substitute }) => substitute !== undefined)) {
        // Where that is because the dump lacks the page, the answer has to say so.
        attempt(() => kernel.memory.bytes(start, length));
        return undefined;
      }
      const bytes = bytesOf(code.pieces);
      return bytes.length === length ? bytes : undefined;
    },
    fixupsIn: (start, end) => attempt(() => fixupsIn(kernel, start, end)) ?? [],
    text: () => kernel.symbols.textRanges(),
  };
}
