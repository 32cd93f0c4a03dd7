/** Bytes that are no code, or damaged code: whatever they are, following them ends, and throws nothing. */

import { beforeAll, it } from 'vitest';
import { loadDisassembler } from '../../disasm/disassembler.ts';
import { CODE_START } from '../../../test/builders/code.ts';
import { buildFunctions } from '../../../test/builders/functions.ts';
import { mutationRun } from '../../../test/builders/mutate.ts';
import { calleeSavedRegisters, callerSavedRegisters } from '../../arch/x86-64/registers.ts';
import { Activation, knownValue } from './activation.ts';
import { keptCopy } from './kept-copies.ts';
import { tailWays } from './tail-ways.ts';

beforeAll(() => loadDisassembler('x86_64'));

const registers = [...callerSavedRegisters, ...calleeSavedRegisters, 'rsp'];

/** Loops, calls, a spill, a conditional move, jumps out of the function. */
const code =
  '53 48 89 fb 56 48 85 f6 74 07 bf 01 00 00 00 eb 02 31 ff e8 0a 00 00 00 48 ff cb 75 fb 48 89 d8 48 0f 44 fe 48 83 ec 20 48 89 7c 24 08 89 74 24 10 48 8d 7c 24 18 ff d0 48 8b 34 24 74 2e 48 83 c4 20 5e 5b ff e0 e9 00 01 00 00 90 90 c3';

it('follows damaged code without end or failure', () => {
  const bytes = Uint8Array.from(code.split(' '), (byte) => parseInt(byte, 16));
  mutationRun(bytes, 400, (damaged) => {
    const hex = Array.from(damaged, (byte) => byte.toString(16)).join(' ');
    const functions = buildFunctions(
      [
        { name: 'f', bytes: hex },
        { name: 'g', bytes: hex },
      ],
      [[3, 0x12]],
    );
    const damagedCode = functions.at(CODE_START);
    if (damagedCode === undefined) return;
    const known = new Map(calleeSavedRegisters.map((name) => [name, knownValue(0xffff_8880_0000_0000n)]));
    const run = new Activation(damagedCode, damagedCode.instructions.length - 1, {
      now: (name) => known.get(name),
      entry: () => knownValue(0xffff_c900_0000_1000n),
      memory: (address) => knownValue(address),
    });
    for (const name of registers) {
      run.register(name);
      run.computed(name);
      keptCopy(run, name, 8, known, (address) => address);
    }
    tailWays(functions, damagedCode, CODE_START);
  });
});
