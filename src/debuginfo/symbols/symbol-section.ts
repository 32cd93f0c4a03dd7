/** What a symbol's section tells of it. */

import { SHF_ALLOC, SHF_EXECINSTR, SHF_WRITE, SHT_NOBITS } from '../../formats/elf/constants.ts';

export interface SymbolSection {
  readonly flags: number;
  readonly type: number;
  /** Whether addresses in it are memory addresses: not so for zero-based per-CPU sections. */
  readonly addressable: boolean;
}

/** The lower-case letter nm gives symbols of a section. */
export function sectionLetter(section: SymbolSection | undefined): string {
  if (section === undefined) return '?';
  if ((section.flags & SHF_EXECINSTR) !== 0) return 't';
  if (section.type === SHT_NOBITS) return 'b';
  if ((section.flags & SHF_WRITE) !== 0) return 'd';
  return (section.flags & SHF_ALLOC) !== 0 ? 'r' : 'n';
}
