/** Symbols by name, address or part of a name: the answers to `sym`. */

import { addVirt, type VirtAddr } from '../base/addr.ts';
import { LookupError } from '../base/errors.ts';
import { checkCancelled } from '../base/cancel.ts';
import { nearestNames } from '../base/suggest.ts';
import type { SourceLine } from '../debuginfo/dwarf/dwarf-info.ts';
import type { KernelSymbol } from '../debuginfo/symbols/symbol-table.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { sourceAt } from './source-at.ts';

export interface SymbolRow {
  readonly address: VirtAddr;
  readonly letter: string;
  readonly name: string;
  /** In bytes from the symbol; undefined where the symbol itself was asked for. */
  readonly offset: number | undefined;
  readonly module: string | undefined;
  /** Of the symbol's own function: where the statement or the inlined call stands that the address is in. */
  readonly source: SourceLine | undefined;
  /** Calls the compiler expanded in place at the address, innermost first. */
  readonly inlined: readonly InlinedCall[];
  /** In a list of symbols: what begins or ends here instead of a symbol. */
  readonly mark?: string;
}

export interface InlinedCall {
  readonly name: string;
  readonly source: SourceLine | undefined;
}

export interface SymbolReport {
  readonly type: 'symbols';
  readonly symbols: readonly SymbolRow[];
}

/** @param name which of several symbols at the address is meant */
export function symbolAt(kernel: Kernel, address: VirtAddr, name?: string): SymbolReport {
  const meant = name === undefined ? undefined : kernel.symbols.named(name).find((one) => one.address === address);
  const found = meant === undefined ? kernel.symbols.at(address) : { symbol: meant, offset: 0 };
  if (found === undefined) throw noSymbolAt(address);
  return report([{ ...row(kernel, found.symbol, address), address, offset: found.offset }]);
}

function noSymbolAt(address: VirtAddr): LookupError {
  const text = address.toString(16);
  return new LookupError('symbol at address', `${text}; kmem ${text} tells what it is`);
}

export function symbolsNamed(kernel: Kernel, name: string): SymbolReport {
  const found = kernel.symbols.named(name);
  if (found.length === 0) {
    const lost = whyLost(kernel, name);
    throw lost === undefined
      ? new LookupError('symbol', name, nearestNames(name, namesOf(kernel)))
      : new LookupError('symbol', lost);
  }
  return report(found.map((symbol) => row(kernel, symbol, symbol.address)));
}

/** What to say of a name that was in a module's file alone. */
export function whyLost(kernel: Kernel, name: string): string | undefined {
  const module = kernel.modules().modules.find((one) => one.lostSymbols().includes(name));
  return module && `${name} was in the file of module ${module.name} alone and is not in its memory`;
}

/** The symbol next to another in the order of addresses, whoever's it is. Empty where there is none. */
export function neighbourOf(kernel: Kernel, address: VirtAddr, which: 'previous' | 'next'): SymbolReport {
  const found = kernel.symbols.at(address);
  if (found === undefined) throw noSymbolAt(address);
  const start = found.symbol.address;
  let nearest: KernelSymbol | undefined;
  for (const symbol of kernel.symbols.all()) {
    const { address: at } = symbol;
    if (which === 'previous' ? at >= start : at <= start) continue;
    if (nearest === undefined || (which === 'previous' ? at > nearest.address : at < nearest.address)) nearest = symbol;
  }
  if (nearest === undefined) return report([]);
  return report([row(kernel, kernel.symbols.at(nearest.address)?.symbol ?? nearest, nearest.address)]);
}

/** Every symbol whose name contains a text. */
export function symbolsMatching(kernel: Kernel, part: string): Generator<SymbolReport> {
  return inPieces(kernel.symbols.all(), part);
}

/** Every symbol of the kernel itself. */
export function kernelSymbols(kernel: Kernel): Generator<SymbolReport> {
  return inPieces(kernel.symbols.ofKernel());
}

function* inPieces(symbols: Iterable<KernelSymbol>, part = ''): Generator<SymbolReport> {
  let rows: SymbolRow[] = [];
  for (const symbol of symbols) {
    if (!symbol.name.includes(part)) continue;
    rows.push(plainRow(symbol));
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

/** A symbol without what debug information would add. */
export function plainRow({ address, letter, name, module }: KernelSymbol): SymbolRow {
  return { address, letter, name, offset: undefined, module, source: undefined, inlined: [] };
}

function row(kernel: Kernel, symbol: KernelSymbol, at: VirtAddr): SymbolRow {
  const { frames, line } = sourceAt(kernel, at);
  return {
    ...plainRow(symbol),
    source: frames.at(-1)?.source ?? line,
    inlined: frames
      .filter((frame) => frame.inlined)
      .map((frame) => ({ name: frame.functionName ?? '?', source: frame.source })),
  };
}

/** The name of every symbol. */
export function* namesOf(kernel: Kernel): Generator<string> {
  for (const symbol of kernel.symbols.all()) yield symbol.name;
}
