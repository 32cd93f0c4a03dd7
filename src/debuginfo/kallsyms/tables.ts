/**
 * Where the tables of kallsyms are. They lie one after the other in the image's .rodata, in one of three orders
 * (kernel scripts/kallsyms.c, write_src()):
 *
 *     addresses, [relative_base], num_syms, names, markers, [seqs_of_names], token_table, token_index
 *     num_syms, names, markers, token_table, token_index, addresses, relative_base, seqs_of_names   (320475fbd590)
 *     num_syms, names, markers, token_table, token_index, addresses, seqs_of_names
 *
 * VMCOREINFO names most of them (5fd8fea935a1); where it does not, the others are derived from their neighbours.
 */

import { addVirt, alignDown, type VirtAddr } from '../../base/addr.ts';
import { entrySize, type AddressTable } from './addresses.ts';
import { TOKEN_INDEX_SIZE } from './tokens.ts';

/** By name, without `kallsyms_`. */
export interface KallsymsPlaces {
  readonly numSyms: VirtAddr;
  readonly names: VirtAddr;
  readonly tokenTable: VirtAddr;
  readonly tokenIndex: VirtAddr;
}

export interface KallsymsTables extends KallsymsPlaces {
  readonly count: number;
  /** Where addresses may be: what proves right is taken. */
  readonly addresses: readonly AddressTable[];
}

/** What VMCOREINFO says; undefined where it does not name the tables. */
export function notedPlaces(symbolOf: (name: string) => VirtAddr | undefined): KallsymsPlaces | undefined {
  const numSyms = symbolOf('kallsyms_num_syms');
  const names = symbolOf('kallsyms_names');
  const tokenTable = symbolOf('kallsyms_token_table');
  const tokenIndex = symbolOf('kallsyms_token_index');
  if (numSyms === undefined || names === undefined || tokenTable === undefined || tokenIndex === undefined)
    return undefined;
  return { numSyms, names, tokenTable, tokenIndex };
}

/** The forms that VMCOREINFO's symbols leave open. */
export function notedAddresses(symbolOf: (name: string) => VirtAddr | undefined): AddressTable[] {
  const absolute = symbolOf('kallsyms_addresses');
  if (absolute !== undefined) return [{ form: 'absolute', at: absolute, baseAt: undefined }];
  const offsets = symbolOf('kallsyms_offsets');
  if (offsets === undefined) return [];
  const base = symbolOf('kallsyms_relative_base');
  return base === undefined
    ? [{ form: 'from its own place', at: offsets, baseAt: undefined }]
    : fromBase(offsets, base);
}

/** Every place and form that the neighbours leave open. */
export function neighbouringAddresses({ numSyms, tokenIndex }: KallsymsPlaces, count: number): AddressTable[] {
  const behind = addVirt(tokenIndex, TOKEN_INDEX_SIZE);
  const wordsBehind = alignUp(behind);
  const before = alignDown(numSyms, WORD);
  const baseBefore = addVirt(before, -WORD);
  const end = (at: VirtAddr): VirtAddr => alignUp(addVirt(at, count * OFFSET));
  return [
    ...fromBase(alignDown(addVirt(baseBefore, -count * OFFSET), WORD), baseBefore),
    ...fromBase(wordsBehind, end(wordsBehind)),
    { form: 'from its own place', at: behind, baseAt: undefined },
    { form: 'from its own place', at: wordsBehind, baseAt: undefined },
    { form: 'absolute', at: addVirt(before, -count * WORD), baseAt: undefined },
    { form: 'absolute', at: wordsBehind, baseAt: undefined },
  ];
}

function fromBase(at: VirtAddr, baseAt: VirtAddr): AddressTable[] {
  return [
    { form: 'from base, per-CPU absolute', at, baseAt },
    { form: 'from base', at, baseAt },
  ];
}

const WORD = entrySize('absolute');
const OFFSET = entrySize('from base');

function alignUp(address: VirtAddr): VirtAddr {
  return alignDown(addVirt(address, WORD - 1), WORD);
}
