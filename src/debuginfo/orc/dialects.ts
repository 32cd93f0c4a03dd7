/**
 * The dialects of ORC entries, and how to tell which one a table is written in. A wrong choice gives plausible wrong
 * stacks, so it is made from the table itself: what its entries say most often, which no distribution's backport can
 * change without changing their meaning.
 *
 * - 4.14 to 6.2: type:2, end:1; CALL is 0.
 * - 6.3: signal before end (kernel commit ffb1b4a41016).
 * - 6.4 to 7.0: type:3, signal:1; CALL is 2 (fb799447ae29).
 * - since 7.1: the registers are renumbered (1735858caa4b).
 *
 * In code of any kernel, nearly every entry is a CALL frame whose CFA is an offset from SP: the commonest type tells
 * the layout, the commonest register (5 or 3) the numbering.
 */

import { FormatError } from '../../base/errors.ts';
import type { OrcDialect, OrcRegister, OrcType } from './orc-entry.ts';

const registersTo70: readonly OrcRegister[] = [
  'undefined', 'prev_sp', 'dx', 'di', 'bp', 'sp', 'r10', 'r13', 'bp_indirect', 'sp_indirect',
]; // prettier-ignore
const registersSince71: readonly OrcRegister[] = [
  'undefined', 'ax', 'dx', 'sp', 'bp', 'di', 'r10', 'r13', 'prev_sp', 'sp_indirect', 'bp_indirect',
]; // prettier-ignore

const typesWithEnd: readonly OrcType[] = ['call', 'regs', 'regs-partial'];
const typesSince64: readonly OrcType[] = ['undefined', 'end-of-stack', 'call', 'regs', 'regs-partial'];

/** In the older layouts an entry without a CFA is the end of the stack, or unknown, as the end bit says. */
function typeWithEnd(flags: number, endBit: number): OrcType | undefined {
  if ((flags & 0xf) === 0) return (flags & endBit) === 0 ? 'undefined' : 'end-of-stack';
  return typesWithEnd[(flags >> 8) & 3];
}

export const orcDialects = {
  to62: {
    name: 'type:2 end:1',
    registers: registersTo70,
    typeOf: (flags) => typeWithEnd(flags, 0x400),
    signalOf: (flags) => typeWithEnd(flags, 0x400) !== 'call',
  },
  in63: {
    name: 'type:2 signal:1 end:1',
    registers: registersTo70,
    typeOf: (flags) => typeWithEnd(flags, 0x800),
    signalOf: (flags) => (flags & 0x400) !== 0,
  },
  since64: {
    name: 'type:3 signal:1',
    registers: registersTo70,
    typeOf: (flags) => typesSince64[(flags >> 8) & 7],
    signalOf: (flags) => (flags & 0x800) !== 0,
  },
  since71: {
    name: 'type:3 signal:1, registers renumbered',
    registers: registersSince71,
    typeOf: (flags) => typesSince64[(flags >> 8) & 7],
    signalOf: (flags) => (flags & 0x800) !== 0,
  },
} as const satisfies Record<string, OrcDialect>;

/**
 * The dialect of a table, from a sample of its entries' flag words.
 * @throws FormatError where the sample fits none: no stack is better than a wrong one.
 */
export function dialectOf(flagWords: Iterable<number>): OrcDialect {
  const types = Array.from({ length: 8 }, () => 0);
  const registers = Array.from({ length: 16 }, () => 0);
  let total = 0;
  let bit10 = 0;
  let bit10WithoutCfa = 0;
  let bit11 = 0;
  for (const flags of flagWords) {
    total++;
    if ((flags & 0x400) !== 0) {
      bit10++;
      if ((flags & 0xf) === 0) bit10WithoutCfa++;
    }
    if ((flags & 0x800) !== 0) bit11++;
    if ((flags & 0xf) === 0) continue;
    types[(flags >> 8) & 7] = (types[(flags >> 8) & 7] as number) + 1;
    registers[flags & 0xf] = (registers[flags & 0xf] as number) + 1;
  }
  const majority = total / 2;
  const [call0 = 0, , call2 = 0] = types;
  const sp5 = registers[5] as number;
  const sp3 = registers[3] as number;
  if (call0 > majority && sp5 > majority) {
    return bit11 > 0 || bit10WithoutCfa < bit10 ? orcDialects.in63 : orcDialects.to62;
  }
  if (call2 > majority && sp5 > majority) return orcDialects.since64;
  if (call2 > majority && sp3 > majority) return orcDialects.since71;
  throw new FormatError('.orc_unwind', 'the entries are in no layout that vmscope knows');
}
