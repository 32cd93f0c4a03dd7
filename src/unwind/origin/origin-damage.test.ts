/** Bytes that are no code, or damaged code: going back through them ends, and throws nothing. */

import { beforeAll, it } from 'vitest';
import { calleeSavedRegisters, callerSavedRegisters } from '../../arch/x86-64/registers.ts';
import { loadDisassembler } from '../../disasm/disassembler.ts';
import { mutationRun } from '../../../test/builders/mutate.ts';
import { activationOf, buildActivation, momentOf } from '../../../test/builders/run.ts';
import { chooseDefinitions, doTheSame } from './choice.ts';
import { takenSide } from './conditions.ts';
import { momentBefore, momentOfEntry, registerAt } from './moment.ts';
import { narrow } from './narrowing.ts';
import { storesTo } from './slots.ts';
import { stackDepth } from './stack-depth.ts';
import { writersOf } from './writers.ts';

beforeAll(() => loadDisassembler('x86_64'));

const registers = [...callerSavedRegisters, ...calleeSavedRegisters, 'rsp'];
const read = { kind: 'memory', address: { kind: 'register', name: 'rbx' }, size: 8, segment: undefined } as const;

/** A loop, calls, a spill, comparisons, a conditional move, a constant that is stored. */
const code =
  '53 48 89 fb 56 48 85 f6 74 07 bf 01 00 00 00 eb 02 31 ff e8 0a 00 00 00 48 ff cb 75 fb 48 89 d8 48 0f 44 fe 48 83 ec 20 48 89 7c 24 08 89 74 24 10 48 8d 7c 24 18 3d 05 00 00 00 77 02 ff d0 48 8b 34 24 48 c7 03 ef be ad 0b 48 83 c4 20 5e 5b c3';

it('goes back through damaged code without end or failure', () => {
  const bytes = Uint8Array.from(code.split(' '), (byte) => parseInt(byte, 16));
  const known = { rbx: 5n, rbp: 0n, rsp: 0x8000n, r12: 0xffff_8880_0000_0000n };
  mutationRun(bytes, 400, (damaged) => {
    const hex = Array.from(damaged, (byte) => byte.toString(16)).join(' ');
    const { instructions } = buildActivation({ bytes: hex, place: 0 }).code;
    const place = Math.max(0, instructions.length - 3);
    const values = { now: known, entry: { rdi: 1n, rsi: 2n }, memory: { '8008': 1n } };
    const whole = buildActivation({ bytes: hex, place, ...values });
    const activation = narrow(whole, (fewer) => activationOf(fewer, place, values), true);
    const here = momentOf(activation, known);
    for (const name of registers) {
      const { definitions } = chooseDefinitions(here.run, place, name, registerAt(here, name), true);
      doTheSame(activation, definitions, name);
      const sets = (index: number): boolean => activation.code.effect(index).registers.has(name);
      momentOfEntry(here, sets);
      for (const definition of definitions) {
        if (definition.kind !== 'instruction') continue;
        const before = momentBefore(here, definition.index, sets);
        const formula = activation.code.effect(definition.index).registers.get(name);
        if (formula !== undefined) takenSide(before, formula, undefined, true);
        for (const other of registers) registerAt(before, other);
      }
    }
    storesTo(activation, place, 0x8008n, 8);
    stackDepth(activation.code, place);
    writersOf([activation.code], read, 0xbadbeefn);
  });
});
