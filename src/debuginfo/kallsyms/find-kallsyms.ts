/**
 * The kernel's symbols out of its own image: `/proc/kallsyms` of a kernel that is dead. Found by what VMCOREINFO says,
 * else by their structure, and believed when the text is where they say that `linux_banner` is.
 */

import type { VirtAddr } from '../../base/addr.ts';
import { attempt } from '../../base/errors.ts';
import type { Available } from '../../base/available.ts';
import { decodeText, u32At } from '../../bytes/read.ts';
import type { ImageMemory } from '../../memory/sparse.ts';
import { SymbolTable } from '../symbols/symbol-table.ts';
import { readAddresses } from './addresses.ts';
import { KallsymsSymbols } from './kallsyms-symbols.ts';
import { CompressedNames } from './names.ts';
import { searchTables } from './search.ts';
import { neighbouringAddresses, notedAddresses, notedPlaces, type KallsymsTables } from './tables.ts';
import { LARGEST_TOKEN_TABLE, TOKEN_INDEX_SIZE, Tokens } from './tokens.ts';

export interface Kallsyms {
  /** At the addresses of the image. */
  readonly symbols: SymbolTable;
  readonly origin: 'VMCOREINFO' | 'structure';
  /** False where the kernel keeps the names of its functions alone (CONFIG_KALLSYMS_ALL is not set). */
  readonly hasData: boolean;
  /** What damage cost, for the user. */
  readonly losses: readonly string[];
}

/** More is no kernel. */
const MOST_SYMBOLS = 1 << 22;
const LARGEST_NAMES = 1 << 26;

/** @param symbolOf VMCOREINFO's SYMBOL(name) */
export function findKallsyms(
  image: ImageMemory,
  symbolOf: (name: string) => VirtAddr | undefined,
): Available<Kallsyms> {
  const noted = notedTables(image, symbolOf);
  const byNotes = noted && open(image, noted, 'VMCOREINFO', symbolOf('_stext'));
  if (byNotes !== undefined) return byNotes;
  for (const places of searchTables(image)) {
    const addresses = neighbouringAddresses(places, places.count);
    const found = open(image, { ...places, addresses }, 'structure', symbolOf('_stext'));
    if (found !== undefined) return found;
  }
  return {
    unavailable: `the kernel's table of symbols (kallsyms) is not in its image${
      noted === undefined ? '' : ', not where VMCOREINFO says either'
    }`,
  };
}

function notedTables(image: ImageMemory, symbolOf: (name: string) => VirtAddr | undefined): KallsymsTables | undefined {
  const places = notedPlaces(symbolOf);
  if (places === undefined) return undefined;
  const { bytes, gaps } = image.read(places.numSyms, 4);
  const count = u32At(bytes, 0);
  if (gaps.length > 0) return undefined;
  return { ...places, count, addresses: [...notedAddresses(symbolOf), ...neighbouringAddresses(places, count)] };
}

function open(
  image: ImageMemory,
  tables: KallsymsTables,
  origin: Kallsyms['origin'],
  stext: VirtAddr | undefined,
): Kallsyms | undefined {
  const { count, names, tokenTable } = tables;
  const namesSize = tokenTable - names;
  if (count === 0 || count > MOST_SYMBOLS || namesSize <= 0n || namesSize > LARGEST_NAMES) return undefined;
  const tokens = readTokens(image, tables);
  if (tokens === undefined) return undefined;
  const compressed = new CompressedNames(image.read(names, Number(namesSize)), count, tokens);
  for (const table of tables.addresses) {
    const addresses = readAddresses(image, table, count);
    if (addresses === undefined) continue;
    const symbols = new SymbolTable(new KallsymsSymbols(compressed, addresses), 0n, undefined);
    if (!isProved(image, symbols, stext)) continue;
    const hasData = symbols.named('init_task').length > 0;
    return { symbols, origin, hasData, losses: lossesOf(compressed, addresses) };
  }
  return undefined;
}

function readTokens(image: ImageMemory, { tokenTable, tokenIndex }: KallsymsTables): Tokens | undefined {
  const index = image.read(tokenIndex, TOKEN_INDEX_SIZE);
  const distance = tokenIndex - tokenTable;
  const size = distance > 0n && distance < LARGEST_TOKEN_TABLE ? Number(distance) : LARGEST_TOKEN_TABLE;
  const table = image.read(tokenTable, size);
  if (index.gaps.length > 0 || table.gaps.length > 0) return undefined;
  return attempt(() => new Tokens(table.bytes, index.bytes));
}

const BANNER = 'Linux version ';

/**
 * By what a symbol that every kernel has leads to. Where that memory is missing, or data has no symbols, by functions.
 * @param noted where VMCOREINFO says that the text begins
 */
function isProved(image: ImageMemory, symbols: SymbolTable, noted: VirtAddr | undefined): boolean {
  const banner = symbols.named('linux_banner')[0];
  if (banner !== undefined) {
    const { bytes, gaps } = image.read(banner.address, BANNER.length);
    if (gaps.length === 0) return decodeText(bytes) === BANNER;
  }
  const text = symbols.named('_stext')[0]?.address;
  const end = symbols.named('_etext')[0]?.address;
  return text !== undefined && end !== undefined && text < end && (noted === undefined || noted === text);
}

function lossesOf(names: CompressedNames, addresses: Float64Array): string[] {
  const unknown = addresses.reduce((sum, value) => sum + (Number.isNaN(value) ? 1 : 0), 0);
  const lost = (count: number, what: string): string[] =>
    count === 0 ? [] : [`${count} of ${addresses.length} ${what} of symbols are missing or damaged`];
  return [...lost(names.missing, 'names'), ...lost(unknown, 'addresses')];
}
