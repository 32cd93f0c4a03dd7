/** Saved registers in the eight lines that crash prints. */

import { hex } from '../../base/addr.ts';
import type { Registers } from '../../arch/architecture.ts';
import { nameAndOffset } from './words.ts';

const registerRows: readonly (readonly string[])[] = [
  ['RIP', 'RSP', 'RFLAGS'],
  ['RAX', 'RBX', 'RCX'],
  ['RDX', 'RSI', 'RDI'],
  ['RBP', 'R8', 'R9'],
  ['R10', 'R11', 'R12'],
  ['R13', 'R14', 'R15'],
  ['ORIG_RAX', 'CS', 'SS'],
];

/** A register that is not known is shown so. */
export function* renderRegisters(registers: Registers): Generator<string> {
  for (const [index, row] of registerRows.entries()) {
    const cells = row.map((name, column) => {
      const value = registers[name.toLowerCase()];
      const digits = name === 'RFLAGS' ? 8 : name === 'CS' || name === 'SS' ? 4 : 16;
      const label = index > 0 && index < 6 && column > 0 ? name.padStart(3) : name;
      return `${label}: ${value === undefined ? '(unknown)'.padEnd(digits) : hex(value, digits)}`;
    });
    yield `    ${cells.join('  ')}`;
  }
}

/** What an exception interrupted, and the registers there. */
export function* renderInterrupted(
  at: { readonly symbol: string | undefined; readonly address: bigint; readonly offset: number },
  registers: Registers,
): Generator<string> {
  yield `    [exception RIP: ${at.symbol === undefined ? hex(at.address, 16) : nameAndOffset(at.symbol, at.offset)}]`;
  yield* renderRegisters(registers);
}
