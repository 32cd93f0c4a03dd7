/** x86-64 behind the Architecture interface. */

import type { Architecture } from '../architecture.ts';
import { X64PageTables } from './page-tables.ts';
import { dwarfRegisters, registersOfPrstatus } from './registers.ts';
import { savedRegisters } from './saved-registers.ts';

const EM_X86_64 = 62;

export const x86_64: Architecture = {
  name: 'x86_64',
  elfMachine: EM_X86_64,
  instructionPointer: 'rip',
  stackPointer: 'rsp',
  framePointer: 'rbp',
  dwarfRegisters,
  registersOfPrstatus,
  savedRegisters,
  pageTables: (memory, mode) => new X64PageTables(memory, mode),
};
