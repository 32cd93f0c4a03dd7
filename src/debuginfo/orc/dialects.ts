/**
 * The dialects of ORC entries, and how to tell which one a table is written in. A wrong choice gives plausible wrong
 * stacks, so it is made from the table itself: what its entries say most often, which no distribution's backport can
 * change without changing their meaning.
 *
 * - 4.14 to 4.18: type:2; CALL is 0. No end bit: what has no CFA is the end of the stack.
 * - 4.19 to 6.2: type:2, end:1 (d31a580266ee).
 * - 6.3: signal before end (kernel commit ffb1b4a41016).
 * - 6.4 to 7.0: type:3, signal:1; CALL is 2 (fb799447ae29).
 * - since 7.1: the registers are renumbered (1735858caa4b).
 *
 * In code of any kernel, nearly every entry is a CALL frame whose CFA is an offset from SP: the commonest type tells
 * the layout, the commonest register (5 or 3) the numbering. The end bit is rare: a kernel has a handful of such
 * entries. Which of the three older layouts it is, any one entry tells, so all may have to be looked at.
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

/** Before the signal bit every caller found in saved registers was taken to be interrupted. */
function isRegsOfOld(flags: number): boolean {
  return (flags & 0xf) !== 0 && (flags & 0x300) !== 0;
}

export const orcDialects = {
  to418: {
    name: 'type:2',
    registers: registersTo70,
    typeOf: (flags) => ((flags & 0xf) === 0 ? 'end-of-stack' : typesWithEnd[(flags >> 8) & 3]),
    signalOf: isRegsOfOld,
  },
  to62: {
    name: 'type:2 end:1',
    registers: registersTo70,
    typeOf: (flags) => typeWithEnd(flags, 0x400),
    signalOf: isRegsOfOld,
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
 * @param all every entry's, for what the sample leaves open
 * @throws FormatError where the sample fits none: no stack is better than a wrong one.
 */
export function dialectOf(flagWords: Iterable<number>, all: () => Iterable<number> = () => []): OrcDialect {
  const types = Array.from({ length: 8 }, () => 0);
  const registers = Array.from({ length: 16 }, () => 0);
  let total = 0;
  let older: OrcDialect | undefined;
  for (const flags of flagWords) {
    total++;
    older ??= olderDialectOf(flags);
    if ((flags & 0xf) === 0) continue;
    types[(flags >> 8) & 7] = (types[(flags >> 8) & 7] as number) + 1;
    registers[flags & 0xf] = (registers[flags & 0xf] as number) + 1;
  }
  const majority = total / 2;
  const [call0 = 0, , call2 = 0] = types;
  const sp5 = registers[5] as number;
  const sp3 = registers[3] as number;
  if (call0 > majority && sp5 > majority) {
    if (older !== undefined) return older;
    for (const flags of all()) {
      older = olderDialectOf(flags);
      if (older !== undefined) return older;
    }
    return orcDialects.to418;
  }
  if (call2 > majority && sp5 > majority) return orcDialects.since64;
  if (call2 > majority && sp3 > majority) return orcDialects.since71;
  throw new FormatError('.orc_unwind', 'the entries are in no layout that vmscope knows');
}

/** Of the layouts with type:2, which one an entry can only be in: bit 10 ends stacks, or says signal; bit 11 ends. */
function olderDialectOf(flags: number): OrcDialect | undefined {
  if ((flags & 0x800) !== 0) return orcDialects.in63;
  if ((flags & 0x400) === 0) return undefined;
  return (flags & 0xf) === 0 ? orcDialects.to62 : orcDialects.in63;
}
