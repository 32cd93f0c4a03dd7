/** Functions in machine code, with what is around them, as unwind/code reads them. */

import { virtAddr } from '../../src/base/addr.ts';
import { attempt } from '../../src/base/errors.ts';
import { disassemblerFor } from '../../src/disasm/disassembler.ts';
import type { CodeSource } from '../../src/unwind/code/code-source.ts';
import { Functions } from '../../src/unwind/code/functions.ts';
import { buildCode, CODE_START, type BuiltFunction } from './code.ts';

/** @param fixups where a fault at one offset from the start of the code leads to, as an offset */
export function buildCodeSource(
  functions: readonly BuiltFunction[],
  fixups: readonly (readonly [number, number])[] = [],
): CodeSource {
  const code = buildCode(functions);
  return {
    rangeAt: (address) => {
      const range = code.rangeAt(address);
      return range && { name: range.symbol.name, start: range.start, end: range.end };
    },
    named: (name) => [...code.named(name, undefined)],
    read: (start, length) => {
      const bytes = attempt(() => code.read(start, length))?.pieces[0]?.bytes;
      return bytes?.length === length ? bytes : undefined;
    },
    fixupsIn: (start, end) =>
      fixups
        .map(([from, to]) => ({ from: virtAddr(CODE_START + BigInt(from)), to: virtAddr(CODE_START + BigInt(to)) }))
        .filter(({ from }) => from >= start && from < end),
    text: () =>
      functions.flatMap(({ name }) => code.named(name, undefined).flatMap((start) => code.rangeAt(start) ?? [])),
  };
}

/** One after the other from CODE_START on. The disassembler has to be loaded. */
export function buildFunctions(
  functions: readonly BuiltFunction[],
  fixups: readonly (readonly [number, number])[] = [],
): Functions {
  return new Functions(buildCodeSource(functions, fixups), disassemblerFor('x86_64'));
}
