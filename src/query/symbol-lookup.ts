/** Symbols by name, address or part of a name: the answers to `sym`. */

import { addVirt, virtAddr, type VirtAddr } from '../base/addr.ts';
import { attempt, LookupError } from '../base/errors.ts';
import { checkCancelled } from '../base/cancel.ts';
import { nearestNames } from '../base/suggest.ts';
import type { SourceLine } from '../debuginfo/dwarf/dwarf-info.ts';
import type { KernelSymbol } from '../debuginfo/symbols/symbol-table.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { codeObjectAt } from '../unwind/code-lookup.ts';

export interface SymbolRow {
  readonly address: VirtAddr;
  readonly letter: string;
  readonly name: string;
  /** In bytes from the symbol; undefined where the symbol itself was asked for. */
  readonly offset: number | undefined;
  readonly module: string | undefined;
  readonly source: SourceLine | undefined;
}

export interface SymbolReport {
  readonly type: 'symbols';
  readonly symbols: readonly SymbolRow[];
}

export function symbolAt(kernel: Kernel, address: VirtAddr): SymbolReport {
  const found = kernel.symbols.at(address);
  if (found === undefined) throw new LookupError('symbol at address', address.toString(16));
  return report([{ ...row(kernel, found.symbol, address), address, offset: found.offset }]);
}

export function symbolsNamed(kernel: Kernel, name: string): SymbolReport {
  const found = kernel.symbols.named(name);
  if (found.length === 0) throw new LookupError('symbol', name, nearestNames(name, namesOf(kernel)));
  return report(found.map((symbol) => row(kernel, symbol, symbol.address)));
}

/** The symbols just before or after another. */
export function neighbourOf(kernel: Kernel, address: VirtAddr, which: 'previous' | 'next'): SymbolReport {
  const found = kernel.symbols.at(address);
  if (found === undefined) throw new LookupError('symbol at address', address.toString(16));
  let before: KernelSymbol | undefined;
  for (const symbol of kernel.symbols.all()) {
    if (which === 'previous' && symbol.address >= found.symbol.address) break;
    if (which === 'next' && symbol.address > found.symbol.address) return report([row(kernel, symbol, symbol.address)]);
    before = symbol;
  }
  return report(before === undefined || which === 'next' ? [] : [row(kernel, before, before.address)]);
}

/** Every symbol, of one module or of all, whose name contains a text. */
export function* symbolsMatching(
  kernel: Kernel,
  part: string,
  module: 'all' | 'modules' | { name: string },
): Generator<SymbolReport> {
  let rows: SymbolRow[] = [];
  for (const symbol of kernel.symbols.all()) {
    if (module === 'modules' && symbol.module === undefined) continue;
    if (typeof module === 'object' && symbol.module !== module.name) continue;
    if (!symbol.name.includes(part)) continue;
    rows.push({
      address: symbol.address,
      letter: symbol.letter,
      name: symbol.name,
      offset: undefined,
      module: symbol.module,
      source: undefined,
    });
    if (rows.length === 1000) {
      checkCancelled();
      yield report(rows);
      rows = [];
    }
  }
  if (rows.length > 0) yield report(rows);
}

/** What stands behind the + of an address: decimal, unless it has 0x. Undefined where it is no number. */
export function parseOffset(text: string): bigint | undefined {
  return /^(0x[0-9a-f]+|\d+)$/i.test(text) ? BigInt(text.toLowerCase()) : undefined;
}

/** The address a word names: a symbol, with an optional +offset. Undefined where it is none. */
export function addressOfName(kernel: Kernel, word: string): VirtAddr | undefined {
  const match = /^([A-Za-z_.$][\w.$]*)(?:\+(\w+))?$/.exec(word);
  if (match?.[1] === undefined) return undefined;
  const offset = parseOffset(match[2] ?? '0');
  const symbol = kernel.symbols.named(match[1])[0];
  return symbol && (offset === undefined ? undefined : addVirt(symbol.address, offset));
}

function report(symbols: readonly SymbolRow[]): SymbolReport {
  return { type: 'symbols', symbols };
}

function row(kernel: Kernel, symbol: KernelSymbol, at: VirtAddr): SymbolRow {
  const code = codeObjectAt(kernel, virtAddr(at));
  return {
    address: symbol.address,
    letter: symbol.letter,
    name: symbol.name,
    offset: undefined,
    module: symbol.module,
    source: code && attempt(() => code.dwarf()?.lineAt(code.toTable(at))),
  };
}

/** The name of every symbol. */
export function* namesOf(kernel: Kernel): Generator<string> {
  for (const symbol of kernel.symbols.all()) yield symbol.name;
}
