/** The functions, inlined ones too, and the lines that the debug information has at an address of code. */

import type { VirtAddr } from '../base/addr.ts';
import { isExpected } from '../base/errors.ts';
import type { SourceFrame, SourceLine } from '../debuginfo/dwarf/dwarf-info.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { codeObjectAt } from '../unwind/code-lookup.ts';

/** What is known of one address. */
export interface SourceAt {
  /** The function and the calls expanded in it, innermost first. */
  readonly frames: readonly SourceFrame[];
  /** Of code that is in no function: assembler. */
  readonly line: SourceLine | undefined;
  /** Why nothing is known; undefined where something is, or the address is no code. */
  readonly missing: string | undefined;
}

/** @param at the call itself, not the address it returns to */
export function sourceAt(kernel: Kernel, at: VirtAddr): SourceAt {
  const code = codeObjectAt(kernel, at);
  const nothing = { frames: [], line: undefined };
  if (code === undefined) return { ...nothing, missing: undefined };
  try {
    const dwarf = code.dwarf();
    if (dwarf === undefined) {
      const why = code.whyNoDwarf();
      return { ...nothing, missing: why === undefined ? why : `no lines, inlined calls and variables: ${why}` };
    }
    const address = code.toTable(at);
    const frames = dwarf.framesAt(address);
    return { frames, line: frames.length === 0 ? dwarf.lineAt(address) : undefined, missing: undefined };
  } catch (error) {
    if (!isExpected(error)) throw error;
    return { ...nothing, missing: `no lines, inlined calls and variables: ${error.message}` };
  }
}
